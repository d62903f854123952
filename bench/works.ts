import type { Connection } from 'mysql2/promise';
import type { SourceIdentifier } from '../src/domain/source-identifier.ts';
import { DEFAULT_CONCEPT_TYPES, foldConcept } from '../src/domain/source-identifier.ts';
import { demand } from './pairs.ts';
import { lookUpPlainly, mintPlainly } from './plain-program.ts';

/** Works that the plain program mints at a time, as many as the product. */
const BATCH = 500;
const CONCEPT_TYPES: ReadonlySet<string> = new Set(DEFAULT_CONCEPT_TYPES);

interface Line {
  _id: string;
  readonly _source: { readonly state: Node };
}

/** A part of a work that has an identifier. */
interface Node {
  type?: string;
  identifiedType?: string;
  canonicalId?: string;
  readonly sourceIdentifier: WrittenIdentifier;
  readonly predecessorIdentifier?: WrittenIdentifier;
}

interface WrittenIdentifier {
  readonly ontologyType: string;
  readonly identifierType: { readonly id: string };
  readonly value: string;
}

/** The floor of a run over works: parse, find, mint, set, and write, one batch after the other in one loop. */
export async function rewritePlainly(connection: Connection, works: Buffer): Promise<Buffer> {
  const lines = readLines(works);
  const written: string[] = [];
  for (let start = 0; start < lines.length; start += BATCH) {
    const batch = lines.slice(start, start + BATCH).map(line => JSON.parse(line) as Line);
    const nodes: Node[] = [];
    for (const { _source } of batch) findNodes(_source, nodes);
    const sources = new Map<string, SourceIdentifier>();
    const predecessors = new Map<string, SourceIdentifier>();
    const keys = nodes.map(({ sourceIdentifier, predecessorIdentifier }) => {
      const source = toSource(sourceIdentifier);
      const key = keyOf(source);
      sources.set(key, source);
      if (predecessorIdentifier) predecessors.set(key, toSource(predecessorIdentifier));
      return key;
    });
    const positions = new Map([...sources.keys()].map((key, at) => [key, at]));
    const inheriting = [...predecessors].map(
      ([key, source]) => [positions.get(key) ?? 0, source] as const
    );
    const ids = await mintPlainly(connection, [...sources.values()], new Map(inheriting));
    for (const [at, node] of nodes.entries()) {
      node.canonicalId = ids[positions.get(keys[at] ?? '') ?? -1] ?? '';
      if (node.identifiedType !== undefined) {
        node.type = node.identifiedType;
        delete node.identifiedType;
      } else if (node.type === 'Identifiable') node.type = 'Identified';
    }
    for (const line of batch) {
      line._id = line._source.state.canonicalId ?? '';
      written.push(`${JSON.stringify(line)}\n`);
    }
  }
  return Buffer.from(written.join(''));
}

/**
 * Whether works came out whole: each has its ID, each part of it that has an identifier has one, and all of them are
 * what the registry holds.
 *
 * @throws WrongAnswer
 */
export async function verifyWorks(
  connection: Connection,
  works: Buffer,
  minted: Buffer
): Promise<void> {
  const before = readLines(works);
  const after = readLines(minted).map(line => JSON.parse(line) as Line);
  demand(before.length === after.length, () => `${before.length} works in, ${after.length} out.`);
  const asked: Node[] = [];
  const answered: Node[] = [];
  for (const line of before) findNodes((JSON.parse(line) as Line)._source, asked);
  for (const { _source } of after) findNodes(_source, answered);
  const same = (at: number) =>
    keyOf(toSource(asked[at]?.sourceIdentifier)) ===
    keyOf(toSource(answered[at]?.sourceIdentifier));
  demand(
    asked.length === answered.length && asked.every((_, at) => same(at)),
    () => 'The works that came out name other identifiers than those that went in.'
  );
  const held = await lookUpPlainly(
    connection,
    answered.map(({ sourceIdentifier }) => toSource(sourceIdentifier))
  );
  const wrong = answered.filter(({ canonicalId }, at) => !canonicalId || canonicalId !== held[at]);
  demand(wrong.length === 0, () => `${wrong.length} parts of works have a wrong ID or none.`);
  const unnamed = after.filter(({ _id, _source }) => _id !== _source.state.canonicalId);
  demand(unnamed.length === 0, () => `${unnamed.length} works are not named by their own ID.`);
}

function readLines(works: Buffer): string[] {
  return works
    .toString('utf8')
    .split('\n')
    .filter(line => line !== '');
}

/** Depth first, a parent before its children. */
function findNodes(value: unknown, nodes: Node[]): void {
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    for (const item of value) findNodes(item, nodes);
    return;
  }
  if ('sourceIdentifier' in value) nodes.push(value as Node);
  for (const name in value) findNodes((value as Record<string, unknown>)[name], nodes);
}

function toSource(written: WrittenIdentifier | undefined): SourceIdentifier {
  const { ontologyType = '', identifierType, value = '' } = written ?? {};
  return foldConcept(
    { ontologyType, sourceSystem: identifierType?.id ?? '', value },
    CONCEPT_TYPES
  );
}

function keyOf({ ontologyType, sourceSystem, value }: SourceIdentifier): string {
  return `${ontologyType}\n${sourceSystem}\n${value}`;
}
