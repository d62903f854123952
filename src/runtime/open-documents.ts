import { isUtf8 } from 'node:buffer';
import type { Readable, Writable } from 'node:stream';
import type { Cluster } from '../documents/elasticsearch/cluster.ts';
import type {
  ComparisonOptions,
  IndexComparison,
} from '../documents/elasticsearch/index-comparison.ts';
import type { IndexSource } from '../documents/elasticsearch/index-source.ts';
import type { IndexedDocuments } from '../documents/elasticsearch/indexed-documents.ts';
import type { ByteSource } from '../documents/files.ts';
import { openForReading, openForWriting, STANDARD } from '../documents/files.ts';
import { writeAnswers } from '../documents/identifier-answers.ts';
import type { IdentifierFile, OwnColumns, RowFormat } from '../documents/identifier-rows.ts';
import { openIdentifierFile } from '../documents/identifier-rows.ts';
import { readLines } from '../documents/lines.ts';
import { WaitingFile } from '../documents/waiting-file.ts';
import { readWorks, writeWorks } from '../documents/works-ndjson.ts';
import type {
  AnswerTarget,
  IndexSelection,
  WaitingRoom,
  WorkSource,
  WorkTarget,
} from '../domain/documents.ts';
import { IdMinterError } from '../domain/errors.ts';
import type { Identified } from '../domain/identified-work.ts';
import type { IdSource } from '../domain/partitions.ts';
import type { IndexAddress } from './index-location.ts';

export { STANDARD };

/** Opens what is named by a path, or by `-` for standard input and output; wrong paths are known at once. */
export interface Streams {
  readonly stdin: Readable;
  readonly stdout: Writable;
  /** Ends all reading at once, also where it waits for more. */
  readonly signal: AbortSignal;
}

export async function openWorks(path: string, streams: Streams): Promise<WorkSource<Identified>> {
  return readWorks(await openSource(path, streams));
}

export async function openWorksTarget(path: string, { stdout }: Streams): Promise<WorkTarget> {
  return writeWorks(await openForWriting(path, stdout));
}

/**
 * @throws IdMinterError INDEX_NOT_FOUND, INDEX_ACCESS_DENIED, INDEX_UNAVAILABLE, before anything is read
 */
export async function openIndexedWorks(
  address: IndexAddress,
  selection: IndexSelection,
  streams: Pick<Streams, 'signal'>
): Promise<IndexSource> {
  const { openIndexSource } = await import('../documents/elasticsearch/index-source.ts');
  return await openIndexSource(await openCluster(address, streams), address, selection);
}

/**
 * The ids of documents alone.
 *
 * @throws IdMinterError INDEX_NOT_FOUND, INDEX_ACCESS_DENIED, INDEX_UNAVAILABLE, before anything is read
 */
export async function openIndexedIds(
  address: IndexAddress,
  selection: IndexSelection,
  streams: Pick<Streams, 'signal'>
): Promise<IdSource & AsyncDisposable> {
  const { openIndexIds } = await import('../documents/elasticsearch/index-source.ts');
  return await openIndexIds(await openCluster(address, streams), address, selection);
}

/** @throws IdMinterError INDEX_ACCESS_DENIED, INDEX_UNAVAILABLE, before anything is written */
export async function openIndexTarget(
  address: IndexAddress,
  streams: Pick<Streams, 'signal'>
): Promise<WorkTarget> {
  const target = await import('../documents/elasticsearch/index-target.ts');
  return await target.openIndexTarget(await openCluster(address, streams), address);
}

/** @throws IdMinterError INDEX_NOT_FOUND, INDEX_ACCESS_DENIED, INDEX_UNAVAILABLE, before anything is read */
export async function openIndexedDocuments(
  address: IndexAddress,
  streams: Pick<Streams, 'signal'>
): Promise<IndexedDocuments> {
  const documents = await import('../documents/elasticsearch/indexed-documents.ts');
  return await documents.openIndexedDocuments(await openCluster(address, streams), address);
}

/** In the place of a target: compares what would be written with what an index holds. */
export async function compareWithIndex(
  documents: IndexedDocuments,
  options: ComparisonOptions
): Promise<IndexComparison> {
  const comparison = await import('../documents/elasticsearch/index-comparison.ts');
  return comparison.compareWithIndex(documents, options);
}

async function openCluster(
  address: IndexAddress,
  { signal }: Pick<Streams, 'signal'>
): Promise<Cluster> {
  const { Cluster } = await import('../documents/elasticsearch/cluster.ts');
  return await Cluster.open(address, { signal });
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
  streams: Streams,
  about: { own?: OwnColumns | undefined; withCanonicalId?: boolean } = {}
): Promise<IdentifierFile> {
  return await openIdentifierFile(await openSource(path, streams), about);
}

export async function openAnswers(
  path: string,
  format: RowFormat,
  { stdout }: Streams
): Promise<AnswerTarget> {
  return writeAnswers(await openForWriting(path, stdout), format);
}

export function openWaitingRoom<T>(): WaitingRoom<T> {
  return new WaitingFile<T>();
}

/**
 * The lines of a text file that are not empty, e.g. a list of identifiers.
 *
 * @throws IdMinterError SOURCE_UNREADABLE, also where one of the lines is no text
 */
export async function readList(path: string, streams: Streams): Promise<string[]> {
  const list: string[] = [];
  const { name, chunks } = await openSource(path, streams);
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

async function openSource(path: string, { stdin, signal }: Streams): Promise<ByteSource> {
  const source = await openForReading(path, stdin);
  signal.addEventListener('abort', () => source.close(), { once: true });
  return source;
}
