import { readFile } from 'node:fs/promises';
import { PassThrough } from 'node:stream';
import { gunzipSync, gzipSync } from 'node:zlib';
import { inject } from 'vitest';
import { Cluster } from '../../../src/documents/elasticsearch/cluster.ts';
import { openIndexSource } from '../../../src/documents/elasticsearch/index-source.ts';
import { openIndexTarget } from '../../../src/documents/elasticsearch/index-target.ts';
import { openForReading, openForWriting } from '../../../src/documents/files.ts';
import { readWorks, writeWorks } from '../../../src/documents/works-ndjson.ts';
import type { WorkSource, WorkTarget } from '../../../src/domain/documents.ts';
import type { Identified } from '../../../src/domain/identified-work.ts';
import { fromLines, toLines } from '../../cli/works.ts';
import type { TestElasticsearch } from '../../support/elasticsearch/open-elasticsearch.ts';
import type { Stored } from '../../support/elasticsearch/test-index.ts';
import { openTestIndex } from '../../support/elasticsearch/test-index.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

/** A kind of place that works come from and go to, which the contract is tested on. */
export interface TestDocuments {
  readonly name: string;
  /** A source that holds these works. */
  openSource(works: readonly Stored[]): Promise<WorkSource<Identified> & AsyncDisposable>;
  /** An empty target, and what stands in it. */
  openTarget(): Promise<TestTarget>;
}

export interface TestTarget extends AsyncDisposable {
  readonly target: WorkTarget;
  read(): Promise<Stored[]>;
}

// Undefined where the run has none, which says so.
const elasticsearch = inject('elasticsearch') as TestElasticsearch | undefined;

export const DOCUMENTS: readonly TestDocuments[] = [
  ndjsonFile('works.ndjson'),
  ndjsonFile('works.ndjson.gz'),
  ...(elasticsearch ? [index(elasticsearch)] : []),
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

function index({ url, version }: TestElasticsearch): TestDocuments {
  const open = async () => {
    const { signal } = new AbortController();
    const there = await openTestIndex();
    const location = { name: `${url}/${there.index}`, index: there.index };
    return { there, location, cluster: await Cluster.open({ url }, { signal }) };
  };
  return {
    name: `an index of Elasticsearch ${version}`,
    openSource: async works => {
      const { there, location, cluster } = await open();
      await there.put(works.map(({ _id, _source }) => ({ _id, json: JSON.stringify(_source) })));
      const source = await openIndexSource(cluster, location, 'all');
      return {
        ...source,
        async [Symbol.asyncDispose]() {
          await source[Symbol.asyncDispose]();
          await there[Symbol.asyncDispose]();
        },
      };
    },
    openTarget: async () => {
      const { there, location, cluster } = await open();
      const target = await openIndexTarget(cluster, location);
      return {
        target,
        read: there.read,
        async [Symbol.asyncDispose]() {
          await target.discard();
          await there[Symbol.asyncDispose]();
        },
      };
    },
  };
}

function disposing(folder: AsyncDisposable): AsyncDisposable {
  return { [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}
