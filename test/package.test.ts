import { execFile } from 'node:child_process';
import { globSync } from 'node:fs';
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { delimiter, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { publint } from 'publint';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ERRORS } from '../src/index.ts';
import type { TemporaryFolder } from './support/temporary-folder.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));
const TARBALL = 'id-minter-1.0.0.tgz';
const EXAMPLE = join(PROJECT, 'examples/library/mint-works.ts');
const require = createRequire(import.meta.url);
const run = promisify(execFile);

/** The public names and what their types need; no other declaration is of use to anybody. */
const DECLARATIONS = [
  ...['index', 'domain/audit', 'domain/canonical-id', 'domain/documents', 'domain/errors'],
  ...['domain/registry', 'domain/registry-restore', 'domain/registry-tables'],
  ...['domain/source-identifier', 'domain/time-window', 'library/assign-identifiers'],
  ...['library/mint-works', 'library/open-registry', 'library/works-in-order'],
];

let folder: TemporaryFolder;
/** A project of somebody else's, which has installed the package. */
let consumer: string;

beforeAll(async () => {
  folder = await temporaryFolder();
  const tarball = await pack('checkout');
  consumer = folder.path('consumer');
  await mkdir(consumer);
  await cp(tarball, join(consumer, TARBALL));
  // What `npm ci` has fetched is at hand; advice about it is not asked for, since that would wait for the network.
  const quick = ['--prefer-offline', '--no-audit', '--no-fund'];
  await command('npm', ['install', `./${TARBALL}`, '--omit=dev', ...quick], consumer);
  await command('npm', ['pkg', 'set', 'type=module'], consumer);
}, 300_000);

afterAll(async () => await folder?.[Symbol.asyncDispose]());

describe('the package', () => {
  test('holds what was built, the migrations, the schemas and the pages that messages name, and nothing else', async () => {
    const list = (pattern: string, cwd = PROJECT) => globSync(pattern, { cwd });
    const sources = list('**/*.ts', join(PROJECT, 'src')).filter(name => !name.endsWith('.d.ts'));
    expect(await contents(folder.path('checkout'))).toEqual(
      [
        ...['CHANGELOG.md', 'LICENSE', 'README.md', 'bin/id-minter.js', 'package.json'],
        ...['cli', 'configuration', 'errors', 'library', 'moving-over'].map(
          page => `docs/${page}.md`
        ),
        ...sources.map(name => `dist/${name.replace(/\.ts$/, '.js')}`),
        ...DECLARATIONS.map(name => `dist/${name}.d.ts`),
        ...list('elasticsearch/*.json'),
        ...list('migrations/**/*.sql'),
        ...list('schemas/*.schema.json'),
      ].sort()
    );
  });

  test('is the same bytes when it is made again, in another folder', {
    timeout: 60_000,
  }, async () => {
    const again = await readFile(await pack('another-checkout'));
    expect(again.equals(await readFile(folder.path(`checkout/${TARBALL}`)))).toBe(true);
  });

  test('holds every file that an error sends its reader to', async () => {
    const held = await contents(folder.path('checkout'));
    const named = JSON.stringify(ERRORS).match(/(?:docs|migrations)\/[\w/.-]*[\w/]/g) ?? [];
    expect(named).toContain('docs/configuration.md');
    expect(named.filter(path => !held.some(name => name.startsWith(path)))).toEqual([]);
  });

  test('links in its pages to nothing that it does not hold', async () => {
    const held = await contents(folder.path('checkout'));
    const broken: string[] = [];
    for (const page of held.filter(name => name.endsWith('.md'))) {
      const text = await readFile(join(PROJECT, page), 'utf8');
      for (const [, link = ''] of text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)) {
        const target = join(dirname(page), link);
        const isHeld = held.some(name => name === target || name.startsWith(`${target}/`));
        if (!isHeld) broken.push(`${page}: ${link}`);
      }
    }
    expect(broken).toEqual([]);
  });

  test('has nothing that publint would change', async () => {
    const tarball = await readFile(folder.path(`checkout/${TARBALL}`));
    const { messages } = await publint({
      pack: { tarball: Uint8Array.from(tarball).buffer },
    });
    expect(messages).toEqual([]);
  });

  test('has the types that its code has, wherever ES modules are resolved', {
    timeout: 60_000,
  }, async () => {
    const manifest = require.resolve('@arethetypeswrong/cli/package.json');
    const { bin } = JSON.parse(await readFile(manifest, 'utf8'));
    const checker = join(dirname(manifest), bin.attw);
    const { stdout } = await command(
      process.execPath,
      [checker, TARBALL, '--profile', 'esm-only', '--format', 'json'],
      consumer
    );
    const { analysis } = JSON.parse(stdout);
    const kinds = analysis.problems.map(({ kind, resolutionKind }: Record<string, string>) => [
      ...[kind, resolutionKind],
    ]);
    // The old ways to resolve, which no Node that the package runs on has.
    expect(kinds).toEqual([
      ['NoResolution', 'node10'],
      ['CJSResolvesToESM', 'node16-cjs'],
    ]);
  });
});

describe('where it is installed', () => {
  test('neither the Node of the checkout nor anything else of its development comes along', async () => {
    const lock = JSON.parse(await readFile(join(consumer, 'package-lock.json'), 'utf8'));
    const { devDependencies } = JSON.parse(await readFile(join(PROJECT, 'package.json'), 'utf8'));
    // MySQL's driver asks its users for @types/node, and the client of CloudWatch has fflate too.
    const { '@types/node': _, fflate: __, ...ours } = devDependencies;
    const unwanted = ['@id-minter/node24', ...Object.keys(ours)];
    const names = Object.keys(lock.packages).map(path => path.replace(/^.*node_modules\//, ''));
    expect(names).toContain('id-minter');
    expect(names.filter(name => unwanted.includes(name) || /^node(-|$)/.test(name))).toEqual([]);
  });

  test('nothing of it runs by being installed', async () => {
    const installed = join(consumer, 'node_modules/id-minter/package.json');
    const { scripts } = JSON.parse(await readFile(installed, 'utf8'));
    const atInstall = [
      'preinstall',
      'install',
      'postinstall',
      'preprepare',
      'prepare',
      'postprepare',
    ];
    expect(Object.keys(scripts).filter(name => atInstall.includes(name))).toEqual([]);
  });

  test('its command says its version and mints a first ID', async () => {
    const npx = (...args: string[]) =>
      command('npx', ['--offline', 'id-minter', ...args], consumer);
    expect((await npx('--version')).stdout).toBe('1.0.0\n');
    const { stdout } = await npx('assign', 'Object[museum/1987.22]');
    expect(JSON.parse(stdout)).toMatchObject({
      source: 'Object[museum/1987.22]',
      canonicalId: expect.stringMatching(/^[a-hjkmnp-z][a-hjkmnp-z2-9]{7}$/),
      outcome: 'minted',
    });
  });

  test('none of its declarations says any', () => {
    const declarations = globSync('node_modules/id-minter/dist/**/*.d.ts', { cwd: consumer });
    expect(declarations).toHaveLength(DECLARATIONS.length);
    expect(declarations.filter(name => saysAny(join(consumer, name)))).toEqual([]);
  });

  test('programs that use it compile under the strictest settings, and those that misuse it do not', async () => {
    await write('consumer.ts', CONSUMER);
    await write('wrong.ts', CONSUMER.replace('result.work;', 'result.work?.title;'));
    await cp(EXAMPLE, join(consumer, 'example.ts'));
    const shown = await Promise.all(
      programs.map(({ text }, index) => write(`program-${index}.ts`, text))
    );
    expect(compile(['consumer.ts', 'wrong.ts', 'example.ts', ...shown])).toEqual([
      "wrong.ts: Property 'title' does not exist on type 'object'.",
    ]);
  }, 60_000);

  test.each(['dist/domain/mint-plan.js', 'dist/index.js'])(
    '%s is not to be imported',
    async path => {
      const script = `await import('id-minter/${path}')`;
      await expect(
        command(process.execPath, ['--input-type=module', '--eval', script], consumer)
      ).rejects.toThrow('ERR_PACKAGE_PATH_NOT_EXPORTED');
    }
  );
});

const programs = [...(await readPrograms('README.md')), ...(await readPrograms('docs/library.md'))];

describe('the programs in README and docs/library.md', () => {
  test.each(programs)('$heading: prints what the page says', async ({ text, printed }) => {
    const desk = join(consumer, crypto.randomUUID());
    await mkdir(desk);
    await writeFile(join(desk, 'program.ts'), text);
    const { stdout, stderr } = await command(process.execPath, ['program.ts'], desk);
    expect(stderr).toBe('');
    expect(numberIds(stdout)).toBe(numberIds(printed));
  });

  test('and the example mints the example works, and finds them again', async () => {
    const desk = join(consumer, 'example');
    await mkdir(desk);
    await cp(EXAMPLE, join(desk, 'mint-works.ts'));
    await cp(join(PROJECT, 'examples/works.ndjson'), join(desk, 'works.ndjson'));
    const mint = () => command(process.execPath, ['mint-works.ts'], desk);
    const first = await mint();
    expect(first.stdout.trimEnd().split('\n')).toHaveLength(11);
    expect(first.stderr).toMatch(/^12 works, 43 identifiers are new\.$/m);
    const second = await mint();
    expect(second.stdout).toBe(first.stdout);
    expect(second.stderr).toMatch(/^12 works, 0 identifiers are new\.$/m);
  });
});

/** Makes the package in a copy of the project, so that nothing is left in the project itself. */
async function pack(name: string): Promise<string> {
  const checkout = folder.path(name);
  await mkdir(checkout);
  const { files } = JSON.parse(await readFile(join(PROJECT, 'package.json'), 'utf8'));
  const built = ['dist'];
  const needed = [
    ...['package.json', 'README.md', 'LICENSE', 'src', 'scripts', 'tools'],
    ...['tsconfig.json', 'tsconfig.build.json'],
    ...files.filter((path: string) => !built.includes(path)),
  ];
  for (const path of needed) {
    await cp(join(PROJECT, path), join(checkout, path), { recursive: true });
  }
  await symlink(join(PROJECT, 'node_modules'), join(checkout, 'node_modules'), 'junction');
  await command('npm', ['pack'], checkout);
  return join(checkout, TARBALL);
}

/**
 * Runs a program of the shell in a folder, with the Node of these tests and the environment that they were given:
 * proxies and certificates too, since npm needs them. What `npm test` says of the project it runs in stays out.
 */
async function command(program: string, args: readonly string[], cwd: string) {
  const ofTheProject = /^(npm_(?!config_)|npm_config_.*prefix$|INIT_CWD$|NODE_OPTIONS$)/i;
  const given = Object.entries(process.env).filter(([name]) => !ofTheProject.test(name));
  return await run(program, args, {
    cwd,
    shell: process.platform === 'win32',
    env: {
      ...Object.fromEntries(given),
      npm_config_update_notifier: 'false',
      PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH']}`,
    },
  });
}

/** The names in a packed package, in order. */
async function contents(checkout: string): Promise<string[]> {
  const bytes = gunzipSync(await readFile(join(checkout, TARBALL)));
  const text = (start: number, length: number) =>
    bytes.toString('utf8', start, start + length).replace(/\0.*$/s, '');
  const names: string[] = [];
  for (let at = 0; bytes[at] !== 0 && at < bytes.length; ) {
    names.push(join(text(at + 345, 155), text(at, 100)).replace(/^package\//, ''));
    const size = Number.parseInt(text(at + 124, 12), 8);
    at += 512 * (1 + Math.ceil(size / 512));
  }
  return names.sort();
}

/** Uses every kind of public name as a consumer does. */
const CONSUMER = `
import type { AssignAnswer, CanonicalId, Registry, SourceIdentifier, WorkResult } from 'id-minter';
import * as library from 'id-minter';

export function idOf(result: WorkResult): CanonicalId | string {
  if (result.failure) return result.failure.code;
  const work: object | undefined = result.work;
  return work ? result.canonicalId : result.warnings.map(({ message }) => message).join();
}

export async function assign(registry: Registry, source: SourceIdentifier): Promise<AssignAnswer[]> {
  const run = library.assignIdentifiers({ registry, identifiers: [{ source, predecessor: null }] });
  return await Array.fromAsync(run);
}

const exit: 5 = library.ERRORS.POOL_EXHAUSTED.exit;
console.log(exit, library.isCanonicalId('a2345678'));
`;

/** @returns what the compiler says with every strict setting, the package's declarations included */
function compile(names: readonly string[]): string[] {
  const program = ts.createProgram(
    names.map(name => join(consumer, name)),
    {
      ...{ strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true },
      ...{ noImplicitReturns: true, noPropertyAccessFromIndexSignature: true, skipLibCheck: false },
      ...{ noUnusedLocals: true, noUnusedParameters: true, verbatimModuleSyntax: true },
      ...{ erasableSyntaxOnly: true, isolatedModules: true, noEmit: true },
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      target: ts.ScriptTarget.ESNext,
      types: ['node'],
      typeRoots: [join(PROJECT, 'node_modules/@types')],
    }
  );
  return ts.getPreEmitDiagnostics(program).map(({ file, messageText }) => {
    const name = file && relative(consumer, file.fileName);
    return `${name}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
  });
}

async function write(name: string, text: string): Promise<string> {
  await writeFile(join(consumer, name), text);
  return name;
}

function saysAny(file: string): boolean {
  const source = ts.createSourceFile(file, ts.sys.readFile(file) ?? '', ts.ScriptTarget.ESNext);
  const isAny = (node: ts.Node): boolean =>
    node.kind === ts.SyntaxKind.AnyKeyword || (ts.forEachChild(node, isAny) ?? false);
  return isAny(source);
}

/** The programs of a page, each with the heading that it stands under and what is said to be printed by it. */
async function readPrograms(page: string) {
  const text = await readFile(join(PROJECT, page), 'utf8');
  return text.split(/^## /m).flatMap(section => {
    const heading = `${page}, ${section.slice(0, section.indexOf('\n'))}`;
    const [, program] = /^```ts\n(.*?)^```$/ms.exec(section) ?? [];
    const [, printed = ''] = /^```text\n(.*?)^```$/ms.exec(section) ?? [];
    return program === undefined ? [] : [{ heading, text: program, printed }];
  });
}

/** IDs are drawn: names each, and each word that looks like one, by when it was met first. */
function numberIds(text: string): string {
  const met = new Map<string, number>();
  return text.replaceAll(/\b[a-hjkmnp-z][a-hjkmnp-z2-9]{7}\b/g, id => {
    if (!met.has(id)) met.set(id, met.size);
    return `ID ${met.get(id)}`;
  });
}
