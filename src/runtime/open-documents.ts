import { isUtf8 } from 'node:buffer';
import type { Readable, Writable } from 'node:stream';
import { openForReading, openForWriting, STANDARD } from '../documents/files.ts';
import { writeAnswers } from '../documents/identifier-answers.ts';
import type { IdentifierFile, OwnColumns, RowFormat } from '../documents/identifier-rows.ts';
import { openIdentifierFile } from '../documents/identifier-rows.ts';
import { readLines } from '../documents/lines.ts';
import { WaitingFile } from '../documents/waiting-file.ts';
import { readWorks, writeWorks } from '../documents/works-ndjson.ts';
import type { AnswerTarget, WaitingRoom, WorkSource, WorkTarget } from '../domain/documents.ts';
import { IdMinterError } from '../domain/errors.ts';
import { ReportFile } from '../notices/report-file.ts';

export { STANDARD };

/** Opens what is named by a path, or by `-` for standard input and output; wrong paths are known at once. */
export interface Streams {
  readonly stdin: Readable;
  readonly stdout: Writable;
}

export async function openWorks(path: string, { stdin }: Streams): Promise<WorkSource> {
  return readWorks(await openForReading(path, stdin));
}

export async function openWorksTarget(path: string, { stdout }: Streams): Promise<WorkTarget> {
  return writeWorks(await openForWriting(path, stdout));
}

/** Where works go in a dry run. */
export function nowhere(): WorkTarget {
  return {
    name: 'nowhere',
    write: async () => new Map(),
    complete: async () => {},
    discard: async () => {},
  };
}

export async function openIdentifiers(
  path: string,
  { stdin }: Streams,
  about: { own?: OwnColumns | undefined; withCanonicalId?: boolean } = {}
): Promise<IdentifierFile> {
  return await openIdentifierFile(await openForReading(path, stdin), about);
}

export async function openAnswers(
  path: string,
  format: RowFormat,
  { stdout }: Streams
): Promise<AnswerTarget> {
  return writeAnswers(await openForWriting(path, stdout), format);
}

export async function openReport(path: string, { stdout }: Streams): Promise<ReportFile> {
  return new ReportFile(await openForWriting(path, stdout), openWaitingRoom);
}

export function openWaitingRoom<T>(): WaitingRoom<T> {
  return new WaitingFile<T>();
}

/**
 * The lines of a text file that are not empty, e.g. a list of identifiers.
 *
 * @throws IdMinterError SOURCE_UNREADABLE, also where one of the lines is no text
 */
export async function readList(path: string, { stdin }: Streams): Promise<string[]> {
  const list: string[] = [];
  const { name, chunks } = await openForReading(path, stdin);
  for await (const { number, bytes } of readLines(chunks)) {
    if (bytes === undefined || !isUtf8(bytes)) {
      throw new IdMinterError(
        'SOURCE_UNREADABLE',
        `Line ${number} of ${name} is not a line of UTF-8 text. Nothing was done. Write one identifier a line.`,
        { name, line: number }
      );
    }
    const line = bytes.toString('utf8').trim();
    if (line !== '') list.push(line);
  }
  return list;
}
