import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));

/** Calls of the drivers that take SQL text. */
const DRIVERS = /node_modules\/(mysql2\/|@types\/node\/sqlite\.d\.ts)/;
const TAKES_SQL: ReadonlySet<string> = new Set(['query', 'execute', 'prepare', 'exec']);

/** What may stand in SQL text although it is no literal, by the interface that declares it, and why. */
const NAMED_PIECES: Readonly<Record<string, string>> = {
  MysqlSchema: 'types and index names that the server itself gave, the names quoted',
  MigrationFile: 'the files in migrations, which come with the package',
};

/** Where SQL text comes from: an argument of a call, or a member of it. */
interface Place {
  readonly callee: string;
  readonly argument: number;
  readonly member: string | undefined;
}

/**
 * Follows every text that a driver gets as SQL back to where it comes from, through constants, templates, choices and
 * the parameters of our own functions, whose callers are then looked at in the same way.
 *
 * @param planted - further files of the project, by path
 * @returns each piece of SQL text that is neither a literal, nor a number, nor one of the named pieces
 */
export function findSqlFromData(planted: Readonly<Record<string, string>> = {}): string[] {
  const program = readProject(planted);
  const checker = program.getTypeChecker();
  const calls = program
    .getSourceFiles()
    .filter(({ fileName }) => relative(PROJECT, fileName).startsWith('src'))
    .flatMap(callsIn);
  const found = new Set<string>();
  const seen = new Set<string>();
  const pieces = calls.flatMap(call => textsForDriver(call, checker));
  for (let piece = pieces.pop(); piece; piece = pieces.pop()) {
    const origin = originOf(piece, checker);
    if (Array.isArray(origin)) pieces.push(...origin);
    else if (typeof origin === 'string') {
      found.add(`${placeOf(piece)}: ${piece.getText()} ${origin}`);
    } else if (!seen.has(JSON.stringify(origin))) {
      seen.add(JSON.stringify(origin));
      const given = calls.flatMap(call => textsAt(origin, call, checker));
      if (given.length === 0) {
        found.add(`${origin.callee}: its SQL text comes from outside the product`);
      }
      pieces.push(...given);
    }
  }
  return [...found].sort();
}

/** One step back: what a piece is made of, the parameter that it is, or why it is not known what it holds. */
function originOf(piece: ts.Expression, checker: ts.TypeChecker): ts.Expression[] | Place | string {
  if (ts.isStringLiteralLike(piece)) return [];
  if (ts.isTemplateExpression(piece)) return piece.templateSpans.map(span => span.expression);
  if (ts.isConditionalExpression(piece)) return [piece.whenTrue, piece.whenFalse];
  if (ts.isBinaryExpression(piece) && piece.operatorToken.kind === ts.SyntaxKind.PlusToken) {
    return [piece.left, piece.right];
  }
  if (isHarmless(checker.getTypeAtLocation(piece))) return [];
  const declaration = declarationOf(ts.isCallExpression(piece) ? piece.expression : piece, checker);
  if (ts.isCallExpression(piece)) {
    const isRead = declaration && ts.isFunctionDeclaration(declaration) && declaration.body;
    return isRead ? returnedBy(isRead) : 'is the answer of a function that cannot be read';
  }
  if (declaration === undefined) return 'is no name';
  if (isNamedPiece(declaration)) return [];
  const place = parameterOf(declaration);
  if (place !== undefined) return place;
  if (!ts.isVariableDeclaration(declaration)) return 'is no constant';
  const loop = declaration.parent.parent;
  if (ts.isForOfStatement(loop)) return listed(loop.expression, checker) ?? 'comes out of a list';
  const isConstant = (declaration.parent.flags & ts.NodeFlags.Const) !== 0;
  return isConstant && declaration.initializer ? [declaration.initializer] : 'is no constant';
}

function textsForDriver(call: ts.CallExpression, checker: ts.TypeChecker): ts.Expression[] {
  const [sql] = call.arguments;
  if (!sql || !TAKES_SQL.has(nameOf(call.expression))) return [];
  const declaration = checker.getResolvedSignature(call)?.declaration;
  if (!declaration || !DRIVERS.test(declaration.getSourceFile().fileName)) return [];
  return [(ts.isObjectLiteralExpression(sql) && memberOf(sql, 'sql')) || sql];
}

/** What a call of one of our functions gives at a place. */
function textsAt(
  { callee, argument, member }: Place,
  call: ts.CallExpression,
  checker: ts.TypeChecker
): ts.Expression[] {
  if (nameOf(call.expression) !== callee) return [];
  const declaration = checker.getResolvedSignature(call)?.declaration;
  if (!declaration || declaration.getSourceFile().isDeclarationFile) return [];
  const given = call.arguments[argument];
  if (given === undefined) return [];
  if (member === undefined || !ts.isObjectLiteralExpression(given)) return [given];
  return [memberOf(given, member) ?? given];
}

function returnedBy(body: ts.Block): ts.Expression[] {
  const returned: ts.Expression[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isReturnStatement(node) && node.expression) returned.push(node.expression);
    else if (!ts.isFunctionLike(node)) ts.forEachChild(node, visit);
  };
  ts.forEachChild(body, visit);
  return returned;
}

/** The members of a list that is written out. */
function listed(list: ts.Expression, checker: ts.TypeChecker): ts.Expression[] | undefined {
  const declaration = declarationOf(list, checker);
  const written =
    declaration && ts.isVariableDeclaration(declaration) ? declaration.initializer : undefined;
  return written && ts.isArrayLiteralExpression(written) ? [...written.elements] : undefined;
}

function readProject(planted: Readonly<Record<string, string>>): ts.Program {
  const path = join(PROJECT, 'tsconfig.json');
  const config = ts.getParsedCommandLineOfConfigFile(
    path,
    {},
    { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => undefined }
  );
  if (config === undefined) throw new Error(`${path} cannot be read.`);
  const more = new Map(
    Object.entries(planted).map(([name, text]) => [join(PROJECT, name), text] as const)
  );
  const host = ts.createCompilerHost(config.options);
  const { readFile, fileExists } = host;
  host.readFile = name => more.get(name) ?? readFile.call(host, name);
  host.fileExists = name => more.has(name) || fileExists.call(host, name);
  const src = config.fileNames.filter(name => relative(PROJECT, dirname(name)).startsWith('src'));
  return ts.createProgram([...src, ...more.keys()], config.options, host);
}

function callsIn(file: ts.SourceFile): ts.CallExpression[] {
  const calls: ts.CallExpression[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node)) calls.push(node);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return calls;
}

/** Numbers, and texts of which the type says what they can be. */
function isHarmless(type: ts.Type): boolean {
  const kinds = type.isUnion() ? type.types : [type];
  return kinds.every(
    kind => (kind.flags & (ts.TypeFlags.NumberLike | ts.TypeFlags.StringLiteral)) !== 0
  );
}

function declarationOf(name: ts.Expression, checker: ts.TypeChecker): ts.Declaration | undefined {
  let symbol = checker.getSymbolAtLocation(name);
  if (symbol && ts.isIdentifier(name) && ts.isShorthandPropertyAssignment(name.parent)) {
    symbol = checker.getShorthandAssignmentValueSymbol(name.parent);
  }
  if (symbol && (symbol.flags & ts.SymbolFlags.Alias) !== 0) {
    symbol = checker.getAliasedSymbol(symbol);
  }
  return symbol?.declarations?.[0];
}

function isNamedPiece(declaration: ts.Declaration): boolean {
  const { parent } = declaration;
  if (ts.isInterfaceDeclaration(parent)) return parent.name.text in NAMED_PIECES;
  // A member taken out of one: `({ freeIndexHint }: MysqlSchema) => …`
  const holder = ts.isObjectBindingPattern(parent) ? parent.parent : undefined;
  const type = holder && ts.isParameter(holder) ? holder.type?.getText() : undefined;
  return type !== undefined && type in NAMED_PIECES;
}

/** The parameter, or the member of one, that a name stands for. */
function parameterOf(declaration: ts.Declaration): Place | undefined {
  if (ts.isParameter(declaration)) {
    const owner = declaration.parent;
    return {
      callee: ownName(owner),
      argument: owner.parameters.indexOf(declaration),
      member: undefined,
    };
  }
  if (!ts.isBindingElement(declaration)) return undefined;
  const parameter = declaration.parent.parent;
  if (!ts.isParameter(parameter)) return undefined;
  return {
    callee: ownName(parameter.parent),
    argument: parameter.parent.parameters.indexOf(parameter),
    member: (declaration.propertyName ?? declaration.name).getText(),
  };
}

/** What a function is called by: its own name, or that of the constant or member which it is. */
function ownName(owner: ts.SignatureDeclaration): string {
  const named = owner.name ? owner : owner.parent;
  const name = 'name' in named ? (named.name as ts.Node | undefined) : undefined;
  return name?.getText() ?? '';
}

function nameOf(callee: ts.Expression): string {
  return ts.isPropertyAccessExpression(callee) ? callee.name.text : callee.getText();
}

function memberOf(object: ts.ObjectLiteralExpression, name: string): ts.Expression | undefined {
  const member = object.properties.find(property => property.name?.getText() === name);
  if (member && ts.isPropertyAssignment(member)) return member.initializer;
  return member && ts.isShorthandPropertyAssignment(member) ? member.name : undefined;
}

function placeOf(node: ts.Node): string {
  const file = node.getSourceFile();
  const { line } = file.getLineAndCharacterOfPosition(node.getStart());
  return `${relative(PROJECT, file.fileName)}:${line + 1}`;
}
