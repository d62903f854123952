import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { MintAnswer, MintRequest } from '../../../src/domain/registry.ts';
import type { SourceIdentifier } from '../../../src/domain/source-identifier.ts';
import { courses, inNamespace, setFree } from '../../support/batches.ts';
import { STORES } from '../../support/stores.ts';

/** The rules of the contract, written down a second time, over a map in memory. */
class Model {
  readonly ids = new Map<string, string>();
  free: number;

  constructor(free: number) {
    this.free = free;
  }

  /** What each request must be answered: the ID where it is known before, and the outcome or code. */
  expect(batch: readonly MintRequest[]): { outcome: string; likeThat: string | undefined }[] {
    const named = new Map<string, Set<string>>();
    for (const { source, predecessor } of batch) {
      const predecessors = named.get(name(source)) ?? new Set<string>();
      if (predecessor) predecessors.add(name(predecessor));
      named.set(name(source), predecessors);
    }
    const isNew = (one: string) => !this.ids.has(one);
    const needed = [...named].filter(([one, { size }]) => isNew(one) && size === 0).length;
    const isExhausted = needed > this.free;
    if (!isExhausted) this.free -= needed;
    const told = new Set<string>();
    return batch.map(({ source }) => {
      const one = name(source);
      const { code, root } = this.#follow(one, named, isExhausted);
      if (code !== undefined) return { outcome: code, likeThat: undefined };
      const first = root === one ? 'minted' : 'inherited';
      const outcome = !isNew(one) || told.has(one) ? 'existing' : first;
      told.add(one);
      return { outcome, likeThat: root };
    });
  }

  /** From one predecessor to the next, down to what has an ID, gets one, or is why there is none. */
  #follow(
    one: string,
    named: ReadonlyMap<string, ReadonlySet<string>>,
    isExhausted: boolean
  ): { root: string; code?: undefined } | { code: string; root?: undefined } {
    const chain: string[] = [];
    const failed = (at: string, code: string) => ({
      code: at === one || code === 'POOL_EXHAUSTED' ? code : 'PREDECESSOR_NOT_FOUND',
    });
    for (let at = one; ; ) {
      if (this.ids.has(at)) return { root: at };
      const predecessors = named.get(at);
      if (predecessors === undefined) return { code: 'PREDECESSOR_NOT_FOUND' };
      if (predecessors.size > 1) return failed(at, 'CONFLICTING_PREDECESSORS');
      const [next] = predecessors;
      if (next === undefined) return isExhausted ? failed(at, 'POOL_EXHAUSTED') : { root: at };
      chain.push(at);
      if (chain.includes(next)) return failed(next, 'PREDECESSOR_CYCLE');
      at = next;
    }
  }

  remember(answers: readonly MintAnswer[]): void {
    for (const { source, canonicalId } of answers) {
      if (canonicalId !== undefined) this.ids.set(name(source), canonicalId);
    }
  }
}

function name({ ontologyType, sourceSystem, value }: SourceIdentifier): string {
  const type = ontologyType === 'Person' ? 'Concept' : ontologyType;
  return `${type} ${sourceSystem} ${value}`;
}

describe.each(STORES)('registry contract on $name: any course of batches', store => {
  test('is answered as the rules say, and the database holds what was answered', async () => {
    await using registry = await store.open();
    let run = 0;
    const property = fc.asyncProperty(courses(['a', 'b', 'c']), async course => {
      await setFree(registry, course.free);
      const model = new Model(course.free);
      for (const batch of inNamespace(course, ++run)) {
        const expected = model.expect(batch);
        const { answers, warnings } = await registry.mint(batch);
        expect(answers.map(({ outcome, error }) => outcome ?? error?.code)).toEqual(
          expected.map(({ outcome }) => outcome)
        );
        expect(warnings).toEqual([]);
        const before = new Map(model.ids);
        model.remember(answers);
        const known = new Set(before.values());
        for (const [at, { source, canonicalId, outcome, warning }] of answers.entries()) {
          const predecessor = batch[at]?.predecessor;
          const inherited = predecessor ? model.ids.get(name(predecessor)) : undefined;
          const isLost = outcome === 'existing' && (inherited ?? canonicalId) !== canonicalId;
          expect(warning?.code).toBe(isLost ? 'INHERITANCE_CONFLICT' : undefined);
          const root = expected[at]?.likeThat;
          expect(canonicalId).toBe(root === undefined ? undefined : model.ids.get(root));
          expect(before.get(name(source)) ?? canonicalId).toBe(canonicalId);
          if (outcome === 'minted') expect(known).not.toContain(canonicalId);
        }
        expect((await registry.countPool()).free).toBe(model.free);
      }
      const found = await registry.lookUp([...model.ids.keys()].map(parts));
      expect(found.map(mapping => mapping?.canonicalId)).toEqual([...model.ids.values()]);
    });
    await fc.assert(property, { numRuns: store.dialect === 'sqlite' ? 300 : 60 });
    const { identifiers, canonicalIds } = await registry.dump();
    const used = new Set(identifiers.map(row => row[3]));
    for (const [canonicalId, status] of canonicalIds) {
      expect(status).toBe(used.has(canonicalId) ? 'assigned' : 'free');
    }
  });
});

function parts(text: string): SourceIdentifier {
  const [ontologyType = '', sourceSystem = '', value = ''] = text.split(' ');
  return { ontologyType, sourceSystem, value };
}
