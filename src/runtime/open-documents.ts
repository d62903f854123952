import type { Readable, Writable } from 'node:stream';
import { openForReading, openForWriting, STANDARD } from '../documents/files.ts';
import type { IdentifierFile, OwnColumns, RowFormat } from '../documents/identifier-rows.ts';
import { openIdentifierFile, writeAnswers } from '../documents/identifier-rows.ts';
import { decodeUtf8 } from '../documents/json-text.ts';
import { readLines } from '../documents/lines.ts';
import { WaitingFile } from '../documents/waiting-file.ts';
import { readWorks, writeWorks } from '../documents/works-ndjson.ts';
import type { AnswerTarget, WaitingRoom, WorkSource, WorkTarget } from '../domain/documents.ts';
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
  return new ReportFile(await openForWriting(path, stdout));
}

export function openWaitingRoom<T>(): WaitingRoom<T> {
  return new WaitingFile<T>();
}

/** The lines of a text file that are not empty, e.g. a list of identifiers. */
export async function readList(path: string, { stdin }: Streams): Promise<string[]> {
  const list: string[] = [];
  const { chunks } = await openForReading(path, stdin);
  for await (const { number, bytes } of readLines(chunks)) {
    const line = decodeUtf8(bytes ?? Buffer.alloc(0), `line ${number}`).trim();
    if (line !== '') list.push(line);
  }
  return list;
}
