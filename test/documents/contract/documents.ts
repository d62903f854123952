import { readFile } from 'node:fs/promises';
import { PassThrough } from 'node:stream';
import { gunzipSync, gzipSync } from 'node:zlib';
import { openForReading, openForWriting } from '../../../src/documents/files.ts';
import { readWorks, writeWorks } from '../../../src/documents/works-ndjson.ts';
import type { WorkSource, WorkTarget } from '../../../src/domain/documents.ts';
import { fromLines, toLines } from '../../cli/works.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

/** A work as it stands in an index or a wrapped line. */
export interface Stored {
  readonly _id: string;
  readonly _source: unknown;
}

/** A kind of place that works come from and go to, which the contract is tested on. */
export interface TestDocuments {
  readonly name: string;
  /** A source that holds these works. */
  openSource(works: readonly Stored[]): Promise<WorkSource & AsyncDisposable>;
  /** An empty target, and what stands in it. */
  openTarget(): Promise<TestTarget>;
}

export interface TestTarget extends AsyncDisposable {
  readonly target: WorkTarget;
  read(): Promise<Stored[]>;
}

export const DOCUMENTS: readonly TestDocuments[] = [
  ndjsonFile('works.ndjson'),
  ndjsonFile('works.ndjson.gz'),
];

function ndjsonFile(file: string): TestDocuments {
  const isPacked = file.endsWith('.gz');
  return {
    name: file,
    openSource: async works => {
      const folder = await temporaryFolder();
      const text = toLines(works);
      const path = await folder.write(file, isPacked ? gzipSync(text) : text);
      return { ...readWorks(await openForReading(path, new PassThrough())), ...disposing(folder) };
    },
    openTarget: async () => {
      const folder = await temporaryFolder();
      const target = writeWorks(await openForWriting(folder.path(file), new PassThrough()));
      return {
        target,
        read: async () => {
          if (!(await folder.list()).includes(file)) return [];
          const bytes = await readFile(folder.path(file));
          return fromLines<Stored>((isPacked ? gunzipSync(bytes) : bytes).toString('utf8'));
        },
        ...disposing(folder),
      };
    },
  };
}

function disposing(folder: AsyncDisposable): AsyncDisposable {
  return { [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}
