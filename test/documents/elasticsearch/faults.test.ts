/** What becomes of works when the cluster, or the way to it, fails: over HTTP, before a real node. */
import { describe, expect, inject, test } from 'vitest';
import { Cluster } from '../../../src/documents/elasticsearch/cluster.ts';
import { openIndexSource } from '../../../src/documents/elasticsearch/index-source.ts';
import { openIndexTarget } from '../../../src/documents/elasticsearch/index-target.ts';
import type { MintedText, MintedWork, WorkTarget } from '../../../src/domain/documents.ts';
import { TargetBroken } from '../../../src/domain/documents.ts';
import { isIdentified } from '../../../src/domain/identified-work.ts';
import { workOf } from '../../cli/works.ts';
import { allOf } from '../../support/byte-streams.ts';
import type { ElasticsearchProxy, Fault, Spoil } from '../../support/elasticsearch/proxy.ts';
import { openProxy } from '../../support/elasticsearch/proxy.ts';
import type { TestIndex } from '../../support/elasticsearch/test-index.ts';
import { openTestIndex } from '../../support/elasticsearch/test-index.ts';
import { sierra, someIds } from '../../support/identifiers.ts';

const { url } = inject('elasticsearch');

const PASSING: readonly [string, Fault][] = [
  ['408', { status: 408 }],
  ['429', { status: 429 }],
  ['500', { status: 500 }],
  ['503', { status: 503 }],
  ['a reset', 'reset'],
  ['a reset after it was heard', 'reset after'],
  ['half an answer', 'half'],
  ['half an answer that is said to be whole', 'half, said to be whole'],
];

async function openCluster(proxy: ElasticsearchProxy, patienceMs = 10_000): Promise<Cluster> {
  const { signal } = new AbortController();
  return await Cluster.open({ url: proxy.url }, { signal, patienceMs });
}

const at = ({ index }: TestIndex) => ({ name: `http://elastic/${index}`, index });
const isSearch = (path: string) => path.startsWith('/_search');

describe('a source', () => {
  const COUNT = 700;
  const openFilled = async (count = COUNT): Promise<TestIndex> => {
    const index = await openTestIndex();
    await index.put(
      Array.from({ length: count }, (_, number) => ({
        _id: `Work[s/${number}]`,
        json: JSON.stringify(workOf(sierra(`b${number}`))),
      }))
    );
    return index;
  };

  test.each(PASSING)(
    'meets %s at every request in turn, and gives each work once',
    async (_, fault) => {
      await using index = await openFilled();
      // Every request fails the first time that it is made: whatever is asked next is the same again.
      await using proxy = await openProxy(url, ({ nth }) => (nth % 2 === 1 ? fault : undefined));
      await using source = await openIndexSource(await openCluster(proxy), at(index), 'all');
      const works = await allOf(source.works());
      expect(new Set(works.map(({ place }) => place)).size).toBe(COUNT);
      expect(works).toHaveLength(COUNT);
      expect(works.filter(work => !isIdentified(work))).toEqual([]);
    }
  );

  test('gives up when an outage lasts, says what to do, and gives back what the cluster held', async () => {
    await using index = await openFilled();
    let searches = 0;
    await using proxy = await openProxy(url, ({ path }) => {
      if (isSearch(path)) searches += 1;
      return isSearch(path) && searches > 2 ? { status: 503 } : undefined;
    });
    await using source = await openIndexSource(await openCluster(proxy, 400), at(index), 'all');
    await expect(allOf(source.works())).rejects.toMatchObject({
      code: 'INDEX_UNAVAILABLE',
      message: expect.stringMatching(/503, planted.*say the same command again/),
    });
    expect(searches).toBeGreaterThan(3);
    expect(await index.countOpenContexts()).toBe(0);
  });

  test.each<[string, Fault, string]>([
    ['whose point in time is lost', { status: 404 }, 'INDEX_UNAVAILABLE'],
    ['that refuses in mid-run', { status: 403 }, 'INDEX_ACCESS_DENIED'],
    [
      'of which a shard does not answer',
      {
        status: 200,
        body: { timed_out: false, _shards: { failed: 1 }, hits: { total: { value: 1 }, hits: [] } },
      },
      'INDEX_UNAVAILABLE',
    ],
  ])('%s fails as a whole, at once', async (_, fault, code) => {
    await using index = await openFilled();
    let searches = 0;
    await using proxy = await openProxy(url, ({ path }) => {
      if (isSearch(path)) searches += 1;
      return isSearch(path) && searches > 1 ? fault : undefined;
    });
    await using source = await openIndexSource(await openCluster(proxy), at(index), 'all');
    const read = allOf(source.works());
    await expect(read).rejects.toMatchObject({ code });
    expect(await index.countOpenContexts()).toBe(0);
  });

  test('asks no shard to be passed over', async () => {
    await using index = await openFilled(1);
    await using proxy = await openProxy(url, () => undefined);
    await using source = await openIndexSource(await openCluster(proxy), at(index), 'all');
    await allOf(source.works());
    const searches = proxy.requests.filter(({ path }) => isSearch(path));
    expect(searches.map(({ path }) => path)).toEqual(
      searches.map(() => '/_search?allow_partial_search_results=false')
    );
  });

  test('reads a few pages ahead and no further, however long nobody asks for more', async () => {
    await using index = await openFilled(5_000);
    await using proxy = await openProxy(url, () => undefined);
    await using source = await openIndexSource(await openCluster(proxy), at(index), 'all');
    for await (const work of source.works()) {
      expect(isIdentified(work)).toBe(true);
      await new Promise(resolve => setTimeout(resolve, 500));
      // The count, and of three slices the first pages and one second page.
      expect(proxy.requests.filter(({ path }) => isSearch(path)).length).toBeLessThanOrEqual(5);
      break;
    }
    expect(proxy.requests.at(-1)?.method).toBe('DELETE');
  });

  test('that is left before it is read gives back what the cluster held', async () => {
    await using index = await openFilled(1);
    await using proxy = await openProxy(url, () => undefined);
    const source = await openIndexSource(await openCluster(proxy), at(index), 'all');
    expect(await index.countOpenContexts()).toBe(2);
    await source[Symbol.asyncDispose]();
    expect(await index.countOpenContexts()).toBe(0);
  });

  test('takes 2,500 ids by some queries', async () => {
    await using index = await openFilled(2_600);
    await using proxy = await openProxy(url, () => undefined);
    const ids = Array.from({ length: 2_500 }, (_, number) => `Work[s/${number}]`);
    await using source = await openIndexSource(await openCluster(proxy), at(index), { ids });
    const works = await allOf(source.works());
    expect(new Set(works.map(({ place }) => place))).toEqual(new Set(ids));
    expect(works).toHaveLength(2_500);
  });
});

function bare(document: unknown): MintedText {
  const json = Buffer.from(JSON.stringify(document));
  return { json, document: json };
}

describe('a target', () => {
  const [first = '', ...ids] = someIds(300);
  const canonicalIds = [first, ...ids];
  const works: readonly MintedWork[] = canonicalIds.map((id, number) => ({
    place: `line ${number + 1}`,
    canonicalId: id as MintedWork['canonicalId'],
    content: bare(workOf(sierra(`b${number}`))),
  }));

  interface Opened extends AsyncDisposable {
    readonly target: WorkTarget;
    readonly index: TestIndex;
    /** The bodies of the bulk requests. */
    bulks(): string[];
    idsThere(): Promise<string[]>;
  }

  const open = async (spoil: Spoil, patienceMs?: number): Promise<Opened> => {
    const index = await openTestIndex();
    const proxy = await openProxy(url, spoil);
    const target = await openIndexTarget(await openCluster(proxy, patienceMs), at(index));
    return {
      target,
      index,
      bulks: () =>
        proxy.requests.filter(({ method }) => method === 'POST').map(({ body }) => body.toString()),
      idsThere: async () => (await index.read()).map(({ _id }) => _id),
      async [Symbol.asyncDispose]() {
        await target.discard();
        await proxy[Symbol.asyncDispose]();
        await index[Symbol.asyncDispose]();
      },
    };
  };
  const onBulks = (fault: (nth: number) => Fault | undefined): Spoil => {
    let bulks = 0;
    return ({ path }) => {
      if (!path.includes('/_bulk')) return undefined;
      bulks += 1;
      return fault(bulks);
    };
  };
  const sorted = [...canonicalIds].sort();

  test.each(PASSING)('meets %s twice, and has each work', async (_, fault) => {
    await using opened = await open(onBulks(nth => (nth <= 2 ? fault : undefined)));
    expect(await opened.target.write(works)).toEqual(new Map());
    expect(await opened.idsThere()).toEqual(sorted);
    expect(opened.bulks()).toHaveLength(3);
  });

  test.each([429, 503])(
    'that has no room for items (%i) is given those again, and no others',
    async status => {
      const isRefused = (place: number) => place % 3 === 0;
      await using opened = await open(
        onBulks(nth =>
          nth === 1 ? { items: place => (isRefused(place) ? status : undefined) } : undefined
        )
      );
      expect(await opened.target.write(works)).toEqual(new Map());
      expect(await opened.idsThere()).toEqual(sorted);
      const [, again = ''] = opened.bulks();
      const sentAgain = [...again.matchAll(/^\{"index":\{"_id":"(\w+)"/gm)].map(([, id]) => id);
      expect(sentAgain).toEqual(canonicalIds.filter((_, place) => isRefused(place)));
    }
  );

  test('that never has room for an item refuses that one, and has the others', async () => {
    await using opened = await open(
      ({ body }) =>
        body.includes(first) ? { items: place => (place === 0 ? 429 : undefined) } : undefined,
      400
    );
    const refused = await opened.target.write(works);
    expect([...refused.keys()]).toEqual([0]);
    expect(refused.get(0)).toMatchObject({
      code: 'INDEX_UNAVAILABLE',
      message: expect.stringMatching(/^line 1: .*no room.*429.*its IDs are in the registry/),
    });
    expect(await opened.idsThere()).toEqual(ids.toSorted());
    expect(opened.bulks().length).toBeGreaterThan(2);
  });

  test('that refuses items names each, and has the others', async () => {
    await using opened = await open(
      onBulks(() => ({ items: place => (place === 7 || place === 9 ? 400 : undefined) }))
    );
    const refused = await opened.target.write(works);
    expect([...refused].map(([place, { code }]) => [place, code])).toEqual([
      [7, 'DOCUMENT_REFUSED'],
      [9, 'DOCUMENT_REFUSED'],
    ]);
    expect(await opened.idsThere()).toHaveLength(298);
    expect(opened.bulks()).toHaveLength(1);
  });

  test('that answers the first request last names what it refuses in the order of the works', async () => {
    const many = someIds(1_200).map((id, number) => ({
      place: `line ${number + 1}`,
      canonicalId: id as MintedWork['canonicalId'],
      // Of the mapping's one date.
      content: { value: number % 400 === 0 ? { indexed_at: 'noon' } : { number } },
    }));
    await using opened = await open(onBulks(nth => (nth === 1 ? { lateMs: 1_500 } : undefined)));
    const refused = await opened.target.write(many);
    expect([...refused.keys()]).toEqual([0, 400, 800]);
  });

  test('gives up when an outage lasts, and says that the same command completes it', async () => {
    await using opened = await open(
      onBulks(() => ({ status: 503 })),
      400
    );
    await expect(opened.target.write(works)).rejects.toMatchObject({
      cause: {
        code: 'INDEX_UNAVAILABLE',
        message: expect.stringMatching(/503.*say the same command again: it gives the same IDs/),
      },
    });
  });

  test('that breaks down between requests tells which works it has and which it may have', async () => {
    const many = someIds(2_500).map((id, number) => ({
      place: `line ${number + 1}`,
      canonicalId: id as MintedWork['canonicalId'],
      content: { value: { number } },
    }));
    // The second of the three at once; the last two are not sent any more.
    const isSecond = (body: Buffer) => body.includes(`"${many[500]?.canonicalId}"`);
    await using opened = await open(({ path, body }) => {
      if (!path.includes('/_bulk')) return undefined;
      return isSecond(body) ? { status: 400 } : { lateMs: 1_000 };
    });

    const broken = await opened.target.write(many).catch((error: unknown) => error);

    expect(broken).toBeInstanceOf(TargetBroken);
    const { cause, refused, unknown } = broken as TargetBroken;
    expect(cause.code).toBe('INDEX_UNAVAILABLE');
    const there = many.filter((_, at) => !unknown.has(at) && !refused.has(at));
    expect(there).toHaveLength(1_000);
    expect(await opened.idsThere()).toEqual(there.map(({ canonicalId }) => canonicalId).sort());
    expect(opened.bulks()).toHaveLength(3);
  });

  test('that takes no large requests gets smaller ones', async () => {
    await using opened = await open(({ path, body }) =>
      path.includes('/_bulk') && body.length > 20_000 ? { status: 413 } : undefined
    );
    expect(await opened.target.write(works)).toEqual(new Map());
    expect(await opened.idsThere()).toEqual(sorted);
  });

  test('that takes no document of this size refuses that one', async () => {
    const large = {
      ...workOf(sierra('large')),
      more: 'x'.repeat(30_000),
    };
    const content = bare(large);
    await using opened = await open(({ path, body }) =>
      path.includes('/_bulk') && body.length > 20_000 ? { status: 413 } : undefined
    );
    const some = works
      .slice(0, 5)
      .map((work, place) => (place === 3 ? { ...work, content } : work));
    const refused = await opened.target.write(some);
    expect([...refused].map(([place, { code }]) => [place, code])).toEqual([
      [3, 'DOCUMENT_REFUSED'],
    ]);
    expect(await opened.idsThere()).toHaveLength(4);
  });

  test('gets requests of 5 MiB at most', async () => {
    await using opened = await open(() => undefined);
    const large = works.slice(0, 30).map((work, number) => ({
      ...work,
      content: { value: { ...workOf(sierra(`b${number}`)), more: 'x'.repeat(700_000) } },
    }));
    expect(await opened.target.write(large)).toEqual(new Map());
    const lengths = opened.bulks().map(({ length }) => length);
    expect(lengths).toHaveLength(5);
    for (const length of lengths) expect(length).toBeLessThanOrEqual(5 * 1024 * 1024);
    expect(await opened.idsThere()).toHaveLength(30);
  });

  test('that hears requests late, and so the first one last, holds of two documents the later', async () => {
    const many = someIds(1_200);
    const version = (id: string, number: number): MintedWork => ({
      place: `line ${number + 1}`,
      canonicalId: id as MintedWork['canonicalId'],
      content: { value: { number } },
    });
    // Each ID comes once more, 1,200 works later.
    const twice = [...many, ...many].map(version);
    await using opened = await open(onBulks(nth => ({ lateMs: nth === 1 ? 1_000 : 0 })));

    expect(await opened.target.write(twice)).toEqual(new Map());

    const numbers = (await opened.index.read()).map(
      ({ _source }) => (_source as { number: number }).number
    );
    expect(numbers.sort((a, b) => a - b)).toEqual(many.map((_, at) => 1_200 + at));
  });

  test('that is given a document twice at once holds the later, and others meanwhile', async () => {
    const [twice = '', before = '', after = ''] = someIds(3);
    const works = (...ids: readonly string[]) =>
      ids.map((id, number) => ({
        place: `line ${number + 1}`,
        canonicalId: id as MintedWork['canonicalId'],
        content: { value: { number } },
      }));
    await using opened = await open(onBulks(nth => ({ lateMs: nth === 1 ? 1_000 : 0 })));
    const order: string[] = [];
    const write = async (name: string, given: readonly MintedWork[]) => {
      expect(await opened.target.write(given)).toEqual(new Map());
      order.push(name);
    };
    await Promise.all([
      write('first', works(twice)),
      write('another', works(before)),
      write('later', works(after, twice)),
    ]);
    expect(order).toEqual(['another', 'first', 'later']);
    const versions = (await opened.index.read()).map(({ _id, _source }) => [_id, _source]);
    expect(Object.fromEntries(versions)).toMatchObject({ [twice]: { number: 1 } });
  });

  test('is sent three requests at once, and no more', async () => {
    let [underWay, most] = [0, 0];
    await using opened = await open(({ path }) => {
      if (!path.includes('/_bulk')) return undefined;
      underWay += 1;
      most = Math.max(most, underWay);
      setTimeout(() => {
        underWay -= 1;
      }, 1_800);
      return { lateMs: 2_000 };
    });
    const many = someIds(2_000).map((id, number) => ({
      place: `line ${number + 1}`,
      canonicalId: id as MintedWork['canonicalId'],
      content: { value: { number } },
    }));
    expect(await opened.target.write(many)).toEqual(new Map());
    expect(most).toBe(3);
    expect(await opened.idsThere()).toHaveLength(2_000);
  });

  test.each([
    ['index_not_found_exception', 404, 'INDEX_NOT_FOUND'],
    ['security_exception', 403, 'INDEX_ACCESS_DENIED'],
  ])('that answers every item with %s fails as a whole', async (type, status, code) => {
    const item = { index: { status, error: { type, reason: 'planted' } } };
    await using opened = await open(
      onBulks(() => ({ status: 200, body: { errors: true, items: [item] } }))
    );
    await expect(opened.target.write(works.slice(0, 1))).rejects.toMatchObject({
      cause: { code },
    });
  });

  test('that does not say what became of each document fails as a whole', async () => {
    await using opened = await open(onBulks(() => ({ status: 200, body: { items: [] } })));
    await expect(opened.target.write(works)).rejects.toMatchObject({
      cause: {
        code: 'INDEX_UNAVAILABLE',
        message: expect.stringContaining('given 300 documents and did not say'),
      },
    });
  });

  test('may be written with a key that may not ask whether it is there, but not without any', async () => {
    await using opened = await open(({ method }) =>
      method === 'HEAD' ? { status: 403 } : undefined
    );
    expect(await opened.target.write(works.slice(0, 1))).toEqual(new Map());
    await expect(
      open(({ method }) => (method === 'HEAD' ? { status: 401 } : undefined))
    ).rejects.toMatchObject({ code: 'INDEX_ACCESS_DENIED' });
  });
});
