import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { MintWorksOptions, Registry, Warning, WorkResult } from '../../src/index.ts';
import { mintWorks, openRegistry } from '../../src/index.ts';
import type { Minted } from '../cli/works.ts';
import { workOf } from '../cli/works.ts';
import { sqliteStore } from '../steps/in-memory.ts';
import { openDesk } from '../support/command-line.ts';
import { folio, id, label, sierra } from '../support/identifiers.ts';

const store = sqliteStore();

type Options = Omit<MintWorksOptions, 'registry' | 'works'>;

/** In batches of two, one at a time, where nothing else is said. */
async function mintAll(registry: Registry, works: MintWorksOptions['works'], options?: Options) {
  const results: WorkResult[] = [];
  const run = mintWorks({ registry, works, batchSize: 2, concurrency: 1, ...options });
  let error: unknown;
  try {
    for await (const result of run) results.push(result);
  } catch (thrown) {
    error = thrown;
  }
  return { results, error, counts: run.counts };
}

/** Two registries draw different IDs: names each by when it was met first. */
function numberIds(text: string): string {
  const met = new Map<string, number>();
  return text.replaceAll(/(?<="(?:canonicalId|_id)":")[a-z2-9]{8}(?=")/g, canonicalId => {
    if (!met.has(canonicalId)) met.set(canonicalId, met.size);
    return `ID ${met.get(canonicalId)}`;
  });
}

const indexesOf = (results: readonly WorkResult[]) => results.map(({ index }) => index);

describe('works given as objects', () => {
  test('come back in their order and form, with the IDs of the registry', async () => {
    await using registry = await store.open({ freeCount: 9 });
    const works = [
      workOf(sierra('b1'), { subjects: [label('tides')] }),
      { _id: 'x', _index: 'works', _source: workOf(sierra('b2')), _type: '_doc' },
      workOf(sierra('b3')),
    ];
    const given = structuredClone(works);
    const { results, counts } = await mintAll(registry, works);
    expect(works).toEqual(given);

    expect(indexesOf(results)).toEqual([0, 1, 2]);
    const [first, second, third] = results.map(({ work }) => work);
    const standing = await Promise.all(
      ['b1', 'b2', 'b3'].map(value => registry.standing(sierra(value)))
    );
    expect(results.map(({ canonicalId }) => canonicalId)).toEqual(standing);
    expect((first as Minted).state.canonicalId).toBe(standing[0]);
    expect((first as Minted).data.subjects[0]?.id).toMatchObject({
      type: 'Identified',
      canonicalId: await registry.standing(label('tides')),
    });
    expect(second).toMatchObject({
      ...{ _id: standing[1], _type: '_doc' },
      _source: { state: { canonicalId: standing[1] } },
    });
    expect(second).not.toHaveProperty('_index');
    expect((third as Minted).state.canonicalId).toBe(standing[2]);
    expect(counts).toMatchObject({
      works: { succeeded: 3, failed: 0 },
      identifiers: { existing: 0, inherited: 0, minted: 4 },
      ...{ errors: {}, warnings: {} },
    });
  });

  test('come back as the command line writes them', async () => {
    await using desk = await openDesk();
    const works = [
      workOf(folio('f1'), { predecessor: sierra('b9') }),
      workOf(sierra('b1'), { subjects: [label('tides')] }),
      { _id: 'x', _source: workOf(folio('f2'), { predecessor: sierra('b1') }) },
      { no: 'work' },
      workOf(sierra('b9')),
      workOf(folio('f3'), { predecessor: sierra('nowhere') }),
    ];
    await desk.write('works.ndjson', works.map(work => JSON.stringify(work)).join('\n'));
    const flags = ['--batch-size', '2', '--concurrency', '1', '--registry', 'sqlite:ids.sqlite'];
    const { status } = await desk.run([
      ...['mint', 'works.ndjson', '--target', 'minted.ndjson'],
      ...['--report', 'report.json', ...flags],
    ]);
    expect(status).toBe(1);
    await using registry = await openRegistry(`sqlite:${desk.path('others.sqlite')}`);
    const { results, counts } = await mintAll(registry, works);

    const lines = results.map(({ work }) => (work ? `${JSON.stringify(work)}\n` : '')).join('');
    expect(numberIds(lines)).toBe(numberIds(await desk.read('minted.ndjson')));
    const report = JSON.parse(await desk.read('report.json'));
    const failures = results.flatMap(({ failure }) => failure ?? []);
    expect(counts.works).toEqual(report.works);
    expect(failures.map(({ row, stage, code }) => ({ row_id: row, stage, code }))).toMatchObject([
      { row_id: 'works[3]', stage: 'extract_id', code: 'INVALID_WORK' },
      ...report.errors
        .slice(1)
        .map(({ row_id, stage, code }: Record<string, string>) => ({ row_id, stage, code })),
    ]);
    expect(report.errors).toHaveLength(failures.length);
  });

  test('fail by themselves, each with its place, stage and reason', async () => {
    await using registry = await store.open({ freeCount: 9 });
    const deep: unknown = JSON.parse(`${'['.repeat(2_000)}${']'.repeat(2_000)}`);
    const broken = workOf(sierra('b4'), { subjects: [label('x'.repeat(256))] });
    const works = [
      ...['a string', { _id: 'no work', _source: {} }, workOf(sierra('b1'))],
      ...[null, { _id: 'deep', _source: workOf(sierra('b2')), sort: deep }, broken],
    ];
    const { results, counts } = await mintAll(registry, works);
    expect(indexesOf(results)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(results.map(({ failure }) => failure)).toMatchObject(
      [
        { row: 'works[0]', stage: 'extract_id', code: 'INVALID_WORK' },
        { row: 'no work', stage: 'extract_id', code: 'INVALID_WORK' },
        {},
        { row: 'works[3]', message: expect.stringMatching(/^works\[3\]: The document is null/) },
        { row: 'works[4]', stage: 'read', code: 'TOO_DEEP' },
        {
          ...{ row: 'Work[sierra-system-number/b4]', stage: 'embed', code: 'INVALID_IDENTIFIER' },
          message: expect.stringMatching(/^works\[5\]: .* 256 characters/),
        },
      ].map((expected, index) => (index === 2 ? undefined : expected))
    );
    expect(results[2]?.canonicalId).toBe(await registry.standing(sierra('b1')));
    expect(counts).toMatchObject({ works: { succeeded: 1, failed: 5 }, errors: { TOO_DEEP: 1 } });
  });

  test('come last where their predecessor comes later, or never', async () => {
    await using registry = await store.open({ freeCount: 9 });
    const works = [
      workOf(folio('f0'), { predecessor: sierra('b5') }),
      workOf(folio('f1'), { predecessor: sierra('nowhere') }),
      ...[workOf(sierra('b2')), workOf(folio('f3'), { predecessor: sierra('b5') })],
      ...[workOf(sierra('b4')), workOf(sierra('b5'))],
    ];
    const { results, counts } = await mintAll(registry, works);
    expect(indexesOf(results)).toEqual([2, 4, 5, 0, 1, 3]);
    const inherited = await registry.standing(sierra('b5'));
    expect(results[3]?.canonicalId).toBe(inherited);
    expect(results[4]?.failure).toMatchObject({ stage: 'mint', code: 'PREDECESSOR_NOT_FOUND' });
    expect(results[5]?.canonicalId).toBe(inherited);
    expect(counts.identifiers).toEqual({ existing: 0, inherited: 2, minted: 3 });
  });

  test('stand back where another one has their document, and say for which', async () => {
    await using registry = await store.open({ freeCount: 9 });
    const works = [workOf(sierra('b1')), workOf(folio('f1'), { predecessor: sierra('b1') })];
    const { results, counts } = await mintAll(registry, works);
    const canonicalId = await registry.standing(sierra('b1'));
    expect(results).toMatchObject([
      { index: 0, canonicalId, warnings: [{ code: 'SHARED_DOCUMENT_ID' }] },
      { index: 1, canonicalId, warnings: [] },
    ]);
    expect(results.map(({ work }) => work === undefined)).toEqual([true, false]);
    expect(counts.works).toEqual({ succeeded: 2, failed: 0 });
  });

  test('have their warnings, and those of the pool are told', async () => {
    const mappings = [[sierra('b0'), 'b2345678']] as const;
    await using registry = await store.open({ free: ['c2345678', 'd2345678'], mappings });
    await registry.database.sql("UPDATE canonical_ids SET Status = 'free'");
    const warnings: Warning[] = [];
    const warn = (warning: Warning) => warnings.push(warning);
    const works = [workOf(sierra('b1')), workOf(sierra('b2'), { subjects: [label('')] })];
    // As many as there are free, so that each of these is met wherever the claim begins.
    const first = await mintAll(registry, works, { warn });
    expect(warnings).toMatchObject([
      { code: 'POOL_CORRUPT', message: expect.stringContaining('b2345678') },
    ]);
    expect(first.counts.warnings).toMatchObject({ POOL_CORRUPT: 1 });
    await registry.topUp(5);
    const { results, counts } = await mintAll(registry, works, { warn });
    expect(results.map(result => result.warnings.map(({ code }) => code))).toEqual([
      [],
      ['EMPTY_VALUE'],
    ]);
    expect(counts.warnings).toEqual({ EMPTY_VALUE: 1 });
    expect(warnings).toHaveLength(1);
  });

  test('are not minted in a dry run', async () => {
    await using registry = await store.open({ freeCount: 9 });
    const before = await registry.dump();
    const { results } = await mintAll(registry.dryRun(), [workOf(sierra('b1'))]);
    expect(results).toMatchObject([{ canonicalId: id('(new-1)') }]);
    expect(await registry.dump()).toEqual(before);
  });

  test('many in flight at once come back in order', async () => {
    await using registry = await store.open({ freeCount: 300 });
    const works = Array.from({ length: 100 }, (_, index) =>
      index % 7 === 3 ? {} : workOf(sierra(`b${index}`))
    );
    const { results, counts } = await mintAll(registry, works, { batchSize: 3, concurrency: 4 });
    expect(indexesOf(results)).toEqual(works.map((_, index) => index));
    expect(counts.works).toEqual({ succeeded: 86, failed: 14 });
  });
});

/** Works without end; says how many were asked for, and whether they were closed. */
function endless() {
  const state = { given: 0, isClosed: false };
  async function* works() {
    try {
      for (;;) {
        state.given += 1;
        yield workOf(sierra(`b${state.given}`));
      }
    } finally {
      state.isClosed = true;
    }
  }
  return { state, works: works() };
}

describe('a run over works', () => {
  test('begins when its results are asked for, and waits while nobody takes them', async () => {
    await using registry = await store.open({ freeCount: 100 });
    const { state, works } = endless();
    const run = mintWorks({ registry, works, batchSize: 2, concurrency: 1 });
    await sleep(5);
    expect(state.given).toBe(0);
    const results = run[Symbol.asyncIterator]();
    await results.next();
    await sleep(50);
    const ahead = state.given;
    expect(ahead).toBeLessThanOrEqual(8);
    await sleep(50);
    expect(state.given).toBe(ahead);
    await results.return?.();
    expect(state.isClosed).toBe(true);
  });

  test('is over where it is left, and what it minted stays', async () => {
    await using registry = await store.open({ freeCount: 100 });
    const { state, works } = endless();
    for await (const { index } of mintWorks({ registry, works, batchSize: 2 })) {
      if (index === 3) break;
    }
    expect(state.isClosed).toBe(true);
    const minted = (await registry.dump()).identifiers.length;
    await sleep(20);
    expect((await registry.dump()).identifiers).toHaveLength(minted);
    expect(minted).toBeGreaterThanOrEqual(4);
  });

  test('ends by a signal, after the results so far, and completes when said again', async () => {
    await using registry = await store.open({ freeCount: 100 });
    const stop = new AbortController();
    const works = Array.from({ length: 20 }, (_, index) => workOf(sierra(`b${index}`)));
    async function* stopping() {
      for (const [index, work] of works.entries()) {
        if (index === 12) stop.abort(new Error('enough'));
        yield work;
      }
    }
    const { results, error } = await mintAll(registry, stopping(), { signal: stop.signal });
    expect(error).toEqual(new Error('enough'));
    expect(indexesOf(results)).toEqual(results.map((_, index) => index));
    expect((await registry.dump()).identifiers).toHaveLength(results.length);
    const again = await mintAll(registry, works);
    expect(again.counts.identifiers).toEqual({
      ...{ existing: results.length, inherited: 0, minted: 20 - results.length },
    });
  });

  test('ends by a signal also where the next work never comes', async () => {
    await using registry = await store.open({ freeCount: 9 });
    async function* stuck() {
      yield workOf(sierra('b1'));
      await new Promise(() => {});
    }
    const { results, error } = await mintAll(registry, stuck(), {
      signal: AbortSignal.timeout(20),
    });
    expect(results).toEqual([]);
    expect(error).toMatchObject({ name: 'TimeoutError' });
  });

  test('fails as its works fail, after the results of those before', async () => {
    await using registry = await store.open({ freeCount: 9 });
    const fault = new Error('the index is gone');
    async function* failing() {
      for (const value of ['b1', 'b2', 'b3']) yield workOf(sierra(value));
      throw fault;
    }
    const { results, error } = await mintAll(registry, failing());
    expect(error).toBe(fault);
    expect(indexesOf(results)).toEqual([0, 1, 2]);
  });

  test('fails with the registry, in our one error class', async () => {
    await using registry = await store.open({ freeCount: 100 });
    async function* works() {
      for (let index = 0; ; index += 1) {
        if (index === 8) await registry.database.sql('DROP TABLE identifiers');
        yield workOf(sierra(`b${index}`));
      }
    }
    const { results, error } = await mintAll(registry, works());
    expect(indexesOf(results)).toEqual(results.map((_, index) => index));
    expect(results.length).toBeGreaterThanOrEqual(4);
    expect(error).toMatchObject({ name: 'IdMinterError', code: 'SCHEMA_UNSUPPORTED' });
  });
});
