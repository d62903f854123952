import { describe, expect, test } from 'vitest';
import type { CanonicalId } from '../../src/domain/canonical-id.ts';
import { IdMinterError } from '../../src/domain/errors.ts';
import type { Batch, Plan, Settled } from '../../src/domain/mint-plan.ts';
import { answerKnown, planBatch, prepareBatch, settleBatch } from '../../src/domain/mint-plan.ts';
import type { MintRequest, StoredMapping } from '../../src/domain/registry.ts';
import type { SourceIdentifier } from '../../src/domain/source-identifier.ts';
import {
  DEFAULT_CONCEPT_TYPES,
  foldConcept,
  formatSourceIdentifier,
} from '../../src/domain/source-identifier.ts';
import { folio, heading, id, image, label, sierra } from '../support/identifiers.ts';

const rules = { conceptTypes: new Set(DEFAULT_CONCEPT_TYPES), canStore: () => true };
const fold = (source: SourceIdentifier) => foldConcept(source, rules.conceptTypes);

type Held = readonly (readonly [
  asked: SourceIdentifier,
  canonicalId: string,
  stored?: SourceIdentifier,
])[];

/** What a registry that holds so much answers to a batch, by place. */
function answersTo(batch: Batch, held: Held): (StoredMapping | undefined)[] {
  const answers: (StoredMapping | undefined)[] = batch.asked.map(() => undefined);
  for (const [asked, canonicalId, stored = asked] of held) {
    answers[placeOf(batch, asked)] = { source: fold(stored), canonicalId: id(canonicalId) };
  }
  return answers;
}

function placeOf(batch: Batch, source: SourceIdentifier): number {
  const place = batch.placeOf(fold(source));
  if (place === undefined) throw new Error(`The batch asks for no ${source.value}.`);
  return place;
}

function plan(requests: readonly MintRequest[], held: Held = []): Plan {
  const batch = prepareBatch(requests, rules);
  return planBatch(batch, answersTo(batch, held));
}

/** How the plan ends or goes about each source, in its text form. */
function decisions(batch: Batch, { settled, layers }: Plan): Record<string, string> {
  const told: Record<string, string> = {};
  for (const [place, source] of batch.asked.entries()) {
    if (batch.positions[place] === undefined) continue;
    const end = settled.get(place);
    const name = formatSourceIdentifier(source);
    if (end instanceof IdMinterError) told[name] = end.code;
    else if (end !== undefined) told[name] = `${end.outcome} ${end.canonicalId}`;
    for (const [depth, layer] of layers.entries()) {
      const from = layer.find(entry => entry.place === place)?.from;
      if (from === undefined) continue;
      const how =
        from === 'pool'
          ? 'pool'
          : 'inherit' in from
            ? `inherit ${from.inherit}`
            : 'inherit from batch';
      told[name] = `${how}, layer ${depth}`;
    }
  }
  return told;
}

function decide(requests: readonly MintRequest[], held: Held = []): Record<string, string> {
  const batch = prepareBatch(requests, rules);
  return decisions(batch, planBatch(batch, answersTo(batch, held)));
}

describe('a batch of which all is known', () => {
  const held = (source: SourceIdentifier) => ({
    source: fold(source),
    canonicalId: id('a2345678'),
  });
  /** As a store tells a mapping whose spelling is the one that was asked for. */
  const told = (requests: readonly MintRequest[], isKnown = true) => {
    const batch = prepareBatch(requests, rules);
    const stored = batch.asked.map(source =>
      isKnown ? { source, canonicalId: id('a2345678') } : undefined
    );
    return answerKnown(batch, stored);
  };

  test('is answered in the order of the requests, the refused ones among them', () => {
    const bad = { source: { ...sierra('b0'), ontologyType: '' } };
    const requests = [{ source: sierra('b1') }, bad, { source: sierra('b1') }];
    const known = { source: sierra('b1'), canonicalId: 'a2345678', outcome: 'existing' };
    expect(told(requests)).toEqual([
      known,
      { source: bad.source, error: expect.objectContaining({ code: 'INVALID_IDENTIFIER' }) },
      known,
    ]);
  });

  test('is not one with a predecessor, an unknown source or another spelling', () => {
    expect(told([{ source: sierra('b1'), predecessor: sierra('b2') }])).toBeUndefined();
    expect(told([{ source: sierra('b1') }], false)).toBeUndefined();
    const batch = prepareBatch([{ source: sierra('b1') }], rules);
    expect(answerKnown(batch, [held(sierra('B1'))])).toBeUndefined();
  });

  test('finds each source at its place, whether it was first named as a predecessor or not', () => {
    const batch = prepareBatch(
      [
        { source: folio('f1'), predecessor: sierra('b1') },
        { source: sierra('b1') },
        { source: folio('f2'), predecessor: sierra('b1') },
        { source: sierra('b2') },
      ],
      rules
    );
    expect(batch.asked).toEqual([folio('f1'), sierra('b1'), folio('f2'), sierra('b2')]);
    expect(batch.places).toEqual([0, 1, 2, 3]);
  });
});

describe('preparing a batch', () => {
  test('asks for every source and predecessor once', () => {
    const { asked } = prepareBatch(
      [
        { source: sierra('b2') },
        { source: folio('f1'), predecessor: sierra('b2') },
        { source: sierra('b2') },
        { source: image('V1'), predecessor: sierra('b1') },
      ],
      rules
    );
    expect([...asked.values()]).toEqual([sierra('b2'), folio('f1'), image('V1'), sierra('b1')]);
  });

  test('folds sources and predecessors alike', () => {
    const { asked } = prepareBatch(
      [{ source: heading('Person', 'n1'), predecessor: heading('Agent', 'n2') }],
      rules
    );
    expect([...asked.values()]).toEqual([heading('Concept', 'n1'), heading('Concept', 'n2')]);
  });

  test('keeps a request that cannot be out of the question to the registry, and only that', () => {
    const batch = prepareBatch(
      [
        { source: { ...sierra('b1'), ontologyType: '' } },
        { source: sierra('b2'), predecessor: { ...sierra('b1'), sourceSystem: 'a/b' } },
        { source: sierra('b3') },
      ],
      rules
    );
    expect([...batch.asked.values()]).toEqual([sierra('b3')]);
    const answers = settleBatch(
      batch,
      new Map([[0, { canonicalId: id('a2345678'), outcome: 'minted' }]]),
      []
    );
    expect(answers.map(({ error, canonicalId }) => error?.code ?? canonicalId)).toEqual([
      'INVALID_IDENTIFIER',
      'INVALID_IDENTIFIER',
      'a2345678',
    ]);
    expect(answers[1]?.error?.message).toContain('The predecessor is invalid');
  });

  test('refuses what the registry cannot store, as a source and as a predecessor', () => {
    const canStore = (text: string) => text !== 'ħ';
    const { places } = prepareBatch(
      [{ source: sierra('ħ') }, { source: sierra('b1'), predecessor: folio('ħ') }],
      { ...rules, canStore }
    );
    expect(places).toMatchObject([{ code: 'INVALID_IDENTIFIER' }, { code: 'INVALID_IDENTIFIER' }]);
  });

  test('takes a fault of the rules themselves for no fault of the request', () => {
    const canStore = () => {
      throw new TypeError('planted');
    };
    expect(() => prepareBatch([{ source: sierra('b1') }], { ...rules, canStore })).toThrowError(
      TypeError
    );
  });
});

describe('planning a batch', () => {
  const b1 = sierra('b1');
  const f1 = folio('f1');

  test('takes an ID from the pool for each new source without predecessor, and counts them', () => {
    expect(plan([{ source: b1 }, { source: f1 }, { source: b1 }]).needed).toBe(2);
    expect(decide([{ source: b1 }, { source: f1, predecessor: null }])).toEqual({
      'Work[sierra-system-number/b1]': 'pool, layer 0',
      'Work[folio-instance/f1]': 'pool, layer 0',
    });
  });

  test('needs nothing for what the registry holds', () => {
    const planned = plan([{ source: b1 }], [[b1, 'a2345678']]);
    expect(planned).toMatchObject({ layers: [], needed: 0 });
    expect(decide([{ source: b1 }], [[b1, 'a2345678']])).toEqual({
      'Work[sierra-system-number/b1]': 'existing a2345678',
    });
  });

  test.each<[string, MintRequest[], Held, Record<string, string>]>([
    [
      'inherits what the registry holds for the predecessor',
      [{ source: f1, predecessor: b1 }],
      [[b1, 'a2345678']],
      { 'Work[folio-instance/f1]': 'inherit a2345678, layer 0' },
    ],
    [
      'settles a predecessor of the batch first, though it comes last',
      [{ source: f1, predecessor: b1 }, { source: b1 }],
      [],
      {
        'Work[folio-instance/f1]': 'inherit from batch, layer 1',
        'Work[sierra-system-number/b1]': 'pool, layer 0',
      },
    ],
    [
      'goes down chains',
      [
        { source: folio('f3'), predecessor: folio('f2') },
        { source: folio('f2'), predecessor: f1 },
        { source: f1, predecessor: b1 },
        { source: b1 },
      ],
      [],
      {
        'Work[folio-instance/f3]': 'inherit from batch, layer 3',
        'Work[folio-instance/f2]': 'inherit from batch, layer 2',
        'Work[folio-instance/f1]': 'inherit from batch, layer 1',
        'Work[sierra-system-number/b1]': 'pool, layer 0',
      },
    ],
    [
      'lets several inherit from one, across types',
      [
        { source: f1, predecessor: b1 },
        { source: image('V1'), predecessor: b1 },
      ],
      [[b1, 'a2345678']],
      {
        'Work[folio-instance/f1]': 'inherit a2345678, layer 0',
        'Image[miro-image-number/V1]': 'inherit a2345678, layer 0',
      },
    ],
    [
      'takes a predecessor that is named once and left out elsewhere',
      [{ source: f1 }, { source: f1, predecessor: b1 }, { source: f1, predecessor: null }],
      [[b1, 'a2345678']],
      { 'Work[folio-instance/f1]': 'inherit a2345678, layer 0' },
    ],
    [
      'refuses two predecessors for a new source',
      [
        { source: f1, predecessor: b1 },
        { source: f1, predecessor: sierra('b2') },
      ],
      [
        [b1, 'a2345678'],
        [sierra('b2'), 'b2345678'],
      ],
      { 'Work[folio-instance/f1]': 'CONFLICTING_PREDECESSORS' },
    ],
    [
      'does not mind two predecessors where the source has its ID',
      [
        { source: f1, predecessor: b1 },
        { source: f1, predecessor: sierra('b2') },
      ],
      [[f1, 'c2345678']],
      { 'Work[folio-instance/f1]': 'existing c2345678' },
    ],
    [
      'takes two names of one heading for one predecessor',
      [
        { source: label('a'), predecessor: heading('Person', 'n1') },
        { source: label('a'), predecessor: heading('Agent', 'n1') },
      ],
      [[heading('Concept', 'n1'), 'a2345678']],
      { 'Concept[label-derived/a]': 'inherit a2345678, layer 0' },
    ],
    [
      'refuses a predecessor that nobody has',
      [{ source: f1, predecessor: b1 }],
      [],
      { 'Work[folio-instance/f1]': 'PREDECESSOR_NOT_FOUND' },
    ],
    [
      'refuses what hangs on a refused one',
      [
        { source: folio('f2'), predecessor: f1 },
        { source: f1, predecessor: b1 },
      ],
      [],
      {
        'Work[folio-instance/f2]': 'PREDECESSOR_NOT_FOUND',
        'Work[folio-instance/f1]': 'PREDECESSOR_NOT_FOUND',
      },
    ],
    [
      'refuses a source that is its own predecessor',
      [{ source: f1, predecessor: f1 }],
      [],
      { 'Work[folio-instance/f1]': 'PREDECESSOR_CYCLE' },
    ],
    [
      'refuses a cycle, what hangs on it, and nothing else',
      [
        { source: folio('f3'), predecessor: folio('f2') },
        { source: folio('f2'), predecessor: f1 },
        { source: f1, predecessor: folio('f2') },
        { source: b1 },
      ],
      [],
      {
        'Work[folio-instance/f3]': 'PREDECESSOR_NOT_FOUND',
        'Work[folio-instance/f2]': 'PREDECESSOR_CYCLE',
        'Work[folio-instance/f1]': 'PREDECESSOR_CYCLE',
        'Work[sierra-system-number/b1]': 'pool, layer 0',
      },
    ],
    [
      'sees no cycle where one of it has its ID already',
      [
        { source: f1, predecessor: b1 },
        { source: b1, predecessor: f1 },
      ],
      [[b1, 'a2345678']],
      {
        'Work[folio-instance/f1]': 'inherit a2345678, layer 0',
        'Work[sierra-system-number/b1]': 'existing a2345678',
      },
    ],
    [
      'refuses a source that the registry takes for another spelling',
      [{ source: sierra('B1') }],
      [[sierra('B1'), 'a2345678', sierra('b1')]],
      { 'Work[sierra-system-number/B1]': 'IDENTIFIER_COLLISION' },
    ],
    [
      'refuses a predecessor that the registry takes for another spelling',
      [{ source: f1, predecessor: sierra('B1') }],
      [[sierra('B1'), 'a2345678', sierra('b1')]],
      { 'Work[folio-instance/f1]': 'IDENTIFIER_COLLISION' },
    ],
  ])('%s', (_, requests, held, expected) => {
    expect(decide(requests, held)).toEqual(expected);
  });

  test('sorts each layer by key, so that minters lock rows in one order', () => {
    const { layers } = plan([
      { source: sierra('b2') },
      { source: image('V1') },
      { source: sierra('b1') },
      { source: folio('f9'), predecessor: sierra('b2') },
      { source: folio('f8'), predecessor: sierra('b1') },
    ]);
    expect(layers.map(layer => layer.map(({ source }) => source))).toEqual([
      [image('V1'), sierra('b1'), sierra('b2')],
      [folio('f8'), folio('f9')],
    ]);
  });

  test('puts headings into layers of their own, after all else of their depth', () => {
    const { layers } = plan([
      { source: heading('Person', 'n1') },
      { source: sierra('b1') },
      { source: folio('f1'), predecessor: sierra('b1') },
      { source: label('z') },
      { source: heading('Genre', 'n2'), predecessor: label('z') },
      { source: image('V1'), predecessor: heading('Person', 'n1') },
    ]);
    const values = layers.map(layer => layer.map(({ source }) => source.value));
    expect(values).toEqual([['b1'], ['z', 'n1'], ['V1', 'f1'], ['n2']]);
  });

  test('has no limit to the length of a chain', () => {
    const length = 20_000;
    const requests = Array.from({ length }, (_, at) => ({
      source: folio(`f${at}`),
      predecessor: at + 1 < length ? folio(`f${at + 1}`) : null,
    }));
    const { layers, needed } = plan(requests);
    expect([layers.length, needed]).toEqual([length, 1]);
  });

  test('refuses of two new twins the one that it is told to', () => {
    const batch = prepareBatch([{ source: sierra('b1') }, { source: sierra('B1') }], rules);
    const twins = new Map([[placeOf(batch, sierra('B1')), fold(sierra('b1'))]]);
    const planned = planBatch(batch, [], twins);
    expect(decisions(batch, planned)).toEqual({
      'Work[sierra-system-number/b1]': 'pool, layer 0',
      'Work[sierra-system-number/B1]': 'IDENTIFIER_COLLISION',
    });
    const error = planned.settled.get(placeOf(batch, sierra('B1')));
    expect(error).toMatchObject({
      message: expect.stringMatching(/sierra-system-number\/B1\].*sierra-system-number\/b1\]/),
    });
  });
});

describe('settling a batch', () => {
  const a = id('a2345678');
  const b = id('b2345678');

  function settle(
    requests: readonly MintRequest[],
    ends: [SourceIdentifier, CanonicalId, 'existing' | 'inherited' | 'minted'][],
    held: Held = []
  ) {
    const batch = prepareBatch(requests, rules);
    const settled: Settled = new Map(
      ends.map(([source, canonicalId, outcome]) => [
        placeOf(batch, source),
        { canonicalId, outcome },
      ])
    );
    return settleBatch(batch, settled, answersTo(batch, held));
  }

  test('answers in the order of the requests, each with the source as it was given', () => {
    const answers = settle(
      [
        { source: heading('Person', 'n1') },
        { source: sierra('b1') },
        { source: heading('Agent', 'n1') },
      ],
      [
        [heading('Concept', 'n1'), a, 'minted'],
        [sierra('b1'), b, 'existing'],
      ]
    );
    expect(answers).toEqual([
      { source: heading('Person', 'n1'), canonicalId: a, outcome: 'minted' },
      { source: sierra('b1'), canonicalId: b, outcome: 'existing' },
      { source: heading('Agent', 'n1'), canonicalId: a, outcome: 'existing' },
    ]);
  });

  test('tells of a new empty value, and not again of one that exists', () => {
    const [first, second] = settle(
      [{ source: label('') }, { source: label('') }],
      [[label(''), a, 'minted']]
    );
    expect(first?.warning).toMatchObject({ code: 'EMPTY_VALUE', details: { source: label('') } });
    expect(second?.warning).toBeUndefined();
  });

  test('tells of a predecessor that holds another ID, with both IDs, wherever it was found', () => {
    const stored = settle(
      [{ source: folio('f1'), predecessor: sierra('b1') }],
      [[folio('f1'), a, 'existing']],
      [
        [folio('f1'), a],
        [sierra('b1'), b],
      ]
    );
    const inBatch = settle(
      [{ source: folio('f1'), predecessor: sierra('b1') }, { source: sierra('b1') }],
      [
        [folio('f1'), a, 'existing'],
        [sierra('b1'), b, 'minted'],
      ],
      [[folio('f1'), a]]
    );
    for (const [answer] of [stored, inBatch]) {
      expect(answer).toMatchObject({
        canonicalId: a,
        outcome: 'existing',
        warning: {
          code: 'INHERITANCE_CONFLICT',
          details: { canonicalId: a, predecessorCanonicalId: b },
          message: expect.stringMatching(/a2345678.*b2345678/),
        },
      });
    }
  });

  test.each<[string, Held]>([
    ['is unknown', []],
    ['holds the same ID', [[sierra('b1'), 'a2345678']]],
    ['is known in another spelling only', [[sierra('b1'), 'b2345678', sierra('B1')]]],
  ])('says nothing of the predecessor of an existing source that %s', (_, held) => {
    const [answer] = settle(
      [{ source: folio('f1'), predecessor: sierra('b1') }],
      [[folio('f1'), a, 'existing']],
      held
    );
    expect(answer).toEqual({ source: folio('f1'), canonicalId: a, outcome: 'existing' });
  });

  test('answers with the error of a source, and with the source as it was given', () => {
    const request = { source: heading('Person', 'n1'), predecessor: heading('Person', 'n2') };
    const batch = prepareBatch([request], rules);
    const { settled } = planBatch(batch, []);
    expect(settleBatch(batch, settled, [])).toEqual([
      { source: request.source, error: expect.objectContaining({ code: 'PREDECESSOR_NOT_FOUND' }) },
    ]);
  });

  test('names the predecessor of a lost inheritance in words', () => {
    const [answer] = settle(
      [{ source: folio('f1'), predecessor: sierra('b1') }],
      [[folio('f1'), a, 'existing']],
      [[sierra('b1'), b]]
    );
    expect(answer?.warning?.message).toBe(
      'Work[folio-instance/f1] has the canonical ID a2345678 and keeps it, though its predecessor ' +
        'Work[sierra-system-number/b1] has b2345678. Decide which of the two the public URL shall have.'
    );
  });

  test('is a fault of ours where a request was never settled', () => {
    expect(() => settle([{ source: sierra('b1') }], [])).toThrowError(/never settled/);
  });
});
