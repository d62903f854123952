import { describe, expect, test } from 'vitest';
import { parseCanonicalId } from '../../src/domain/canonical-id.ts';
import { IdMinterError } from '../../src/domain/errors.ts';
import {
  planBatch,
  prepareBatch,
  settleBatch,
  withoutPredecessor,
} from '../../src/domain/mint-plan.ts';
import { poolCorrupt, poolExhausted } from '../../src/domain/pool.ts';
import type { MintRequest } from '../../src/domain/registry.ts';
import type { SourceIdentifier } from '../../src/domain/source-identifier.ts';
import {
  checkSourceIdentifier,
  foldConcept,
  isSameSource,
  parseSourceIdentifier,
} from '../../src/domain/source-identifier.ts';
import { extractWork } from '../../src/domain/work-document.ts';
import { folio, id, image, sierra } from '../support/identifiers.ts';

const fold = (source: SourceIdentifier) => foldConcept(source, new Set());
const [b1, f1, v1] = [fold(sierra('b1')), fold(folio('f1')), fold(image('V1'))];

/** Why the first source of a batch gets no ID, where the registry holds `stored` for `asked`. */
function refusal(
  requests: readonly MintRequest[],
  [asked, stored]: readonly SourceIdentifier[] = []
): unknown {
  const batch = prepareBatch(requests, { conceptTypes: new Set(), canStore: () => true });
  const held = { source: fold(stored ?? b1), canonicalId: id('a2345678') };
  const answers = batch.asked.map(source =>
    asked && isSameSource(source, asked) ? held : undefined
  );
  return planBatch(batch, answers).settled.get(0);
}

/** Records that replaced each other in a circle. */
function circle(length: number): MintRequest[] {
  return Array.from({ length }, (_, at) => ({
    source: sierra(`b${at}`),
    predecessor: sierra(`b${(at + 1) % length}`),
  }));
}

function thrownBy(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

function faultOf(document: unknown): unknown {
  const extracted = extractWork(document);
  return 'error' in extracted ? extracted.error : undefined;
}

function nested(levels: number): unknown {
  let value: unknown = [];
  for (let level = 1; level < levels; level++) value = [value];
  return value;
}

describe('what is refused says what happened to which value, what became of it and what to do now', () => {
  test.each<[what: string, refuse: () => unknown, said: string, details: Record<string, unknown>]>([
    [
      'an unknown predecessor',
      () => refusal([{ source: f1, predecessor: b1 }]),
      'The predecessor Work[sierra-system-number/b1] of Work[folio-instance/f1] has no canonical ID, neither in the ' +
        'registry nor from this batch. None was minted for the source. Mint the predecessor first, then send the ' +
        'source again.',
      { source: f1, predecessor: b1 },
    ],
    [
      'two predecessors',
      () =>
        refusal([
          { source: f1, predecessor: b1 },
          { source: f1, predecessor: v1 },
        ]),
      'Work[folio-instance/f1] is new, and this batch names two predecessors for it, Work[sierra-system-number/b1] and ' +
        'Image[miro-image-number/V1]. No ID was given. Keep the one whose canonical ID it shall inherit.',
      { source: f1, predecessors: [b1, v1] },
    ],
    [
      'a short circle',
      () => refusal(circle(2)),
      'Work[sierra-system-number/b0] is its own predecessor by way of Work[sierra-system-number/b0] → ' +
        'Work[sierra-system-number/b1]. No ID was given. Correct at the source which record replaced which.',
      { source: sierra('b0'), cycle: [sierra('b0'), sierra('b1')] },
    ],
    [
      'a circle of five, all named',
      () => refusal(circle(5)),
      'Work[sierra-system-number/b0] is its own predecessor by way of Work[sierra-system-number/b0] → ' +
        'Work[sierra-system-number/b1] → Work[sierra-system-number/b2] → Work[sierra-system-number/b3] → ' +
        'Work[sierra-system-number/b4]. No ID was given. Correct at the source which record replaced which.',
      { cycle: [0, 1, 2, 3, 4].map(at => sierra(`b${at}`)) },
    ],
    [
      'a long circle, of which five are named',
      () => refusal(circle(6)),
      'Work[sierra-system-number/b0] is its own predecessor by way of Work[sierra-system-number/b0] → ' +
        'Work[sierra-system-number/b1] → Work[sierra-system-number/b2] → Work[sierra-system-number/b3] → ' +
        'Work[sierra-system-number/b4] → …. No ID was given. Correct at the source which record replaced which.',
      { cycle: [0, 1, 2, 3, 4, 5].map(at => sierra(`b${at}`)) },
    ],
    [
      'a source that stands in another spelling',
      () => refusal([{ source: b1 }], [b1, sierra('B1')]),
      'The registry takes the source identifier Work[sierra-system-number/b1] for Work[sierra-system-number/B1], which ' +
        'came first and stands: they differ only by case, accent or trailing space. No ID was given. Correct the ' +
        'spelling at its source.',
      { source: b1, standing: sierra('B1') },
    ],
    [
      'a predecessor that stands in another spelling',
      () => refusal([{ source: f1, predecessor: b1 }], [b1, sierra('B1')]),
      'The registry takes the predecessor Work[sierra-system-number/b1] for Work[sierra-system-number/B1], which came ' +
        'first and stands: they differ only by case, accent or trailing space. No ID was given. Correct the spelling ' +
        'at its source.',
      { source: b1, standing: sierra('B1') },
    ],
    [
      'a predecessor of the batch that got none',
      () =>
        refusal([
          { source: f1, predecessor: b1 },
          { source: b1, predecessor: v1 },
        ]),
      'Work[folio-instance/f1] shall inherit from Work[sierra-system-number/b1], which stands in the same batch and got ' +
        'no ID (PREDECESSOR_NOT_FOUND). None was given. Mend that first, then send both again.',
      { source: f1, predecessor: b1 },
    ],
    [
      'a pool that is locked',
      () => poolExhausted(2, 2),
      'The batch needs 2 new canonical IDs and the pool has 2 free, but other minters hold them at this moment: none was ' +
        'taken. Say the same again in a moment.',
      { needed: 2, free: 2, locked: true },
    ],
    [
      'a pool of which five unsound IDs are named',
      () => poolCorrupt(2, ['1', '2', '3', '4', '5', '6']),
      'The batch needs 2 new canonical IDs, and of those that the pool calls free 6 are in use or malformed ' +
        '(1, 2, 3, 4, 5): none was handed out. Find out who writes to the pool, run `id-minter pool top-up`, then this ' +
        'batch again.',
      { needed: 2, passedOver: ['1', '2', '3', '4', '5', '6'] },
    ],
    [
      'a text that is no source identifier',
      () => thrownBy(() => parseSourceIdentifier('b1')),
      '"b1" is not a source identifier, so no ID was given to it. Write it as Type[system/value], for example ' +
        'Work[sierra-system-number/b1000001].',
      { value: 'b1' },
    ],
    [
      'a value that is no text',
      () => thrownBy(() => checkSourceIdentifier({ ...b1, value: { a: 1 } })),
      'The source identifier is invalid: value {…} is of type object, not a string. No ID was given to it. Correct it at ' +
        'its source.',
      { part: 'value', value: { a: 1 } },
    ],
    [
      'a value that is a list',
      () => thrownBy(() => checkSourceIdentifier({ ...b1, value: ['b1'] })),
      'The source identifier is invalid: value […] is of type object, not a string. No ID was given to it. Correct it at ' +
        'its source.',
      { part: 'value', value: ['b1'] },
    ],
    [
      'a value that is a large number',
      () => thrownBy(() => checkSourceIdentifier({ ...b1, value: 2n ** 64n })),
      'The source identifier is invalid: value 18446744073709551616 is of type bigint, not a string. No ID was given to ' +
        'it. Correct it at its source.',
      { part: 'value' },
    ],
    [
      'a number as it was written',
      () => thrownBy(() => checkSourceIdentifier({ ...b1, value: JSON.rawJSON('1.50') })),
      'The source identifier is invalid: value 1.50 is of type number, not a string. No ID was given to it. Correct it at ' +
        'its source.',
      { part: 'value' },
    ],
    [
      'a value that has no text',
      () => thrownBy(() => checkSourceIdentifier({ ...b1, value: Symbol('b1') })),
      'The source identifier is invalid: value Symbol(b1) is of type symbol, not a string. No ID was given to it. Correct ' +
        'it at its source.',
      { part: 'value' },
    ],
    [
      'a part that is not there',
      () => thrownBy(() => checkSourceIdentifier({ ontologyType: 'Work', sourceSystem: 'a' })),
      'The source identifier is invalid: value is missing. No ID was given to it. Correct it at its source.',
      { part: 'value', value: undefined },
    ],
    [
      'nothing at all',
      () => thrownBy(() => checkSourceIdentifier(undefined)),
      'The source identifier is invalid: as a whole is not an object. No ID was given to it. Correct it at its source.',
      { part: 'as a whole' },
    ],
    [
      'a text that is shown whole, since 120 characters with its quotes are not long',
      () => thrownBy(() => checkSourceIdentifier({ ...b1, sourceSystem: `/${'x'.repeat(117)}` })),
      `The source identifier is invalid: sourceSystem "/${'x'.repeat(117)}" holds "/". No ID was given to it. Correct it ` +
        'at its source.',
      { part: 'sourceSystem' },
    ],
    [
      'a character that the registry cannot store',
      () =>
        thrownBy(() =>
          checkSourceIdentifier({ ...b1, value: 'aʰ' }, { canStore: text => !text.includes('ʰ') })
        ),
      'The source identifier is invalid: value "aʰ" holds U+02B0, which the registry’s character set cannot store. No ID ' +
        'was given to it. Correct it at its source.',
      { part: 'value', value: 'aʰ' },
    ],
    [
      'a long text that is no canonical ID, of which the beginning is shown',
      () => thrownBy(() => parseCanonicalId('x'.repeat(200))),
      `"${'x'.repeat(99)} is not a canonical ID: eight characters of a-z and 2-9 without i, l and o, a letter first, all ` +
        'lower-case. Nothing was done with it. Correct it at its source.',
      { value: 'x'.repeat(200) },
    ],
    [
      'a canonical ID that is missing',
      () => thrownBy(() => parseCanonicalId(undefined)),
      'The canonical ID is missing: eight characters of a-z and 2-9 without i, l and o, a letter first, all ' +
        'lower-case. Nothing was done with it. Correct it at its source.',
      { value: undefined },
    ],
    [
      'a document that is none',
      () => faultOf([]),
      'The document is an array, not an object. It was not written. Send works as the transformers write them.',
      { why: 'is an array, not an object' },
    ],
    [
      'a document that is too deep',
      () => faultOf({ ...work(), data: nested(1_000) }),
      'The document is nested deeper than 1000 levels. It was not written. Correct it at its source.',
      { levels: 1_000 },
    ],
  ])('%s', (_, refuse, said, details) => {
    const error = refuse();
    expect(error).toBeInstanceOf(IdMinterError);
    expect(error).toMatchObject({ message: said, details });
  });

  test('an empty value that gets its ID all the same', () => {
    const source = fold(sierra(''));
    const batch = prepareBatch([{ source }], { conceptTypes: new Set(), canStore: () => true });
    const given = { canonicalId: id('a2345678'), outcome: 'minted' as const };
    const [answer] = settleBatch(batch, new Map([[0, given]]), []);
    expect(answer?.warning?.message).toBe(
      'Work[sierra-system-number/] has an empty value: every label that collapses to nothing shares its canonical ID, ' +
        'which was minted like any other. Where labels mean different things, give them values at their source.'
    );
  });

  test('what shall inherit from a source that the pool had none for says that it is the pool', () => {
    const short = poolExhausted(1, 0);
    expect(withoutPredecessor(f1, b1, short)).toMatchObject({
      code: 'POOL_EXHAUSTED',
      cause: short,
    });
    expect(withoutPredecessor(f1, b1, poolCorrupt(1, ['1'])).code).toBe('POOL_CORRUPT');
  });
});

/** The least that is a work. */
function work() {
  return {
    state: {
      sourceIdentifier: {
        ontologyType: 'Work',
        identifierType: { id: 'sierra-system-number' },
        value: 'b1',
      },
    },
  };
}
