/** A hundred thousand generated works from an index into another, with a registry in a database server. */
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { expect, inject, test } from 'vitest';
import { generateWorks } from '../../../scripts/works-generator.ts';
import { isCanonicalId } from '../../../src/domain/canonical-id.ts';
import type { Desk } from '../../support/command-line.ts';
import { openDesk } from '../../support/command-line.ts';
import { createDatabase } from '../../support/databases.ts';
import type { TestIndex } from '../../support/elasticsearch/test-index.ts';
import { askCluster, openTestIndex } from '../../support/elasticsearch/test-index.ts';
import { openServers } from '../../support/servers/open-servers.ts';
import { readFileLines } from '../scale.ts';

const { url } = inject('elasticsearch');

const SAY_PEAK = new URL('../../support/say-peak-memory.ts', import.meta.url).href;

const MANY = 100_000;
const FEW = MANY / 10;
const OPTIONS = { works: MANY, identifiersPerWork: 3, repeatedShare: 0.5 };
const PUT_AT_ONCE = 2_000;

/** The time of each work says by which run it is meant: the first tenth by its window, the next one by its ids. */
const TIMES = {
  window: '2026-08-20T03:00:00Z',
  ids: '2026-08-20T04:00:00Z',
  full: '2026-08-20T05:00:00Z',
} as const;
type Mode = keyof typeof TIMES;

function modeOf(number: number): Mode {
  if (number < FEW) return 'window';
  return number < 2 * FEW ? 'ids' : 'full';
}

/** How many documents there are, and what they come to in whatever order they are read. */
class Digest {
  count = 0;
  #sum = 0n;

  add(_id: string, source: unknown): void {
    const hash = createHash('sha256')
      .update(`${_id} ${JSON.stringify(source)}`)
      .digest('hex');
    this.#sum = BigInt.asUintN(256, this.#sum + BigInt(`0x${hash}`));
    this.count += 1;
  }

  get text(): string {
    return `${this.count} documents, ${this.#sum.toString(16)}`;
  }
}

test('works come out of an index as out of a file: in full, by window and by ids', {
  timeout: 1_800_000,
}, async () => {
  await using servers = await openServers();
  const [server = { url: '' }] = servers.servers;
  await using database = await createDatabase(server);
  await using desk = await openDesk();
  await using source = await openTestIndex();
  await using window = await openTestIndex();
  await using ids = await openTestIndex();
  await using full = await openTestIndex();
  desk.environment = registryOf(database.adminUrl);
  await prepare(desk, source);

  const from = ['--source', `${url}/${source.index}`];
  const into = ({ index }: TestIndex) => ['--target', `${url}/${index}`];
  const byWindow = ['--window-end', TIMES.window, ...from, ...into(window)];
  const few = await mint(desk, byWindow);
  const named = await mint(desk, ['--source-identifiers', '@ids.txt', ...from, ...into(ids)]);
  const many = await mint(desk, ['--full', ...from, ...into(full)]);
  const file = await mint(desk, ['works.ndjson', '--target', 'minted.ndjson']);
  const again = await mint(desk, byWindow);
  const compared = await mint(desk, ['--full', '--dry-run', '--against', full.index, ...from]);

  expect([few, named, many, file].map(({ works }) => works)).toEqual(
    [FEW, FEW, MANY, MANY].map(succeeded => ({ succeeded, failed: 0 }))
  );
  for (const { identifiers } of [few, named, many]) expect(identifiers.minted).toBeGreaterThan(0);
  for (const { identifiers } of [file, again, compared]) expect(identifiers.minted).toBe(0);
  expect(compared.against).toEqual({
    ...{ same: MANY, different: 0, absent: 0, newly_failing: 0, new: 0 },
  });
  const expected = await digestsOf(desk.path('minted.ndjson'));
  expect(await digestOf(window)).toBe(expected.window.text);
  expect(await digestOf(ids)).toBe(expected.ids.text);
  expect(await digestOf(full)).toBe(expected.all.text);
  expect(expected.all.count).toBe(MANY);
  expect(many.peakKib / few.peakKib).toBeLessThan(1.5);
});

/** With its tables, and as many free IDs as are needed. */
function registryOf(adminUrl: string): Record<string, string> {
  const { username, password, host, pathname } = new URL(adminUrl);
  return {
    ID_MINTER_REGISTRY: `mysql://${username}@${host}${pathname}`,
    RDS_PASSWORD: password,
    ES_URL: url,
    ID_GENERATOR_DESIRED_FREE_IDS_COUNT: String(3 * MANY),
  };
}

/** The same works in a file and in the index, and the ids of a tenth of them. */
async function prepare(desk: Desk, source: TestIndex): Promise<void> {
  for (const args of [['migrate'], ['pool', 'top-up']]) {
    expect((await desk.run(args)).status).toBe(0);
  }
  let number = 0;
  let documents: { _id: string; json: string }[] = [];
  const ids: string[] = [];
  async function* lines() {
    for (const { _id, _source } of generateWorks(OPTIONS)) {
      const mode = modeOf(number);
      number += 1;
      if (mode === 'ids') ids.push(_id);
      const json = JSON.stringify({ indexed_at: TIMES[mode], ..._source });
      documents.push({ _id, json });
      if (documents.length === PUT_AT_ONCE) {
        await source.put(documents);
        yield documents
          .map(work => `{"_id":${JSON.stringify(work._id)},"_source":${work.json}}\n`)
          .join('');
        documents = [];
      }
    }
  }
  await pipeline(Readable.from(lines()), createWriteStream(desk.path('works.ndjson')));
  await desk.write('ids.txt', ids.join('\n'));
}

interface Ran {
  readonly works: { readonly succeeded: number; readonly failed: number };
  readonly identifiers: { readonly minted: number };
  readonly against?: object;
  readonly peakKib: number;
}

async function mint(desk: Desk, args: readonly string[]): Promise<Ran> {
  const { status, stdout, stderr } = await desk.run(['mint', ...args, '--json'], {
    node: ['--import', SAY_PEAK],
  });
  expect({ args, status, told: stderr.slice(0, status === 0 ? 0 : 2_000) }).toEqual({
    ...{ args, status: 0, told: '' },
  });
  const peakKib = Number(/^Peak memory: (\d+) KiB$/m.exec(stderr)?.[1]);
  return { ...JSON.parse(stdout), peakKib };
}

/** Of what the file path makes, by the runs that index the same works. */
async function digestsOf(path: string): Promise<Record<'window' | 'ids' | 'all', Digest>> {
  const digests = { window: new Digest(), ids: new Digest(), all: new Digest() };
  const given = new Map<string, unknown>();
  for await (const line of readFileLines(path)) {
    const { _id, _source } = JSON.parse(line) as { _id: string; _source: { indexed_at: string } };
    digests.all.add(_id, _source);
    addIdentified(_source, given);
    if (_source.indexed_at === TIMES.window) digests.window.add(_id, _source);
    if (_source.indexed_at === TIMES.ids) digests.ids.add(_id, _source);
  }
  return digests;
}

/** Each source identifier has one canonical ID, wherever it stands. */
function addIdentified(value: unknown, given: Map<string, unknown>): void {
  if (typeof value !== 'object' || value === null) return;
  if ('sourceIdentifier' in value) {
    const source = JSON.stringify(value.sourceIdentifier);
    const id = 'canonicalId' in value ? value.canonicalId : undefined;
    if (!given.has(source)) given.set(source, id);
    const isRight = isCanonicalId(String(id)) && given.get(source) === id;
    if (!isRight) throw new Error(`${source} has ${id} here, and ${given.get(source)} before.`);
  }
  for (const member of Object.values(value)) addIdentified(member, given);
}

async function digestOf({ index }: TestIndex): Promise<string> {
  await askCluster('POST', `${url}/${index}/_refresh`);
  const digest = new Digest();
  const { id } = JSON.parse(await askCluster('POST', `${url}/${index}/_pit?keep_alive=5m`));
  for (let after: readonly unknown[] | undefined; ; ) {
    const page = {
      ...{ size: 2_000, pit: { id, keep_alive: '5m' }, sort: [{ _shard_doc: 'asc' }] },
      ...(after && { search_after: after }),
    };
    const { hits } = JSON.parse(await askCluster('POST', `${url}/_search`, page)) as {
      hits: { hits: { _id: string; _source: unknown; sort: readonly unknown[] }[] };
    };
    for (const { _id, _source } of hits.hits) digest.add(_id, _source);
    after = hits.hits.at(-1)?.sort;
    if (after === undefined) break;
  }
  await askCluster('DELETE', `${url}/_pit`, { id });
  return digest.text;
}
