import { createReadStream, createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** As many lines as a person asks for, and otherwise as many as one can wait for in every run of the tests. */
export function atScale(lines: number): number {
  return Math.max(lines, Number(process.env['ID_MINTER_TEST_LINES'] ?? 0));
}

/** A minute for what all runs do, and time for the long form. */
export const SCALE_TIMEOUT_MS = 1_200_000;

/** `SourceSystem/SourceId`; all are works. */
export type LineSource = `${string}/${string}`;

/**
 * Somebody's CSV file, line by line: each tenth line has the identifier of an earlier one once more, each twentieth
 * names an earlier one as its predecessor, and three columns are of no concern to a minter.
 */
export function* identifierLines(count: number): Generator<{ text: string; source: LineSource }> {
  for (let line = 1; line <= count; line += 1) {
    const source = sourceOf(line);
    const predecessor = isSuccessor(line) ? fieldsOf(sourceOf(Math.floor(line / 2))) : ',,';
    const title = TITLES[line % TITLES.length];
    yield { text: `${line}.${line % 97},${fieldsOf(source)},${title},${predecessor},`, source };
  }
}

export const IDENTIFIER_HEADER =
  'Shelfmark,OntologyType,SourceSystem,SourceId,Title,PredecessorOntologyType,PredecessorSourceSystem,' +
  'PredecessorSourceId,Notes';

/** How many different sources so many lines have, and how many canonical IDs these share. */
export function countLines(count: number): { sources: number; ids: number } {
  let [sources, ids] = [0, 0];
  for (let line = 1; line <= count; line += 1) {
    if (isRepeated(line)) continue;
    sources += 1;
    if (!isSuccessor(line)) ids += 1;
  }
  return { sources, ids };
}

const TITLES = ['On baths', '"Fevers, and their remedies"', '"The ""Große"" 本草 of 1593"'];

function sourceOf(line: number): LineSource {
  if (isRepeated(line)) return sourceOf(Math.floor(line / 3));
  return isSuccessor(line) ? `folio-instance/f${line}` : `sierra-system-number/b${line}`;
}

function isRepeated(line: number): boolean {
  return line % 10 === 5;
}

function isSuccessor(line: number): boolean {
  return line % 20 === 0;
}

function fieldsOf(source: LineSource): string {
  return `Work,${source.replace('/', ',')}`;
}

export async function writeLines(path: string, lines: Iterable<string>): Promise<void> {
  await pipeline(Readable.from(inBlocks(lines), { highWaterMark: 1 }), createWriteStream(path));
}

/** A write for each line would take longer than the run. */
function* inBlocks(lines: Iterable<string>): Generator<string> {
  let block = '';
  for (const line of lines) {
    block += `${line}\n`;
    if (block.length < 64 * 1024) continue;
    yield block;
    block = '';
  }
  yield block;
}

export function readFileLines(path: string): AsyncIterable<string> {
  return createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY });
}
