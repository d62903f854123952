/** `npm start`: mints the example works into a registry for trying out, and says what happened to which identifier. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { RunSummary } from '../src/domain/run-report.ts';
import { DEFAULT_CONCEPT_TYPES } from '../src/domain/source-identifier.ts';

/** Ignored by git. It is kept, so that a second start shows that IDs stay. */
const FOLDER = '.try';
const REGISTRY = `--registry sqlite:${FOLDER}/registry.sqlite`;
const WORKS = 'examples/works.ndjson';
const MINTED = `${FOLDER}/minted.ndjson`;
const REPORT = `${FOLDER}/report.json`;
const COMMAND = `mint ${WORKS} ${REGISTRY} --target ${MINTED} --report ${REPORT}`;
const PROGRAM = fileURLToPath(new URL('../bin/id-minter.js', import.meta.url));

/** What the report of a run says, as far as it is told here. */
interface Report {
  readonly outcomes: readonly Outcome[];
  readonly warned: readonly { readonly code: string; readonly details: SharedDocument }[];
}

interface Outcome {
  readonly source: string;
  readonly canonicalId: string;
  readonly outcome: 'minted' | 'inherited';
}

interface SharedDocument {
  readonly canonicalId: string;
  readonly written: string;
  readonly notWritten: string;
}

/** A line of a file of works. */
interface Line {
  readonly _id: string;
  readonly _source: {
    readonly data?: { readonly items?: readonly { readonly id: Node }[] };
    readonly state: Node;
  };
}

/** A part of a work that has an identifier. */
interface Node {
  readonly type?: string;
  readonly identifiedType?: string;
  readonly sourceIdentifier: WrittenIdentifier;
  readonly predecessorIdentifier?: WrittenIdentifier;
  readonly canonicalId?: string;
}

interface WrittenIdentifier {
  readonly ontologyType: string;
  readonly identifierType: { readonly id: string };
  readonly value: string;
}

main();

function main(): void {
  mkdirSync(FOLDER, { recursive: true });
  console.log(`$ npx id-minter ${COMMAND}\n`);
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [PROGRAM, ...COMMAND.split(' '), '--json'],
    { encoding: 'utf8' }
  );
  if (status !== 0) {
    process.stderr.write(stderr);
    console.error(`It ended with ${status}. To begin anew, delete the folder ${FOLDER}.`);
    process.exitCode = status ?? 1;
    return;
  }
  const summary = JSON.parse(stdout) as RunSummary;
  const report = JSON.parse(readFileSync(REPORT, 'utf8')) as Report;
  const before = readLines(WORKS);
  const after = readLines(MINTED);
  const told = [
    describeRun(summary, after.length),
    ...describeMinted(summary, report),
    ...describeInherited(report, before),
    ...describeExisting(summary),
    ...report.warned.flatMap(({ code, details }) => describeWarning(code, details)),
    '',
    ...showDocument(before, after),
    '',
    ...whatNext(after),
  ];
  console.log(told.join('\n'));
}

function describeRun({ works, identifiers }: RunSummary, documents: number): string {
  const named = identifiers.existing + identifiers.inherited + identifiers.minted;
  return (
    `${works.succeeded} works were read, and ${documents} documents written. They name ${named} identifiers: their own,\n` +
    'and those of the people, places, subjects, items and images in them. Each has its canonical ID:'
  );
}

/** One line a kind of thing, with its first identifier. */
function describeMinted({ identifiers }: RunSummary, { outcomes }: Report): string[] {
  const kinds = new Map<string, Outcome[]>();
  for (const entry of outcomes.filter(({ outcome }) => outcome === 'minted')) {
    const kind = kindOf(entry.source);
    kinds.set(kind, [...(kinds.get(kind) ?? []), entry]);
  }
  if (kinds.size === 0) return [];
  const lines = [...kinds].map(([kind, entries]) => {
    const [first] = entries;
    const count = `${String(entries.length).padStart(4)} ${kind.padEnd(9)}`;
    return `  ${count}${first?.canonicalId}  ${first?.source}${entries.length > 1 ? ' …' : ''}`;
  });
  return [`- ${identifiers.minted} minted: new, so each got an ID of its own.`, ...lines];
}

/** A registry looks people, places and the like up as concepts. */
function kindOf(source: string): string {
  const type = source.slice(0, source.indexOf('['));
  return DEFAULT_CONCEPT_TYPES.includes(type) ? 'Concept' : type;
}

function describeInherited({ outcomes }: Report, works: readonly Line[]): string[] {
  const inherited = outcomes.filter(({ outcome }) => outcome === 'inherited');
  if (inherited.length === 0) return [];
  const lines = inherited.map(({ source, canonicalId }) => {
    const work = works.find(({ _source: { state } }) => show(state.sourceIdentifier) === source);
    const predecessor = work?._source.state.predecessorIdentifier;
    return `    ${canonicalId}  ${source}${predecessor ? ` from ${show(predecessor)}` : ''}`;
  });
  const one =
    'new too, but its record says which one it replaces, so the public ID stays the same.';
  return [`- ${inherited.length} inherited: ${one}`, ...lines];
}

function describeExisting({ identifiers }: RunSummary): string[] {
  const { existing, inherited, minted } = identifiers;
  if (existing === 0) return [];
  const why =
    minted + inherited === 0
      ? `all of them had their IDs, and keep them. To see them minted, delete the folder ${FOLDER} first.`
      : 'met before, such as a person in two works. One source identifier has one ID, for ever.';
  return [`- ${existing} existing: ${why}`];
}

function describeWarning(
  code: string,
  { canonicalId, written, notWritten }: SharedDocument
): string[] {
  if (code !== 'SHARED_DOCUMENT_ID') return [`- The warning ${code}: docs/errors.md explains it.`];
  return [
    `- One warning, SHARED_DOCUMENT_ID: two works have the ID ${canonicalId}, and one document stands under an ID.`,
    `    ${written} was written. ${notWritten}, which it replaces, was not.`,
  ];
}

/** The work that tells most in two lines: one that names a predecessor, else any. */
function showDocument(before: readonly Line[], after: readonly Line[]): string[] {
  const pairs = after.map(minted => {
    const source = show(minted._source.state.sourceIdentifier);
    return [
      before.find(({ _source: { state } }) => show(state.sourceIdentifier) === source),
      minted,
    ];
  });
  const [old, minted] =
    pairs.find(([work]) => work?._source.state.predecessorIdentifier) ?? pairs[0] ?? [];
  if (old === undefined || minted === undefined) return [];
  return ['One document, cut short:', `  before  ${abridge(old)}`, `  after   ${abridge(minted)}`];
}

function abridge({ _id, _source: { data, state } }: Line): string {
  const [item] = data?.items ?? [];
  const shown = { _id, state: cut(state), items: item && [{ id: cut(item.id) }] };
  return JSON.stringify(shown).replaceAll('"…"', '…');
}

function cut({ type, identifiedType, canonicalId }: Node): object {
  return { type, identifiedType, sourceIdentifier: '…', canonicalId };
}

function whatNext(documents: readonly Line[]): string[] {
  const work = documents.find(({ _source: { state } }) => state.predecessorIdentifier);
  const id = (work ?? documents[0])?._source.state.canonicalId;
  return [
    `Whole documents are in ${MINTED}, every new identifier in ${REPORT}. Try next:`,
    `  npx id-minter lookup ${id} ${REGISTRY}`,
    '  npx id-minter assign --source examples/objects.csv --type Object --system museum --value-column ObjectID' +
      ` ${REGISTRY}`,
    '  npm start                      once more: nothing is new, and no ID changes',
    '  docker compose -f mysql.docker-compose.yml up -d --wait     then README.md, "On MySQL"',
  ];
}

function readLines(path: string): Line[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as Line);
}

function show({ ontologyType, identifierType, value }: WrittenIdentifier): string {
  return `${ontologyType}[${identifierType.id}/${value}]`;
}
