import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SourceIdentifier } from '../../src/domain/source-identifier.ts';
import { formatSourceIdentifier } from '../../src/domain/source-identifier.ts';
import type { ExtractedWork } from '../../src/domain/work-document.ts';
import {
  DEPTH_MAX,
  embedCanonicalIds,
  extractWork,
  isDeeperThan,
  prevails,
} from '../../src/domain/work-document.ts';
import { folio, id, sierra, someIds } from '../support/identifiers.ts';

/** A source identifier as documents write it. */
const written = (value: string, ontologyType = 'Item', system = 'folio-item') => ({
  ontologyType,
  identifierType: { id: system },
  value,
});

const ROOT = written('b1', 'Work', 'sierra-system-number');

/** The least that is a work, with this in its data. */
const workWith = (data: unknown, state: object = {}) => ({
  type: 'Visible',
  data,
  state: { sourceIdentifier: ROOT, ...state },
});

function extract(document: unknown): ExtractedWork {
  const extracted = extractWork(frozen(document));
  if ('error' in extracted) throw extracted.error;
  return extracted;
}

/** What stands in the place of `node` once the work is minted, under the ID a2345678. */
function mintedNode(node: unknown): unknown {
  const document = workWith({ node });
  const { requests } = extract(document);
  const ids = requests.map((_, index) => id(index === 0 ? 'a2345678' : 'zzzzzzzz'));
  return (embedCanonicalIds(document, ids) as typeof document).data;
}

function namesIn({ requests }: ExtractedWork): string[] {
  return requests.map(({ source, predecessor }) =>
    [source, ...(predecessor ? [predecessor] : [])].map(formatSourceIdentifier).join(' ← ')
  );
}

/** The same value, of which nothing can be changed any more. */
function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const child of Object.values(value)) frozen(child);
    Object.freeze(value);
  }
  return value;
}

describe('a node that got its canonical ID', () => {
  const sourceIdentifier = written('i1');
  const otherIdentifiers = [written('i1-barcode')];

  test.each<[why: string, before: object, after: object]>([
    [
      'is what identifiedType says, which goes',
      { type: 'Identifiable', identifiedType: 'Identified', sourceIdentifier, otherIdentifiers },
      { type: 'Identified', sourceIdentifier, otherIdentifiers, canonicalId: 'a2345678' },
    ],
    [
      'gets a type where it had none, as Scala writes them',
      { identifiedType: 'Identified', sourceIdentifier },
      { type: 'Identified', sourceIdentifier, canonicalId: 'a2345678' },
    ],
    [
      'is what identifiedType says, whatever its type was',
      { type: 'Unidentifiable', identifiedType: 'Named', sourceIdentifier },
      { type: 'Named', sourceIdentifier, canonicalId: 'a2345678' },
    ],
    [
      'is what identifiedType says, though that is empty',
      { type: 'Identifiable', identifiedType: '', sourceIdentifier },
      { type: '', sourceIdentifier, canonicalId: 'a2345678' },
    ],
    [
      'is Identified where it was Identifiable and nothing else is said',
      { type: 'Identifiable', sourceIdentifier },
      { type: 'Identified', sourceIdentifier, canonicalId: 'a2345678' },
    ],
    [
      'keeps an identifiedType that is null',
      { type: 'Identifiable', identifiedType: null, sourceIdentifier },
      { type: 'Identified', identifiedType: null, sourceIdentifier, canonicalId: 'a2345678' },
    ],
    [
      'stays Unidentifiable',
      { type: 'Unidentifiable', sourceIdentifier },
      { type: 'Unidentifiable', sourceIdentifier, canonicalId: 'a2345678' },
    ],
    [
      'has no type where it had none',
      { sourceIdentifier },
      { sourceIdentifier, canonicalId: 'a2345678' },
    ],
    [
      'is not null any more',
      { sourceIdentifier, canonicalId: null },
      { sourceIdentifier, canonicalId: 'a2345678' },
    ],
    [
      'has no older ID',
      { type: 'Identified', sourceIdentifier, canonicalId: 'b2345678' },
      { type: 'Identified', sourceIdentifier, canonicalId: 'a2345678' },
    ],
    [
      'keeps its predecessor',
      { sourceIdentifier, predecessorIdentifier: written('i0') },
      { sourceIdentifier, predecessorIdentifier: written('i0'), canonicalId: 'a2345678' },
    ],
  ])('%s', (_why, before, after) => {
    expect(mintedNode(before)).toEqual({ node: after });
  });

  test('keeps the order of its members, and has the new ones last', () => {
    const { node } = mintedNode({
      type: 'Identifiable',
      identifiedType: 'Identified',
      sourceIdentifier,
      label: 'x',
    }) as { node: object };
    expect(Object.keys(node)).toEqual(['type', 'sourceIdentifier', 'label', 'canonicalId']);
  });
});

describe('finding what needs an ID', () => {
  const at = (value: string) => ({ id: { sourceIdentifier: written(value) } });

  test('finds a node wherever it stands: parent before child, arrays in order', () => {
    const document = {
      redirectTarget: { sourceIdentifier: written('target') },
      data: {
        contributors: [{ ...at('c1'), agent: at('a1') }, { agent: at('a2') }],
        subjects: [{ ...at('s1'), concepts: [at('s1c1'), at('s1c2')] }],
        genres: [{ concepts: [at('g1c1')] }],
        production: [
          { places: [at('p1')], agents: [at('p2')], dates: [at('p3')], function: at('p4') },
        ],
        createdDate: at('d1'),
        items: [at('i1'), { id: { type: 'Unidentifiable' } }, at('i2')],
        imageData: [at('m1')],
      },
      state: {
        mergeCandidates: [at('mc1')],
        sourceIdentifier: ROOT,
        internalWorkStubs: [
          { workData: { items: [at('stub-item')] }, sourceIdentifier: written('stub') },
        ],
        removedInternalWorkStubs: [{ sourceIdentifier: written('gone') }],
        relations: { ancestors: [{ id: null }] },
      },
      redirectSources: [{ sourceIdentifier: written('r1') }, { sourceIdentifier: written('r2') }],
    };
    const extracted = extract(document);

    expect(extracted.requests.map(({ source }) => source.value)).toEqual([
      ...['target', 'c1', 'a1', 'a2', 's1', 's1c1', 's1c2', 'g1c1', 'p1', 'p2', 'p3', 'p4', 'd1'],
      ...['i1', 'i2', 'm1', 'b1', 'mc1', 'stub', 'stub-item', 'gone', 'r1', 'r2'],
    ]);
    expect(extracted.root).toEqual(sierra('b1'));
    expect(extracted.requests[extracted.rootIndex]?.source).toEqual(sierra('b1'));
  });

  test('asks once a node, not once an identifier', () => {
    expect(namesIn(extract(workWith([at('i1'), at('i1')])))).toEqual([
      'Item[folio-item/i1]',
      'Item[folio-item/i1]',
      'Work[sierra-system-number/b1]',
    ]);
  });

  test('keeps the type that the document gives: folding is the registry’s', () => {
    const agent = { sourceIdentifier: written('thorne', 'Person', 'label-derived') };
    expect(namesIn(extract(workWith(agent)))[0]).toBe('Person[label-derived/thorne]');
  });

  test('finds nodes inside other source identifiers', () => {
    const inner = { ...written('inner'), sourceIdentifier: written('innermost') };
    const document = workWith({ id: { sourceIdentifier: { ...inner, value: 'outer' } } });
    const { requests } = extract(document);
    expect(requests.map(({ source }) => source.value)).toEqual(['outer', 'innermost', 'b1']);

    const ids = someIds(3);
    const minted = embedCanonicalIds(document, ids) as typeof document;
    expect((minted.data as { id: unknown }).id).toEqual({
      sourceIdentifier: { ...inner, value: 'outer', canonicalId: ids[1] },
      canonicalId: ids[0],
    });
  });

  test('passes otherIdentifiers over', () => {
    const data = { otherIdentifiers: [written('x')], item: { otherIdentifiers: [written('y')] } };
    const document = workWith(data);
    expect(namesIn(extract(document))).toEqual(['Work[sierra-system-number/b1]']);
    expect(embedCanonicalIds(document, someIds(1))).toMatchObject({ data });
  });

  test('reads the predecessor beside the source identifier; null means none', () => {
    const document = workWith(
      [
        { sourceIdentifier: written('i1'), predecessorIdentifier: written('i0') },
        { sourceIdentifier: written('i2'), predecessorIdentifier: null },
        { predecessorIdentifier: written('of nobody') },
      ],
      { predecessorIdentifier: written('b0', 'Work', 'calm-record-id') }
    );
    expect(namesIn(extract(document))).toEqual([
      'Item[folio-item/i1] ← Item[folio-item/i0]',
      'Item[folio-item/i2]',
      'Work[sierra-system-number/b1] ← Work[calm-record-id/b0]',
    ]);
  });

  test('takes every type of work, also one without data', () => {
    for (const type of ['Visible', 'Invisible', 'Deleted', 'Redirected', 'Novel', undefined]) {
      const { requests } = extract({ type, state: { sourceIdentifier: ROOT } });
      expect(requests).toEqual([{ source: sierra('b1') }]);
    }
  });
});

describe('a document that cannot be minted', () => {
  const sound = written('i1');

  test.each<[why: string, document: unknown, told: string]>([
    ['null', null, 'is null, not an object'],
    ['an array', [], 'is an array, not an object'],
    ['a text', 'Work[a/b]', 'is a string, not an object'],
    ['a number kept as it was written', JSON.rawJSON('1.0'), 'not an object'],
    ['without state', { data: {} }, 'no `state` object'],
    ['with state null', { state: null }, 'no `state` object'],
    ['with a state that is an array', { state: [ROOT] }, 'no `state` object'],
    ['with an empty state', { state: {} }, 'no `state.sourceIdentifier` object'],
    ['with a root that is null', { state: { sourceIdentifier: null } }, 'no `state.sourceIdent'],
    ['with a root that is a text', { state: { sourceIdentifier: 'b1' } }, 'no `state.sourceIdent'],
  ])('is no work: %s', (_why, document, told) => {
    const fault = extractWork(document);
    expect(fault).toMatchObject({ stage: 'extract_id', error: { code: 'INVALID_WORK' } });
    expect(fault).toHaveProperty('error.message', expect.stringContaining(told));
    expect(fault).toHaveProperty('error.message', expect.stringContaining('It was not written.'));
    expect(fault.root).toBeUndefined();
  });

  test.each<[why: string, root: unknown, part: string, told: string]>([
    ['empty', {}, 'ontologyType', 'is missing'],
    ['without a value', { ...ROOT, value: undefined }, 'value', 'is missing'],
    ['with a value null', { ...ROOT, value: null }, 'value', 'is missing'],
    ['with a number', { ...ROOT, value: 12 }, 'value', '12 is of type number'],
    [
      'with a number as written',
      { ...ROOT, value: JSON.rawJSON('1.0') },
      'value',
      '1.0 is of type number',
    ],
    ['with a list', { ...ROOT, value: ['b1'] }, 'value', '[…] is of type object'],
    ['without a system', { ...ROOT, identifierType: null }, 'sourceSystem', 'is missing'],
    [
      'with a system that is a text',
      { ...ROOT, identifierType: 'mets' },
      'sourceSystem',
      'is missing',
    ],
    ['with an empty type', { ...ROOT, ontologyType: '' }, 'ontologyType', 'is empty'],
  ])('has a root that is malformed: %s', (_why, sourceIdentifier, part, told) => {
    const fault = extractWork({ state: { sourceIdentifier } });
    expect(fault).toMatchObject({
      stage: 'extract_id',
      error: { code: 'INVALID_IDENTIFIER', details: { part } },
    });
    expect(fault).toHaveProperty(
      'error.message',
      expect.stringContaining('source identifier at state.sourceIdentifier')
    );
    expect(fault).toHaveProperty('error.message', expect.stringContaining(told));
  });

  test.each<[why: string, node: object, told: string]>([
    ['null', { sourceIdentifier: null }, 'source identifier at data.items.1.id is invalid'],
    ['a text', { sourceIdentifier: 'i1' }, 'as a whole "i1" is not an object'],
    [
      'without its system',
      { sourceIdentifier: { ...sound, identifierType: null } },
      'sourceSystem',
    ],
    [
      'without its type',
      { sourceIdentifier: { identifierType: { id: 'x' }, value: 'y' } },
      'ontologyType',
    ],
    ['without a value', { sourceIdentifier: { ...sound, value: null } }, 'value is missing'],
    ['with a number as value', { sourceIdentifier: { ...sound, value: 7 } }, 'value 7 is of type'],
    [
      'with a value that is too long',
      { sourceIdentifier: { ...sound, value: 'x'.repeat(256) } },
      'has 256 characters',
    ],
    [
      'with a predecessor that is malformed',
      { sourceIdentifier: sound, predecessorIdentifier: { ...sound, value: 7 } },
      'predecessor at data.items.1.id is invalid',
    ],
    [
      'with a predecessor that is no object',
      { sourceIdentifier: sound, predecessorIdentifier: 'i0' },
      'predecessor at data.items.1.id is invalid',
    ],
  ])('has a node that is malformed: %s', (_why, node, told) => {
    const fault = extractWork(
      workWith({ items: [{ id: { sourceIdentifier: sound } }, { id: node }] })
    );
    expect(fault).toMatchObject({
      stage: 'embed',
      error: { code: 'INVALID_IDENTIFIER' },
      root: sierra('b1'),
    });
    expect(fault).toHaveProperty('error.message', expect.stringContaining(told));
  });

  test('has a node at its very top that is malformed', () => {
    const fault = extractWork({ ...workWith({}), sourceIdentifier: null });
    expect(fault).toHaveProperty(
      'error.message',
      expect.stringContaining('source identifier at the top of the document')
    );
  });

  test('names its own predecessor, where that is malformed', () => {
    const fault = extractWork(workWith({}, { predecessorIdentifier: {} }));
    expect(fault).toMatchObject({ stage: 'embed', root: sierra('b1') });
    expect(fault).toHaveProperty('error.message', expect.stringContaining('predecessor at state'));
  });
});

describe('a document that is nested deep', () => {
  /** Objects in one another, `levels` of them in all with `core` as the last. */
  const nested = (levels: number, core: unknown) => {
    let value = core;
    for (let level = 1; level < levels; level += 1) value = { in: value };
    return value;
  };
  // The document and its `data` are two levels.
  const deepWork = (levels: number, core: unknown = {}) => workWith(nested(levels - 1, core));

  test(`is minted at ${DEPTH_MAX} levels, and numbers are none`, () => {
    const node = { sourceIdentifier: written('deep') };
    // The identifier type lies two levels below its node.
    const document = deepWork(DEPTH_MAX - 2, { ...node, count: 1, size: JSON.rawJSON('1.0') });
    const { requests } = extract(document);
    expect(requests.map(({ source }) => source.value)).toEqual(['deep', 'b1']);
    expect(JSON.stringify(embedCanonicalIds(document, someIds(2)))).toContain(
      '"count":1,"size":1.0,"canonicalId":"aaaaaaaa"'
    );
    const atTheLimit = deepWork(DEPTH_MAX, { size: JSON.rawJSON('1.0') });
    expect(extract(atTheLimit).requests).toHaveLength(1);
  });

  test.each([DEPTH_MAX + 1, 50_000])('is refused at %i levels, by its name', levels => {
    expect(extractWork(deepWork(levels))).toMatchObject({
      stage: 'read',
      error: { code: 'TOO_DEEP', details: { levels: DEPTH_MAX } },
      root: sierra('b1'),
    });
  });

  test('is refused, not quoted, where an identifier is the deep part', () => {
    const deep = nested(50_000, {});
    for (const document of [
      { state: { sourceIdentifier: { ...ROOT, value: deep } } },
      { state: { sourceIdentifier: deep } },
      workWith({ id: { sourceIdentifier: deep } }),
      workWith({ id: { sourceIdentifier: written('i1'), predecessorIdentifier: { value: deep } } }),
      workWith({ id: { sourceIdentifier: { ...written('i1'), ontologyType: [deep] } } }),
    ]) {
      expect(extractWork(document)).toHaveProperty('error.code', expect.any(String));
    }
  });

  test('is measured without a stack', () => {
    expect(isDeeperThan(3, { a: [1, {}] })).toBe(false);
    expect(isDeeperThan(2, { a: [1, {}] })).toBe(true);
    expect(isDeeperThan(1, { a: 1, b: JSON.rawJSON('1.0') })).toBe(false);
    expect(isDeeperThan(49_999, nested(50_000, {}))).toBe(true);
    expect(isDeeperThan(50_000, nested(50_000, {}))).toBe(false);
  });
});

describe('the minted work', () => {
  test('shares with its original what holds no node', () => {
    const document = frozen(
      workWith({
        title: 'x',
        notes: [{ text: 'y' }],
        items: [{ id: { type: 'Unidentifiable' } }, { id: { sourceIdentifier: written('i1') } }],
      })
    );
    const minted = embedCanonicalIds(document, someIds(2)) as typeof document;
    const { data } = document as { data: { notes: object; items: object[] } };
    const mintedData = minted.data as typeof data;
    expect(minted).not.toBe(document);
    expect(mintedData.notes).toBe(data.notes);
    expect(mintedData.items).not.toBe(data.items);
    expect(mintedData.items[0]).toBe(data.items[0]);
    expect(minted.state.sourceIdentifier).toBe(document.state.sourceIdentifier);
  });

  test('keeps members with the names that JavaScript has for itself', () => {
    const text =
      '{"__proto__":{"id":{"sourceIdentifier":{"ontologyType":"Item","identifierType":{"id":"a"},"value":"b"}}},' +
      '"constructor":{"x":1},"hasOwnProperty":false,' +
      '"state":{"__proto__":{"type":"Identifiable"},"sourceIdentifier":{"ontologyType":"Work","identifierType":' +
      '{"id":"mets"},"value":"1"}}}';
    const document: unknown = JSON.parse(text);
    expect(namesIn(extract(document))).toEqual(['Item[a/b]', 'Work[mets/1]']);
    const minted = JSON.stringify(embedCanonicalIds(document, someIds(2)));
    expect(minted).toBe(
      text
        .replace('"value":"b"}', '"value":"b"},"canonicalId":"aaaaaaaa"')
        .replace('"value":"1"}', '"value":"1"},"canonicalId":"aaaaaaab"')
    );
    expect(Object.prototype).not.toHaveProperty('id');
  });

  test('holds numbers as they were written', () => {
    const document = workWith({ size: JSON.rawJSON('1.0'), in: [JSON.rawJSON('1e400')] });
    expect(extract(document).requests).toHaveLength(1);
    expect(JSON.stringify(embedCanonicalIds(document, someIds(1)))).toContain(
      '"data":{"size":1.0,"in":[1e400]}'
    );
  });

  test('is the original where there are no IDs to embed, and a node without one is left alone', () => {
    const document = frozen(workWith({ id: { sourceIdentifier: written('i1') } }));
    expect(embedCanonicalIds(document, [])).toBe(document);
    expect(embedCanonicalIds(document, someIds(1))).toHaveProperty('state', document.state);
  });
});

describe('any document', () => {
  const names = fc.constantFrom('i1', 'i2', '', 'Ü', 'x y');
  const sourceIdentifier = names.map(value => written(value));
  const { tree } = fc.letrec<{ tree: unknown; node: unknown; plain: unknown; list: unknown }>(
    tie => ({
      tree: fc.oneof(
        { maxDepth: 6, withCrossShrink: true },
        fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null)),
        tie('plain'),
        tie('list'),
        tie('node')
      ),
      list: fc.array(tie('tree'), { maxLength: 4 }),
      plain: fc.dictionary(
        fc.constantFrom(
          'a',
          'b',
          'type',
          'id',
          'canonicalId',
          'otherIdentifiers',
          'constructor',
          ''
        ),
        tie('tree'),
        { maxKeys: 4 }
      ),
      node: fc.record(
        {
          before: tie('tree'),
          sourceIdentifier,
          predecessorIdentifier: fc.option(sourceIdentifier),
          type: fc.constantFrom('Identifiable', 'Unidentifiable', 'Identified'),
          identifiedType: fc.constantFrom('Identified', 'Named', null),
          canonicalId: fc.constantFrom('zzzzzzzz', null),
          id: tie('tree'),
        },
        { requiredKeys: ['sourceIdentifier'] }
      ),
    })
  );
  const documents = fc.record({
    before: tree,
    state: fc.constant({ sourceIdentifier: ROOT }),
    data: tree,
  });

  test('gets every node its ID and changes nothing else', () => {
    fc.assert(
      fc.property(documents, document => {
        const { requests, rootIndex } = extract(document);
        const ids = someIds(requests.length);
        const minted = embedCanonicalIds(frozen(document), ids);
        const met: Met[] = [];
        expectSameButForNodes(document, minted, met);
        expect(met.map(({ canonicalId }) => canonicalId)).toEqual(ids);
        expect(met.map(({ value }) => value)).toEqual(requests.map(({ source }) => source.value));
        expect(met[rootIndex]?.value).toBe('b1');
        expect(namesIn(extract(minted))).toEqual(namesIn(extract(document)));
        expect(embedCanonicalIds(minted, ids)).toEqual(minted);
      }),
      { numRuns: 300 }
    );
  });

  interface Met {
    readonly value: string;
    readonly canonicalId: unknown;
  }

  /** Walks both side by side and writes down the nodes that it meets. */
  function expectSameButForNodes(before: unknown, after: unknown, met: Met[]): void {
    if (typeof before !== 'object' || before === null) {
      expect(after).toBe(before);
      return;
    }
    const [a, b] = [before, after] as Record<string, unknown>[];
    if (!a || !b) throw new Error('Two objects were expected.');
    expect(Array.isArray(b)).toBe(Array.isArray(a));
    const metBefore = met.length;
    const changing = new Set<string>();
    if (Object.hasOwn(a, 'sourceIdentifier')) {
      for (const key of ['canonicalId', 'type', 'identifiedType']) changing.add(key);
      met.push({
        value: (a['sourceIdentifier'] as { value: string }).value,
        canonicalId: b['canonicalId'],
      });
      const { identifiedType, type } = a;
      const promoted = type === 'Identifiable' ? 'Identified' : type;
      expect(b['type']).toBe(typeof identifiedType === 'string' ? identifiedType : promoted);
      expect(Object.hasOwn(b, 'identifiedType')).toBe(identifiedType === null);
    }
    const unchanging = (keys: string[]) => keys.filter(key => !changing.has(key));
    expect(unchanging(Object.keys(b))).toEqual(unchanging(Object.keys(a)));
    for (const key of unchanging(Object.keys(a))) expectSameButForNodes(a[key], b[key], met);
    if (met.length === metBefore) expect(after).toBe(before);
  }
});

describe('of two works with one canonical ID', () => {
  interface Told {
    readonly type?: string;
    readonly names?: SourceIdentifier;
    readonly time?: unknown;
  }
  const work = (root: SourceIdentifier, { type = 'Visible', names, time }: Told) => ({
    root,
    document: {
      type,
      state: {
        sourceIdentifier: written(root.value, root.ontologyType, root.sourceSystem),
        ...(names && {
          predecessorIdentifier: written(names.value, names.ontologyType, names.sourceSystem),
        }),
        ...(time !== undefined && { sourceModifiedTime: time }),
      },
    },
  });
  const [earlierRoot, laterRoot] = [sierra('b1'), folio('f1')];
  const OLD = '2026-01-01T00:00:00Z';
  const NEW = '2026-01-02T00:00:00Z';

  test.each<[why: string, earlier: Told, later: Told, winner: 'earlier' | 'later']>([
    ['the later one, where nothing else is told', {}, {}, 'later'],
    ['the later one, where both are as old', { time: OLD }, { time: OLD }, 'later'],
    ['the newer one', { time: NEW }, { time: OLD }, 'earlier'],
    [
      'the newer one, though written in another zone',
      { time: '2026-01-01T23:30:00-01:00' },
      { time: NEW },
      'earlier',
    ],
    ['one that tells its time', { time: OLD }, {}, 'earlier'],
    ['one that tells its time, if it is the later', {}, { time: OLD }, 'later'],
    ['one whose time can be read', { time: OLD }, { time: 'yesterday' }, 'earlier'],
    ['the later one, where neither time can be read', { time: 'today' }, { time: 7 }, 'later'],
    [
      'one that names the other, though it is older',
      { names: laterRoot, time: OLD },
      { time: NEW },
      'earlier',
    ],
    [
      'one that names the other, if it is the later',
      { time: NEW },
      { names: earlierRoot, time: OLD },
      'later',
    ],
    [
      'the newer one, where each names the other',
      { names: laterRoot, time: NEW },
      { names: earlierRoot, time: OLD },
      'earlier',
    ],
    [
      'the newer one, where a third is named',
      { names: sierra('b3'), time: OLD },
      { time: NEW },
      'later',
    ],
    ['one that is not Deleted', {}, { type: 'Deleted', names: earlierRoot, time: NEW }, 'earlier'],
    [
      'one that is not Redirected',
      { type: 'Redirected', names: laterRoot, time: NEW },
      { time: OLD },
      'later',
    ],
    [
      'an Invisible one before a Deleted',
      { type: 'Invisible' },
      { type: 'Deleted', time: NEW },
      'earlier',
    ],
    [
      'the newer one, where both are gone',
      { type: 'Deleted', time: NEW },
      { type: 'Redirected', time: OLD },
      'earlier',
    ],
    [
      'one that names the other, where both are gone',
      { type: 'Deleted', names: laterRoot },
      { type: 'Deleted', time: NEW },
      'earlier',
    ],
  ])('%s is written', (_why, earlier, later, winner) => {
    const laterWins = prevails(work(laterRoot, later), work(earlierRoot, earlier));
    expect(laterWins ? 'later' : 'earlier').toBe(winner);
  });

  test('a predecessor of another type, system or spelling is another', () => {
    for (const names of [
      { ...earlierRoot, ontologyType: 'Item' },
      { ...earlierRoot, sourceSystem: 'sierra' },
      { ...earlierRoot, value: 'B1' },
    ]) {
      expect(
        prevails(work(laterRoot, { names, time: OLD }), work(earlierRoot, { time: NEW }))
      ).toBe(false);
    }
  });

  test('a predecessor that is null is none', () => {
    const later = work(laterRoot, { time: OLD });
    const document = {
      ...later.document,
      state: { ...later.document.state, predecessorIdentifier: null },
    };
    expect(prevails({ ...later, document }, work(earlierRoot, { time: NEW }))).toBe(false);
  });
});

test('a fault of our own is not taken for a fault of the work', () => {
  const broken = (key: string) =>
    Object.defineProperty({ ...ROOT }, key, {
      enumerable: true,
      get: () => {
        throw new TypeError('planted');
      },
    });
  const reading = { state: { sourceIdentifier: broken('value') } };
  const walking = { state: { sourceIdentifier: ROOT }, data: broken('planted') };
  for (const document of [reading, walking]) {
    expect(() => extractWork(document)).toThrowError(TypeError);
  }
});
