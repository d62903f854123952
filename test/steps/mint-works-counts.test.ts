/** Whatever happens to the works of a run, its counts and its report add up, and what is written is in the registry. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SourceWork, UnreadableWork } from '../../src/domain/documents.ts';
import { IdMinterError } from '../../src/domain/errors.ts';
import { extractWork } from '../../src/domain/work-document.ts';
import { workOf, written } from '../cli/works.ts';
import { folio, label, sierra, someIds } from '../support/identifiers.ts';
import { mintAll, sourceOf, sqliteStore, TargetInMemory } from './in-memory.ts';

const store = sqliteStore();

const works = fc.nat(4).map(n => sierra(`b${n}`));
const successors = fc.nat(4).map(n => folio(`f${n}`));
const headings = fc.constantFrom(label('tides'), label('ships'), label(''), sierra('b1'));
const nodes = fc.record({ source: headings, predecessor: fc.option(fc.oneof(headings, works)) });

const readable = fc
  .record({
    source: fc.oneof(works, successors),
    predecessor: fc.option(fc.oneof(works, successors)),
    nodes: fc.array(nodes, { maxLength: 3 }),
    type: fc.constantFrom('Visible', 'Deleted'),
  })
  .map(({ source, predecessor, nodes: inside, type }) => {
    const document = workOf(source, { ...(predecessor && { predecessor }), type });
    return {
      ...document,
      data: inside.map(node => ({
        sourceIdentifier: written(node.source),
        predecessorIdentifier: node.predecessor && written(node.predecessor),
      })),
    };
  });

const documents = fc.oneof(
  { weight: 12, arbitrary: readable },
  { weight: 1, arbitrary: fc.constantFrom(null, {}, { state: { sourceIdentifier: null } }) },
  {
    weight: 1,
    arbitrary: readable.map(work => ({ ...work, items: [{ sourceIdentifier: { value: 1 } }] })),
  }
);

const sources = fc.array(
  fc.oneof({ weight: 10, arbitrary: documents }, fc.constant('unreadable')),
  {
    maxLength: 12,
  }
);

function toSource(items: readonly unknown[]) {
  return sourceOf(
    items.map((document, index): SourceWork | UnreadableWork => {
      const place = `line ${index + 1}`;
      return document === 'unreadable'
        ? { place, error: new IdMinterError('INVALID_JSON', `${place}: not JSON.`) }
        : { place, document };
    })
  );
}

describe('the counts of any run', () => {
  test.each([
    { batchSize: 1, concurrency: 1 },
    { batchSize: 500, concurrency: 1 },
    { batchSize: 1, concurrency: 4 },
    { batchSize: 3, concurrency: 2 },
  ])('add up: $batchSize works a batch, $concurrency batches at once', async options => {
    await fc.assert(
      fc.asyncProperty(sources, fc.nat(12), fc.boolean(), async (items, freeCount, refuses) => {
        const known = someIds(50).slice(-2);
        await using registry = await store.open({
          freeCount,
          mappings: [
            [sierra('b0'), known[0] ?? ''],
            [folio('f0'), known[1] ?? ''],
          ],
        });
        const refusal = new IdMinterError('INVALID_WORK', 'The index refuses it.');
        const target = new TargetInMemory(
          new Map(refuses && known[0] ? [[known[0], refusal]] : [])
        );
        const before = (await registry.dump()).identifiers.length;
        const { tally, report } = await mintAll(registry, toSource(items), { target, ...options });

        const extracted = items.flatMap(item => {
          const work = extractWork(item);
          return 'error' in work ? [] : [work];
        });
        const requests = extracted.flatMap(work => work.requests).length;
        const { existing, inherited, minted } = tally.identifiers;
        const failedAt = (...stages: string[]) =>
          report.errors.filter(({ stage }) => stages.includes(stage)).length;

        // Works: each is in one of the two, and each failure is reported.
        expect(tally.works.succeeded + tally.works.failed).toBe(items.length);
        expect(report.errors).toHaveLength(tally.works.failed);
        expect(failedAt('read', 'extract_id', 'embed')).toBe(items.length - extracted.length);

        // Identifiers: each request of a work that could be read is in one of these.
        const refused = sum(tally.errors) - failedAt('read', 'extract_id', 'embed', 'index');
        expect(existing + inherited + minted + refused).toBe(requests);
        const told = (outcome: string | undefined) =>
          report.outcomes.filter(answer => answer.outcome === outcome).length;
        expect([told('inherited'), told('minted'), told(undefined)]).toEqual([
          inherited,
          minted,
          refused,
        ]);

        // The registry: what is new in it was inherited or minted, and each minted ID left the pool.
        const after = await registry.dump();
        expect(after.identifiers.length - before).toBe(inherited + minted);
        expect(await registry.countFree()).toBe(freeCount - minted);

        // Documents: each stands once a batch, with the IDs of the registry.
        const refusedId = refuses ? known[0] : undefined;
        const stoodBack = report.warnings.filter(
          ({ code, details }) =>
            code === 'SHARED_DOCUMENT_ID' && details['canonicalId'] !== refusedId
        );
        expect(target.works.length + stoodBack.length).toBe(tally.works.succeeded);
        expect(report.ids).toEqual(target.works.map(({ canonicalId }) => canonicalId));
        const standing = new Map(
          after.identifiers.map(([type, system, value, id]) => [`${type}[${system}/${value}]`, id])
        );
        for (const { canonicalId, document } of target.works) {
          const ids = idsIn(document);
          expect(ids.map(([, id]) => id)).toEqual(ids.map(([name]) => standing.get(name)));
          expect(ids.map(([, id]) => id)).toContain(canonicalId);
        }
        expect(sum(tally.warnings)).toBe(
          report.warnings.length + report.outcomes.filter(({ warning }) => warning).length
        );
      }),
      { numRuns: 40 }
    );
  });
});

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

/** Every node's name and ID. */
function idsIn(value: unknown): [name: string, id: unknown][] {
  if (typeof value !== 'object' || value === null) return [];
  const { sourceIdentifier, canonicalId } = value as Record<string, unknown>;
  const inside = Object.values(value).flatMap(idsIn);
  if (sourceIdentifier === undefined) return inside;
  const {
    ontologyType,
    identifierType,
    value: text,
  } = sourceIdentifier as ReturnType<typeof written>;
  return [[`${ontologyType}[${identifierType.id}/${text}]`, canonicalId], ...inside];
}
