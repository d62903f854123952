import { describe, expect, test } from 'vitest';
import type { SourceWork } from '../../src/domain/documents.ts';
import { IdMinterError } from '../../src/domain/errors.ts';
import type { SourceIdentifier } from '../../src/domain/source-identifier.ts';
import type { Minted } from '../cli/works.ts';
import { workOf, written } from '../cli/works.ts';
import { folio, heading, id, label, sierra } from '../support/identifiers.ts';
import type { Run } from './in-memory.ts';
import { lines, mintAll, run, sourceOf, sqliteStore, TargetInMemory } from './in-memory.ts';

const store = sqliteStore();

/** What was written, as the values of the works' identifiers. */
const valuesIn = ({ target }: Run) =>
  target.works.map(({ document }) => (document as Minted).state.sourceIdentifier.value);

const failuresOf = ({ report }: Run) =>
  report.errors.map(({ row_id, stage, code }) => [row_id, stage, code]);

const deleted = (source: SourceIdentifier) => workOf(source, { type: 'Deleted' });

const works = (count: number) =>
  Array.from({ length: count }, (_, n) => workOf(sierra(`b${n + 1}`)));

describe('a run', () => {
  test('writes every work with its IDs, in order, in the form in which it came', async () => {
    await using registry = await store.open({ freeCount: 10 });
    const works: SourceWork[] = [
      { place: 'line 1', document: workOf(sierra('b1'), { subjects: [label('tides')] }) },
      { place: 'line 2', document: workOf(sierra('b2')), wrapper: { _id: 'x', sort: [1] } },
      {
        place: 'line 3',
        document: workOf(sierra('b3'), { subjects: [heading('Person', 'tides')] }),
      },
      { place: 'line 4', document: deleted(sierra('b4')) },
      { place: 'line 5', document: workOf(sierra('b5'), { subjects: [label('tides')] }) },
    ];
    const ended = await mintAll(registry, sourceOf(works));

    expect(valuesIn(ended)).toEqual(['b1', 'b2', 'b3', 'b4', 'b5']);
    for (const [index, { canonicalId, document, wrapper, place }] of ended.target.works.entries()) {
      expect(place).toBe(`line ${index + 1}`);
      const before = works[index]?.wrapper;
      expect(wrapper).toEqual(before && { ...before, _id: canonicalId });
      const minted = document as Minted;
      expect(minted.state.canonicalId).toBe(canonicalId);
      expect(canonicalId).toBe(await registry.standing(sierra(`b${index + 1}`)));
      for (const subject of minted.data.subjects) expect(subject.id.type).toBe('Identified');
    }
    const subjects = ended.target.works.map(
      ({ document }) => (document as Minted).data.subjects[0]?.id.canonicalId
    );
    expect(subjects[0]).toBe(await registry.standing(label('tides')));
    expect(subjects[4]).toBe(subjects[0]);
    expect(subjects[2]).not.toBe(subjects[0]);

    expect(ended.tally).toMatchObject({
      works: { succeeded: 5, failed: 0 },
      identifiers: { existing: 1, inherited: 0, minted: 7 },
      ...{ errors: {}, warnings: {} },
    });
    expect(ended.report.ids).toEqual(ended.target.works.map(({ canonicalId }) => canonicalId));
    expect(ended.report.outcomes.map(({ outcome }) => outcome)).toEqual(Array(7).fill('minted'));
  });

  test('said again finds everything, and changes nothing', async () => {
    await using registry = await store.open({ freeCount: 10 });
    const documents = [
      workOf(sierra('b1'), { subjects: [label('tides'), label('tides')] }),
      workOf(folio('f1'), { predecessor: sierra('b1') }),
    ];
    const first = await mintAll(registry, documents);
    expect(first.tally.identifiers).toEqual({ existing: 1, inherited: 1, minted: 2 });
    const dump = await registry.dump();
    const second = await mintAll(registry, documents, { batchSize: 1 });
    expect(second.tally.identifiers).toEqual({ existing: 4, inherited: 0, minted: 0 });
    expect(second.report.outcomes).toEqual([]);
    expect(await registry.dump()).toEqual(dump);
  });

  test('of no works is nothing', async () => {
    await using registry = await store.open();
    const ended = await mintAll(registry, []);
    expect(ended.tally.works).toEqual({ succeeded: 0, failed: 0 });
  });

  test('holds no more than a window in the registry, one being read and one being written', async () => {
    await using registry = await store.open({ freeCount: 100 });
    const source = sourceOf(lines(Array.from({ length: 40 }, (_, n) => workOf(sierra(`b${n}`)))));
    const ahead: number[] = [];
    const target = new TargetInMemory();
    const { write } = target;
    target.write = works => {
      ahead.push(source.given - target.works.length);
      return write.call(target, works);
    };
    await mintAll(registry, source, { target, batchSize: 2, concurrency: 2 });
    expect(Math.max(...ahead)).toBeGreaterThan(4);
    expect(Math.max(...ahead)).toBeLessThanOrEqual(3 * 4);
  });

  test('in a dry run counts the same and writes nothing', async () => {
    await using registry = await store.open({
      freeCount: 10,
      mappings: [[sierra('b0'), 'a2345678']],
    });
    const documents = [
      workOf(folio('f2'), { predecessor: folio('f1') }),
      workOf(sierra('b1'), { subjects: [label('tides')] }),
      workOf(sierra('b2'), { subjects: [label('tides')] }),
      workOf(folio('f1'), { predecessor: sierra('b0') }),
      workOf(folio('f3'), { predecessor: sierra('none') }),
    ];
    const dump = await registry.dump();
    const dry = await mintAll(registry.dryRun(), documents);
    expect(await registry.dump()).toEqual(dump);
    const real = await mintAll(registry, documents);
    expect(dry.tally).toEqual(real.tally);
    expect(real.tally.identifiers).toEqual({ existing: 1, inherited: 2, minted: 3 });
    expect(failuresOf(dry)).toEqual(failuresOf(real));
  });
});

describe('a work that fails', () => {
  const broken = new IdMinterError('INVALID_JSON', 'line 2, column 7: not JSON.');

  test('does not block its neighbours, and is named with its stage and code', async () => {
    await using registry = await store.open({ freeCount: 20 });
    const ended = await mintAll(
      registry,
      sourceOf([
        { place: 'line 1', document: workOf(sierra('b1')) },
        { place: 'line 2', error: broken },
        { place: 'line 3', document: { data: {} } },
        { place: 'line 4', document: { state: {} }, wrapper: { _id: 'Work[a/b]' } },
        {
          place: 'line 5',
          document: { state: { sourceIdentifier: { value: 1 } } },
          wrapper: { _id: 7 },
        },
        {
          place: 'line 6',
          document: workOf(sierra('b6'), { subjects: [sierra('x'.repeat(256))] }),
        },
        { place: 'line 7', document: workOf(sierra('b7'), { predecessor: sierra('b7') }) },
        { place: 'line 8', document: null },
        { place: 'line 9', document: workOf(sierra('b9')) },
      ]),
      { batchSize: 4 }
    );
    expect(valuesIn(ended)).toEqual(['b1', 'b9']);
    expect(failuresOf(ended)).toEqual([
      ['line 2', 'read', 'INVALID_JSON'],
      ['line 3', 'extract_id', 'INVALID_WORK'],
      ['Work[a/b]', 'extract_id', 'INVALID_WORK'],
      ['line 5', 'extract_id', 'INVALID_IDENTIFIER'],
      ['Work[sierra-system-number/b6]', 'embed', 'INVALID_IDENTIFIER'],
      ['Work[sierra-system-number/b7]', 'mint', 'PREDECESSOR_CYCLE'],
      ['line 8', 'extract_id', 'INVALID_WORK'],
    ]);
    expect(ended.report.errors[0]?.detail).toBe('line 2, column 7: not JSON.');
    expect(ended.tally).toMatchObject({
      works: { succeeded: 2, failed: 7 },
      identifiers: { existing: 0, inherited: 0, minted: 2 },
      errors: { INVALID_JSON: 1, INVALID_WORK: 3, INVALID_IDENTIFIER: 2, PREDECESSOR_CYCLE: 1 },
    });
  });

  test('for one of its identifiers fails as a whole; its others are minted and counted', async () => {
    await using registry = await store.open({ freeCount: 10 });
    const document = workOf(sierra('b1'), { subjects: [label('tides'), label('ships')] });
    const [first, second] = document.data.subjects;
    Object.assign(first?.id ?? {}, { predecessorIdentifier: written(sierra('none')) });
    Object.assign(second?.id ?? {}, { predecessorIdentifier: written(label('ships')) });
    const ended = await mintAll(registry, [document, workOf(sierra('b2'))]);

    expect(valuesIn(ended)).toEqual(['b2']);
    expect(failuresOf(ended)).toEqual([
      ['Work[sierra-system-number/b1]', 'mint', 'PREDECESSOR_NOT_FOUND'],
    ]);
    expect(ended.report.errors[0]?.detail).toMatch(
      /^line 1: The predecessor Work\[sierra-system-number\/none\] .* One more identifier of this work got no ID either\.$/
    );
    expect(await registry.standing(sierra('b1'))).toBeDefined();
    expect(ended.tally).toMatchObject({
      works: { succeeded: 1, failed: 1 },
      identifiers: { existing: 0, inherited: 0, minted: 2 },
      errors: { PREDECESSOR_NOT_FOUND: 1, PREDECESSOR_CYCLE: 1 },
    });
    expect(
      ended.report.outcomes.map(({ outcome, error }) => outcome ?? error?.code).sort()
    ).toEqual([...['PREDECESSOR_CYCLE', 'PREDECESSOR_NOT_FOUND', 'minted', 'minted']]);
  });

  test('for want of free IDs leaves those that need none alone', async () => {
    await using registry = await store.open({
      freeCount: 1,
      mappings: [[sierra('b1'), 'z2345678']],
    });
    const ended = await mintAll(registry, [
      workOf(sierra('b1')),
      workOf(sierra('b2'), { subjects: [label('tides'), label('ships')] }),
    ]);
    expect(valuesIn(ended)).toEqual(['b1']);
    expect(failuresOf(ended)).toEqual([
      ['Work[sierra-system-number/b2]', 'mint', 'POOL_EXHAUSTED'],
    ]);
    expect(ended.report.errors[0]?.detail).toContain('2 more identifiers of this work got no ID');
    expect(ended.tally.errors).toEqual({ POOL_EXHAUSTED: 3 });
    expect(await registry.countFree()).toBe(1);
  });

  test('at its target is named, and so are those that stood back for it', async () => {
    await using registry = await store.open({
      ...{
        freeCount: 10,
        mappings: [
          [sierra('b1'), 'a2345678'],
          [folio('f1'), 'a2345678'],
        ],
      },
    });
    const refusal = new IdMinterError('INVALID_WORK', 'The index refuses it.');
    const target = new TargetInMemory(new Map([[id('a2345678'), refusal]]));
    const ended = await mintAll(
      registry,
      [workOf(sierra('b0')), workOf(sierra('b1')), workOf(folio('f1')), workOf(sierra('b2'))],
      { target, batchSize: 4 }
    );
    expect(valuesIn(ended)).toEqual(['b0', 'b2']);
    expect(failuresOf(ended)).toEqual([
      ['Work[folio-instance/f1]', 'index', 'INVALID_WORK'],
      ['Work[sierra-system-number/b1]', 'index', 'INVALID_WORK'],
    ]);
    expect(ended.tally.works).toEqual({ succeeded: 2, failed: 2 });
    expect(ended.tally.errors).toEqual({ INVALID_WORK: 2 });
    expect(ended.report.ids).toEqual(target.works.map(({ canonicalId }) => canonicalId));
  });
});

describe('what a run is warned of', () => {
  test('is told and counted, and the work is written', async () => {
    await using registry = await store.open({
      freeCount: 10,
      mappings: [
        [sierra('b1'), 'a2345678'],
        [folio('f1'), 'b2345678'],
      ],
    });
    const ended = await mintAll(registry, [
      workOf(folio('f1'), { predecessor: sierra('b1') }),
      workOf(sierra('b2'), { subjects: [label('')] }),
      workOf(sierra('b3'), { subjects: [label('')] }),
    ]);
    expect(valuesIn(ended)).toEqual(['f1', 'b2', 'b3']);
    expect(ended.tally.warnings).toEqual({ INHERITANCE_CONFLICT: 1, EMPTY_VALUE: 1 });
    expect(ended.report.outcomes.map(({ outcome, warning }) => [outcome, warning?.code])).toEqual([
      ['existing', 'INHERITANCE_CONFLICT'],
      ['minted', undefined],
      ['minted', 'EMPTY_VALUE'],
      ['minted', undefined],
    ]);
  });

  test('is a free ID that is in use', async () => {
    await using registry = await store.open({
      free: ['a2345678'],
      mappings: [[sierra('b0'), 'c2345678']],
    });
    await registry.database.sql("UPDATE canonical_ids SET Status = 'free'");
    const ended = await mintAll(registry, [workOf(sierra('b1')), workOf(sierra('b2'))]);
    expect(ended.report.warnings).toMatchObject([
      { code: 'POOL_CORRUPT', details: { canonicalId: 'c2345678' } },
    ]);
    expect(ended.tally.warnings).toEqual({ POOL_CORRUPT: 1 });
    expect(ended.tally.errors).toEqual({ POOL_EXHAUSTED: 2 });
  });
});

describe('a predecessor that comes later', () => {
  const successor = (n: number) =>
    workOf(folio(`f${n}`), { predecessor: sierra(`b${n}`), subjects: [label('tides')] });
  const predecessor = (n: number) => workOf(sierra(`b${n}`), { subjects: [label('tides')] });

  test('in the batch is settled first, and its document stands back for the one that names it', async () => {
    await using registry = await store.open({ freeCount: 10 });
    const ended = await mintAll(registry, [successor(1), predecessor(1)]);
    expect(valuesIn(ended)).toEqual(['f1']);
    expect(ended.report.warnings).toMatchObject([{ code: 'SHARED_DOCUMENT_ID' }]);
    expect(ended.tally.identifiers).toEqual({ existing: 1, inherited: 1, minted: 2 });
  });

  test('in the run is waited for; the works that waited come last, and all is counted once', async () => {
    await using registry = await store.open({ freeCount: 10 });
    const ended = await mintAll(registry, [
      ...[successor(1), successor(2), workOf(sierra('b9')), predecessor(2), predecessor(1)],
    ]);
    expect(valuesIn(ended)).toEqual(['b9', 'b2', 'b1', 'f1', 'f2']);
    for (const n of [1, 2]) {
      expect(await registry.standing(folio(`f${n}`))).toBe(
        await registry.standing(sierra(`b${n}`))
      );
    }
    // Five works and four subjects of one heading, which the first work that waited had minted.
    expect(ended.tally).toMatchObject({
      works: { succeeded: 5, failed: 0 },
      identifiers: { existing: 3, inherited: 2, minted: 4 },
      ...{ errors: {}, warnings: {} },
    });
    expect(ended.report.errors).toEqual([]);
    expect(ended.report.outcomes.filter(({ outcome }) => outcome === 'minted')).toHaveLength(4);
    expect(ended.report.outcomes).toHaveLength(6);
  });

  test('or never comes is a failure, counted once', async () => {
    await using registry = await store.open({ freeCount: 10 });
    const ended = await mintAll(registry, [
      successor(1),
      workOf(sierra('b9')),
      successor(2),
      predecessor(2),
    ]);
    expect(failuresOf(ended)).toEqual([
      ['Work[folio-instance/f1]', 'mint', 'PREDECESSOR_NOT_FOUND'],
    ]);
    expect(ended.report.errors[0]?.detail).toMatch(/^line 1: /);
    expect(ended.tally).toMatchObject({
      works: { succeeded: 3, failed: 1 },
      identifiers: { existing: 2, inherited: 1, minted: 3 },
      errors: { PREDECESSOR_NOT_FOUND: 1 },
    });
    expect(await registry.standing(folio('f1'))).toBeUndefined();
  });

  test('may be one that waited itself', async () => {
    await using registry = await store.open({ freeCount: 10 });
    const chain = ['f3', 'f2', 'f1'].map((value, index, all) =>
      workOf(folio(value), { predecessor: folio(all[index + 1] ?? 'f0') })
    );
    const ended = await mintAll(registry, [...chain, workOf(folio('f0'))], { batchSize: 3 });
    expect(failuresOf(ended)).toEqual([]);
    const { identifiers } = await registry.dump();
    expect(new Set(identifiers.map(row => row[3])).size).toBe(1);
    expect(ended.tally.identifiers).toEqual({ existing: 0, inherited: 3, minted: 1 });
  });

  test('does not have a work wait that fails for another reason too', async () => {
    await using registry = await store.open({ freeCount: 10 });
    const document = successor(1);
    document.data.subjects.push(
      ...workOf(sierra('x'), { subjects: [label('ships')] }).data.subjects
    );
    Object.assign(document.data.subjects[1]?.id ?? {}, {
      predecessorIdentifier: written(label('ships')),
    });
    const ended = await mintAll(registry, [document, workOf(sierra('b9')), predecessor(1)]);
    expect(valuesIn(ended)).toEqual(['b9', 'b1']);
    expect(ended.tally.works).toEqual({ succeeded: 2, failed: 1 });
    expect(ended.tally.errors).toEqual({ PREDECESSOR_NOT_FOUND: 1, PREDECESSOR_CYCLE: 1 });
  });

  test('is waited for by a document of the greatest depth with numbers as they were written', async () => {
    await using registry = await store.open({ freeCount: 10 });
    let data: unknown = { size: JSON.rawJSON('1.0') };
    for (let level = 2; level < 1_000; level += 1) data = [data];
    const ended = await mintAll(registry, [
      { ...successor(1), data },
      ...[workOf(sierra('b8')), predecessor(1), workOf(sierra('b9'))],
    ]);
    expect(failuresOf(ended)).toEqual([]);
    expect(JSON.stringify(ended.target.works.at(-1)?.document)).toContain('{"size":1.0}');
  });
});

describe('works of a batch that share a document', () => {
  const shared = [sierra('b1'), folio('f1'), sierra('b2'), folio('f2')];
  const at = (document: ReturnType<typeof workOf>, time: string) => ({
    ...document,
    state: { ...document.state, sourceModifiedTime: time },
  });
  const [OLD, NEW] = ['2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'];

  test.each<[rule: string, documents: unknown[], written: string]>([
    ['one that is not Deleted', [workOf(sierra('b1')), deleted(folio('f1'))], 'b1'],
    [
      'one that is not Redirected',
      [workOf(sierra('b1'), { type: 'Redirected' }), workOf(folio('f1'))],
      'f1',
    ],
    [
      'one that names the other',
      [at(workOf(folio('f1'), { predecessor: sierra('b1') }), OLD), at(workOf(sierra('b1')), NEW)],
      'f1',
    ],
    ['the newest', [at(workOf(sierra('b1')), NEW), at(workOf(folio('f1')), OLD)], 'b1'],
    ['the later', [workOf(sierra('b1')), workOf(folio('f1'))], 'f1'],
    ['the later of one work that came twice', [workOf(sierra('b1')), workOf(sierra('b1'))], 'b1'],
  ])('%s is written, and the warning names both', async (_rule, documents, winner) => {
    await using registry = await store.open({
      freeCount: 5,
      mappings: shared.map(source => [source, 'a2345678'] as const),
    });
    const ended = await mintAll(registry, [workOf(sierra('b0')), ...documents], { batchSize: 3 });
    expect(valuesIn(ended)).toEqual(['b0', winner]);
    expect(ended.tally.works).toEqual({ succeeded: 3, failed: 0 });
    expect(ended.tally.warnings).toEqual({ SHARED_DOCUMENT_ID: 1 });
    expect(ended.report.ids).toHaveLength(2);
    const [warning] = ended.report.warnings;
    const names = documents.map(document => (document as Minted).state.sourceIdentifier.value);
    const loser = names.find(name => name !== winner) ?? winner;
    expect(warning?.message).toMatch(
      new RegExp(
        `^Work\\[.*/${winner}\\] and Work\\[.*/${loser}\\] share the canonical ID a2345678`
      )
    );
    expect(warning?.details).toEqual({
      canonicalId: 'a2345678',
      written: expect.stringContaining(winner),
      notWritten: expect.stringContaining(loser),
    });
  });

  test('may be more than two: each that stands back is named with the one that is written', async () => {
    await using registry = await store.open({
      mappings: shared.map(source => [source, 'a2345678'] as const),
    });
    const ended = await mintAll(
      registry,
      [
        at(workOf(sierra('b1')), OLD),
        at(workOf(folio('f1')), NEW),
        deleted(sierra('b2')),
        at(workOf(folio('f2'), { predecessor: folio('f1') }), OLD),
      ],
      { batchSize: 4 }
    );
    expect(valuesIn(ended)).toEqual(['f2']);
    const name = (source: string) => `Work[${source}]`;
    expect(
      ended.report.warnings.map(({ details }) => [details['written'], details['notWritten']])
    ).toEqual(
      ['folio-instance/f1', 'sierra-system-number/b1', 'sierra-system-number/b2'].map(lost => [
        ...[name('folio-instance/f2'), name(lost)],
      ])
    );
    expect(ended.tally.works).toEqual({ succeeded: 4, failed: 0 });
  });

  test('in different batches are written one after the other', async () => {
    await using registry = await store.open({
      mappings: shared.map(source => [source, 'a2345678'] as const),
    });
    const ended = await mintAll(registry, [workOf(sierra('b1')), workOf(folio('f1'))], {
      batchSize: 1,
    });
    expect(valuesIn(ended)).toEqual(['b1', 'f1']);
    expect(ended.report.warnings).toEqual([]);
  });
});

describe('a run of several batches at once', () => {
  test('writes in the order of the source', async () => {
    await using registry = await store.open({ freeCount: 100 });
    const works = Array.from({ length: 50 }, (_, n) =>
      workOf(sierra(`b${n}`), { subjects: [label(`tide ${n % 7}`)] })
    );
    const ended = await mintAll(registry, works, { batchSize: 3, concurrency: 4 });
    expect(valuesIn(ended)).toEqual(works.map((_, n) => `b${n}`));
    expect(ended.tally).toMatchObject({
      works: { succeeded: 50, failed: 0 },
      identifiers: { existing: 43, inherited: 0, minted: 57 },
    });
  });

  test('mints works that name a predecessor, and those they name, before the rest of the window', async () => {
    await using registry = await store.open({
      freeCount: 20,
      mappings: [[sierra('b1'), 'a2345678']],
    });
    const ended = await mintAll(
      registry,
      [
        // Cites f1, whose own record comes later and says which ID it inherits.
        workOf(sierra('m1'), { subjects: [folio('f1')] }),
        workOf(folio('f2'), { predecessor: sierra('b2') }),
        workOf(folio('f1'), { predecessor: sierra('b1') }),
        workOf(sierra('b2')),
      ],
      { batchSize: 1, concurrency: 4 }
    );
    expect(valuesIn(ended)).toEqual(['m1', 'f2', 'f1', 'b2']);
    expect(await registry.standing(folio('f1'))).toBe('a2345678');
    expect(await registry.standing(folio('f2'))).toBe(await registry.standing(sierra('b2')));
    expect(ended.tally.warnings).toEqual({});
    expect(ended.tally.identifiers).toEqual({ existing: 1, inherited: 2, minted: 2 });
  });

  test('is ended by the first failure, and waits for the batches beside it', async () => {
    await using registry = await store.open({ freeCount: 100 });
    const fault = new IdMinterError('REGISTRY_UNAVAILABLE', 'Gone.');
    let open = 0;
    const mint: typeof registry.mint = async requests => {
      open += 1;
      try {
        if (requests.some(({ source }) => source.value === 'b2')) throw fault;
        await new Promise(resolve => setTimeout(resolve, 20));
        return await registry.mint(requests);
      } finally {
        open -= 1;
      }
    };
    const works = Array.from({ length: 8 }, (_, n) => workOf(sierra(`b${n}`)));
    const ended = run({ ...registry, mint }, works, { batchSize: 1, concurrency: 4 });
    await expect(ended.ended).rejects.toBe(fault);
    expect(open).toBe(0);
    expect(valuesIn(ended)).toEqual([]);
  });
});

describe('a target that takes two windows at once', () => {
  /** `answer` gives what its nth call of `write` comes to, when that begins and when another has begun. */
  const openTarget = (answer: (nth: number, begun: Promise<void>) => Promise<void>) => {
    const target = new TargetInMemory();
    const write = target.write.bind(target);
    const begun = Array.from({ length: 9 }, () => Promise.withResolvers<void>());
    const calls = { begun: 0, underWay: 0, most: 0 };
    target.write = async works => {
      const nth = calls.begun;
      calls.begun += 1;
      calls.underWay += 1;
      calls.most = Math.max(calls.most, calls.underWay);
      begun[nth]?.resolve();
      try {
        await answer(nth, begun[nth + 1]?.promise ?? Promise.resolve());
        return await write(works);
      } finally {
        calls.underWay -= 1;
      }
    };
    return { calls, target: Object.assign(target, { writesAtOnce: 2 }) };
  };

  test('gets them, and what became of them is told in the order of the source', async () => {
    await using registry = await store.open({ freeCount: 20 });
    // Each window but the last is in the index when the next one has been given.
    const { target, calls } = openTarget(async (nth, next) => {
      if (nth < 2) await next;
    });
    const ended = await mintAll(registry, works(6), { target });
    expect(calls).toEqual({ begun: 3, underWay: 0, most: 2 });
    const ids = await Promise.all(works(6).map((_, at) => registry.standing(sierra(`b${at + 1}`))));
    expect(ended.report.ids).toEqual(ids);
    expect(ended.tally.works).toEqual({ succeeded: 6, failed: 0 });
  });

  test('is waited for where the first of them fails, and what the second wrote is told', async () => {
    await using registry = await store.open({ freeCount: 20 });
    const full = new IdMinterError('TARGET_FAILED', 'The disk is full.');
    const late = Promise.withResolvers<void>();
    const { target, calls } = openTarget(async (nth, next) => {
      if (nth === 1) return await late.promise;
      await next;
      throw full;
    });
    const begun = run(registry, works(6), { target });
    let isOver = false;
    const over = begun.ended.catch((error: unknown) => error).finally(() => (isOver = true));
    await expect.poll(() => calls.underWay).toBe(1);
    expect(isOver).toBe(false);
    late.resolve();
    expect(await over).toBe(full);
    expect(valuesIn(begun)).toEqual(['b3', 'b4']);
    expect(begun.report.ids).toEqual(begun.target.works.map(({ canonicalId }) => canonicalId));
  });
});

describe('a run that ends early', () => {
  test('on its signal ends between two batches, and closes its source', async () => {
    await using registry = await store.open({ freeCount: 20 });
    const controller = new AbortController();
    const target = new TargetInMemory();
    const { write } = target;
    target.write = batch => {
      if (target.works.length === 1) controller.abort();
      return write.call(target, batch);
    };
    const source = sourceOf(
      lines([workOf(folio('f1'), { predecessor: sierra('b9') }), ...works(9)])
    );
    const ended = await mintAll(registry, source, {
      target,
      batchSize: 2,
      signal: controller.signal,
    });
    const done = ended.target.works.length;
    expect(valuesIn(ended)).toEqual(works(done).map((_, n) => `b${n + 1}`));
    expect(done).toBeLessThan(9);
    await expect.poll(() => source.isClosed).toBe(true);
    expect(ended.tally.works).toEqual({ succeeded: done, failed: 0 });
    expect(await registry.standing(sierra('b9'))).toBeUndefined();
  });

  test('on its signal begins no further batch of its window', async () => {
    await using registry = await store.open({
      freeCount: 20,
      mappings: [[sierra('b0'), 'z2345678']],
    });
    const controller = new AbortController();
    const stopping = {
      ...registry,
      mint: async (requests: Parameters<typeof registry.mint>[0]) => {
        controller.abort();
        return await registry.mint(requests);
      },
    };
    const ended = await mintAll(
      stopping,
      [workOf(sierra('b1')), workOf(folio('f1'), { predecessor: sierra('b0') })],
      { batchSize: 1, concurrency: 2, signal: controller.signal }
    );
    // Works that name a predecessor are minted first.
    expect(await registry.standing(folio('f1'))).toBe('z2345678');
    expect(await registry.standing(sierra('b1'))).toBeUndefined();
    expect(valuesIn(ended)).toEqual([]);
    expect(ended.tally.works).toEqual({ succeeded: 0, failed: 0 });
  });

  test('on its signal does not try again those that wait', async () => {
    await using registry = await store.open({ freeCount: 20 });
    const controller = new AbortController();
    const target = new TargetInMemory();
    const { write } = target;
    target.write = batch => {
      if (batch.length > 0) controller.abort();
      return write.call(target, batch);
    };
    const ended = await mintAll(
      registry,
      [workOf(folio('f1'), { predecessor: sierra('b1') }), workOf(sierra('b1'))],
      { target, batchSize: 1, signal: controller.signal }
    );
    expect(valuesIn(ended)).toEqual(['b1']);
    expect(ended.tally.works).toEqual({ succeeded: 1, failed: 0 });
  });

  test('as its source fails has minted and written what came before', async () => {
    await using registry = await store.open({ freeCount: 20 });
    const fault = new IdMinterError('SOURCE_UNREADABLE', 'The pipe burst.');
    const ended = run(registry, sourceOf(lines(works(5)), fault), { batchSize: 2 });
    await expect(ended.ended).rejects.toBe(fault);
    expect(valuesIn(ended)).toEqual(['b1', 'b2', 'b3', 'b4', 'b5']);
    expect(ended.tally.works).toEqual({ succeeded: 5, failed: 0 });
  });

  test('as its registry fails has written the batches before, and closes its source', async () => {
    await using registry = await store.open({ freeCount: 20 });
    const source = sourceOf(lines(works(9)));
    let batches = 0;
    const mint: typeof registry.mint = async requests => {
      batches += 1;
      if (batches === 3) await registry.close();
      return await registry.mint(requests);
    };
    const ended = run({ ...registry, mint }, source, { batchSize: 2 });
    await expect(ended.ended).rejects.toThrow();
    expect(valuesIn(ended)).toEqual(['b1', 'b2', 'b3', 'b4']);
    await expect.poll(() => source.isClosed).toBe(true);
  });

  test('as its target fails says so, and closes its source', async () => {
    await using registry = await store.open({ freeCount: 20 });
    const target = new TargetInMemory();
    const full = new IdMinterError('TARGET_FAILED', 'The disk is full.');
    target.write = () => Promise.reject(full);
    const source = sourceOf(lines(works(15)));
    await expect(run(registry, source, { target }).ended).rejects.toBe(full);
    await expect.poll(() => source.isClosed).toBe(true);
    expect(source.given).toBeLessThanOrEqual(3 * 2 + 1);
  });
});

test.each<[what: string, document: string, error: string]>([
  [
    'an identifier that is a number',
    '{"state":{"sourceIdentifier":%}}',
    'value 1.50 is of type number',
  ],
  ['the same in a deep work', '{"state":{"sourceIdentifier":%},"x":DEEP}', 'is of type number'],
  ['no work, and deep', '[DEEP]', 'is an array'],
])('the text of a work tells of %s', async (_, text, message) => {
  await using registry = await store.open({ freeCount: 1 });
  const number = '{"ontologyType":"Work","identifierType":{"id":"s"},"value":1.50}';
  const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;
  const json = Buffer.from(text.replace('%', number).replace('DEEP', deep));
  const works = [{ place: 'line 1', document: JSON.parse(json.toString()), text: { json } }];
  const { report } = await mintAll(registry, sourceOf(works));
  expect(report.errors).toEqual([
    expect.objectContaining({ detail: expect.stringContaining(message) }),
  ]);
});
