import type { HeldMapping } from '../src/domain/audit.ts';
import { auditHolding } from '../src/domain/audit.ts';
import type { MintAnswer, MintRequest } from '../src/domain/registry.ts';
import type { SourceIdentifier } from '../src/domain/source-identifier.ts';
import { DEFAULT_CONCEPT_TYPES, foldConcept, keyOf } from '../src/domain/source-identifier.ts';
import type { Dump } from '../test/support/store-kinds.ts';
import { Broken, demand } from './campaign.ts';

const CONCEPT_TYPES = new Set(DEFAULT_CONCEPT_TYPES);

/**
 * What minters were asked and what they answered, by all of them together. An answer is compared with those before it
 * when it comes, and all of them with the registry at the end: a registry that is sound now may have been wrong in between.
 */
export class History {
  /** The ID that each source was answered with, whoever answered. */
  readonly #answered = new Map<string, string>();
  /** Everything that was ever asked for: nothing else may be in the registry. */
  readonly #asked = new Set<string>();
  /** The predecessors of each source, as far as anybody declared them. */
  readonly #declared = new Map<string, Set<string>>();
  answers = 0;

  /** To be said before the batch is minted: what is not answered may be in the registry all the same. */
  asked(requests: readonly MintRequest[]): void {
    for (const { source, predecessor } of requests) {
      this.#asked.add(key(source));
      if (!predecessor) continue;
      const declared = this.#declared.get(key(source)) ?? new Set<string>();
      this.#declared.set(key(source), declared.add(key(predecessor)));
    }
  }

  /** @throws Broken where a source was answered with another ID before */
  acknowledged(answers: readonly Pick<MintAnswer, 'source' | 'canonicalId'>[]): void {
    for (const { source, canonicalId } of answers) {
      this.answers += 1;
      if (canonicalId === undefined) continue;
      const before = this.#answered.get(key(source));
      if (before !== undefined && before !== canonicalId) {
        throw new Broken(
          `${key(source)} was answered with ${before}, and then with ${canonicalId}`
        );
      }
      this.#answered.set(key(source), canonicalId);
    }
  }

  /**
   * Compares everything with what the database holds.
   *
   * @param before - the mappings that stood in it when the history began
   * @throws Broken
   */
  verify(dump: Dump, before: Dump['identifiers'] = []): void {
    const held = heldIn(dump.identifiers);
    for (const [source, id] of [...heldIn(before), ...this.#answered]) {
      demand(
        held.get(source) === id,
        () => `${source} was given ${id}; the registry has ${held.get(source)}`
      );
    }
    const known = new Set(heldIn(before).keys());
    for (const source of held.keys()) {
      demand(known.has(source) || this.#asked.has(source), () => `Nobody asked for ${source}`);
    }
    this.#verifySharing(held, before);
    audit(dump);
  }

  /** A canonical ID is shared only through declared predecessors, or was so before. */
  #verifySharing(held: ReadonlyMap<string, string>, before: Dump['identifiers']): void {
    const leader = new Map<string, string>();
    const find = (source: string): string => {
      let at = source;
      for (let up = leader.get(at); up !== undefined; up = leader.get(at)) at = up;
      return at;
    };
    const join = (a: string, b: string) => {
      const [left, right] = [find(a), find(b)];
      if (left !== right) leader.set(left, right);
    };
    for (const [source, predecessors] of this.#declared) {
      for (const predecessor of predecessors) join(source, predecessor);
    }
    const firstOf = new Map<string, string>();
    for (const [source, id] of heldIn(before)) {
      join(source, firstOf.get(id) ?? source);
      firstOf.set(id, source);
    }
    const holder = new Map<string, string>();
    for (const [source, id] of held) {
      const other = holder.get(id);
      holder.set(id, source);
      demand(
        other === undefined || find(other) === find(source),
        () => `${other} and ${source} share ${id}, and no predecessor was declared`
      );
    }
  }
}

/** The audit that `id-minter check` makes, of what stood at one moment. */
function audit({ identifiers, canonicalIds }: Dump): void {
  const holdings = new Map<string, { status: string | undefined; mappings: HeldMapping[] }>();
  for (const [id, status] of canonicalIds as [string, string][]) {
    holdings.set(id, { status, mappings: [] });
  }
  for (const [ontologyType, sourceSystem, value, canonicalId] of identifiers as Row[]) {
    const holding = holdings.get(canonicalId) ?? { status: undefined, mappings: [] };
    holdings.set(canonicalId, holding);
    holding.mappings.push({ source: { ontologyType, sourceSystem, value }, canonicalId });
  }
  for (const [canonicalId, holding] of holdings) {
    const [finding] = auditHolding({ canonicalId, ...holding }, CONCEPT_TYPES);
    demand(finding === undefined, () => `${finding?.code}: ${finding?.message}`);
  }
}

type Row = [ontologyType: string, sourceSystem: string, value: string, canonicalId: string];

/** By the key of each source. */
function heldIn(identifiers: Dump['identifiers']): Map<string, string> {
  const held = new Map<string, string>();
  for (const [ontologyType, sourceSystem, value, id] of identifiers as Row[]) {
    held.set(keyOf({ ontologyType, sourceSystem, value }), id);
  }
  return held;
}

function key(source: SourceIdentifier): string {
  return keyOf(foldConcept(source, CONCEPT_TYPES));
}
