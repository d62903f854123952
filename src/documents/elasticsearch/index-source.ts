import type { IndexSelection, Reading, WorkSource } from '../../domain/documents.ts';
import { IdMinterError } from '../../domain/errors.ts';
import type { Identified } from '../../domain/identified-work.ts';
import { identify } from '../../domain/identified-work.ts';
import type { IdSource } from '../../domain/partitions.ts';
import { identifyWork } from '../work-texts.ts';
import type { Cluster } from './cluster.ts';
import type { RawSource } from './raw-sources.ts';

export interface IndexLocation {
  /** `https://HOST:PORT/INDEX`, for people */
  readonly name: string;
  readonly index: string;
}

/** An index as a source; disposal gives back what the cluster holds for it. */
export type IndexSource = WorkSource<Identified> & AsyncDisposable;

/** A page is as many works as have about so many bytes, within bounds: works differ by a factor of a thousand. */
const PAGE_BYTES = 2 * 1024 * 1024;
const FIRST_PAGE = 100;
const PAGE_MAX = 1_000;
/** Read at once; each has at most one page ahead of what was asked for. */
const SLICES = 3;
const IDS_A_QUERY = 1_000;
/** Where only their ids are read. It is the most that an index gives unless it is told otherwise. */
const IDS_A_PAGE = 10_000;
/** Renewed by each request, so it is the longest time that minting may take over what was read. */
const KEEP_ALIVE = '15m';

/** A search over a part of the works that are meant. */
interface Scan {
  readonly query: object;
  readonly slice?: { readonly id: number; readonly max: number };
}

interface SearchAnswer {
  readonly pit_id?: string;
  readonly timed_out: boolean;
  readonly _shards: { readonly failed: number };
  readonly hits: { readonly total?: { readonly value: number }; readonly hits: readonly Hit[] };
}

interface Hit {
  readonly _id: string;
  /** Absent where the index keeps none. */
  readonly _source?: RawSource;
  readonly sort: readonly unknown[];
}

/** How much of a document is read, and of how many at once. */
interface Paging {
  readonly body: object;
  readonly firstPage: number;
  /** How many come next, told by those that came. */
  nextPage(page: readonly Hit[]): number;
}

const WORKS: Paging = { body: {}, firstPage: FIRST_PAGE, nextPage: fittingSize };
const IDS: Paging = { body: { _source: false }, firstPage: IDS_A_PAGE, nextPage: () => IDS_A_PAGE };

/**
 * Opens a point in time on an index, whose cluster the source closes. It is opened at once, so that a
 * wrong name or key is known before anything is minted; what is read is what the index held at this moment, however
 * long the run takes.
 *
 * @throws IdMinterError INDEX_NOT_FOUND, INDEX_ACCESS_DENIED, INDEX_UNAVAILABLE
 */
export async function openIndexSource(
  cluster: Cluster,
  { name, index }: IndexLocation,
  selection: IndexSelection
): Promise<IndexSource> {
  const { reader, total } = await openReader(
    cluster,
    { name, index },
    { selection, paging: WORKS }
  );
  return indexSource(name, reader, { scans: scansFor(selection, total), total });
}

/**
 * The `_id` of each document that is meant, out of a point in time that is opened at once, as for works.
 *
 * @throws IdMinterError INDEX_NOT_FOUND, INDEX_ACCESS_DENIED, INDEX_UNAVAILABLE
 */
export async function openIndexIds(
  cluster: Cluster,
  { name, index }: IndexLocation,
  selection: IndexSelection
): Promise<IdSource & AsyncDisposable> {
  const { reader, total } = await openReader(cluster, { name, index }, { selection, paging: IDS });
  const scans = scansFor(selection, total);
  async function* ids(): AsyncGenerator<string, void, undefined> {
    for await (const page of reader.pages(scans)) for (const { _id } of page) yield _id;
  }
  return { name, total, ids, [Symbol.asyncDispose]: () => reader.close() };
}

async function openReader(
  cluster: Cluster,
  location: IndexLocation,
  { selection, paging }: { selection: IndexSelection; paging: Paging }
): Promise<{ reader: PointInTime; total: number }> {
  const id = await openPointInTime(cluster, location);
  const reader = new PointInTime(cluster, { about: location.name, id, paging });
  try {
    // Of ids there may be more than one request can hold; most of them are there.
    const total =
      selection !== 'all' && 'ids' in selection
        ? selection.ids.length
        : await reader.count(queryFor(selection));
    return { reader, total };
  } catch (error) {
    await reader.close();
    throw error;
  }
}

async function openPointInTime(cluster: Cluster, { name, index }: IndexLocation): Promise<string> {
  const path = `/${encodeURIComponent(index)}/_pit`;
  const query = { keep_alive: KEEP_ALIVE };
  try {
    return (await cluster.request<{ id: string }>({ method: 'POST', path, query, about: name })).id;
  } catch (error) {
    await cluster.close();
    throw error;
  }
}

function indexSource(
  name: string,
  reader: PointInTime,
  { scans, total }: { scans: readonly Scan[]; total: number }
): IndexSource {
  let items = 0;
  async function* works(): AsyncGenerator<Identified, void, undefined> {
    try {
      for await (const page of reader.pages(scans)) {
        for (const hit of page) {
          items += 1;
          yield readHit(hit);
        }
      }
    } finally {
      await reader.close();
    }
  }
  return {
    name,
    works,
    reading: (): Reading => ({
      items,
      total,
      share: total === 0 ? undefined : Math.min(items / total, 1),
    }),
    [Symbol.asyncDispose]: () => reader.close(),
  };
}

function queryFor(selection: IndexSelection): object {
  if (selection === 'all') return { match_all: {} };
  if ('ids' in selection) return { ids: { values: selection.ids } };
  const { start, end } = selection.window;
  const range = {
    gte: start.toISOString(),
    lte: end.toISOString(),
    format: 'strict_date_optional_time',
  };
  return { range: { indexed_at: range } };
}

function scansFor(selection: IndexSelection, total: number): Scan[] {
  if (selection !== 'all' && 'ids' in selection) {
    const scans: Scan[] = [];
    for (let start = 0; start < selection.ids.length; start += IDS_A_QUERY) {
      scans.push({ query: queryFor({ ids: selection.ids.slice(start, start + IDS_A_QUERY) }) });
    }
    return scans;
  }
  const query = queryFor(selection);
  if (total <= FIRST_PAGE) return [{ query }];
  return Array.from({ length: SLICES }, (_, id) => ({ query, slice: { id, max: SLICES } }));
}

/** What an index held at one moment. */
class PointInTime {
  readonly #cluster: Cluster;
  readonly #about: string;
  #id: string;
  #closing: Promise<void> | undefined;
  readonly #paging: Paging;
  #pageSize: number;

  constructor(
    cluster: Cluster,
    { about, id, paging }: { about: string; id: string; paging: Paging }
  ) {
    this.#cluster = cluster;
    this.#about = about;
    this.#id = id;
    this.#paging = paging;
    this.#pageSize = paging.firstPage;
  }

  async count(query: object): Promise<number> {
    const { hits } = await this.#search({ query, size: 0, track_total_hits: true });
    return hits.total?.value ?? 0;
  }

  /** The pages of all scans, of `SLICES` of them at once, as they come in. */
  async *pages(scans: readonly Scan[]): AsyncGenerator<readonly Hit[], void, undefined> {
    const waiting = scans.map(scan => this.#pagesOf(scan));
    const running = new Map<Pages, Promise<Arrival>>();
    const fetch = (pages: Pages): void => {
      const next = pages.next().then(page => ({ pages, page }));
      // Met when its turn comes, if it does.
      next.catch(() => {});
      running.set(pages, next);
    };
    for (const pages of waiting.splice(0, SLICES)) fetch(pages);
    while (running.size > 0) {
      const { pages, page } = await Promise.race(running.values());
      running.delete(pages);
      const following = page.done ? waiting.shift() : pages;
      if (following) fetch(following);
      if (!page.done) yield page.value;
    }
  }

  async *#pagesOf({ query, slice }: Scan): Pages {
    let after: readonly unknown[] | undefined;
    for (;;) {
      const size = this.#pageSize;
      const { hits } = await this.#search({
        query,
        size,
        track_total_hits: false,
        sort: [{ _shard_doc: 'asc' }],
        ...this.#paging.body,
        ...(slice && { slice }),
        ...(after && { search_after: after }),
      });
      const page = hits.hits;
      if (page.length > 0) yield page;
      if (page.length < size) return;
      after = page.at(-1)?.sort;
      this.#pageSize = this.#paging.nextPage(page);
    }
  }

  async #search(body: object): Promise<SearchAnswer> {
    const answer = await this.#cluster.request<SearchAnswer>({
      method: 'POST',
      path: '/_search',
      // Else a page that lacks the works of a lost shard would look like a whole one.
      query: { allow_partial_search_results: 'false' },
      body: { ...body, pit: { id: this.#id, keep_alive: KEEP_ALIVE } },
      about: this.#about,
    });
    if (answer.timed_out || answer._shards.failed > 0) throw partOnly(this.#about);
    this.#id = answer.pit_id ?? this.#id;
    return answer;
  }

  /** Gives back what the cluster holds, and ends the connection. Where that fails, it lets go by itself later. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const body = { id: this.#id };
    await this.#cluster.giveBack({ method: 'DELETE', path: '/_pit', body, about: this.#about });
    await this.#cluster.close();
  }
}

type Pages = AsyncGenerator<readonly Hit[], void, undefined>;
interface Arrival {
  readonly pages: Pages;
  readonly page: IteratorResult<readonly Hit[], void>;
}

function fittingSize(page: readonly Hit[]): number {
  const bytes = page.reduce((sum, { _source }) => sum + (_source?.json.length ?? 0), 0);
  const fitting = Math.floor((PAGE_BYTES * page.length) / Math.max(bytes, 1));
  return Math.min(Math.max(fitting, 1), PAGE_MAX);
}

function readHit({ _id, _source }: Hit): Identified | Promise<Identified> {
  if (_source) return identifyWork(_id, { json: _source.json, hit: _id }, _source.scanned);
  return identify({ place: _id, wrapper: { _id }, document: undefined });
}

function partOnly(index: string): IdMinterError {
  return new IdMinterError(
    'INDEX_UNAVAILABLE',
    `${index} gave a part of its works only, since a shard did not answer. What was written is right. See that the ` +
      'index is whole, and say the same command again: it gives the same IDs.',
    { index }
  );
}
