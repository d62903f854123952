import { parseCanonicalId } from '../domain/canonical-id.ts';
import type { Warning } from '../domain/errors.ts';
import { IdMinterError } from '../domain/errors.ts';
import { collision, existing } from '../domain/mint-plan.ts';
import type {
  ImportAnswer,
  ImportTransaction,
  Mapping,
  MintingTransaction,
  RegistryStore,
  StoredMapping,
} from '../domain/registry.ts';
import type { FoldedIdentifier, SourceKey } from '../domain/source-identifier.ts';
import {
  checkSourceIdentifier,
  compareSources,
  foldConcept,
  formatSourceIdentifier,
  keyOf,
} from '../domain/source-identifier.ts';
import { PassingError, withRetries } from './retries.ts';

/** A mapping that passed its checks, and where it stands among the ones that were given. */
type Checked = StoredMapping & { readonly index: number };

/**
 * Takes known mappings in, in one transaction. A line that is malformed or contradicts the registry or an earlier
 * line fails by itself. Saying it twice changes nothing.
 */
export async function importBatch(
  store: RegistryStore,
  mappings: readonly Mapping[]
): Promise<ImportAnswer[]> {
  const answers = new Map<number, ImportAnswer>();
  const checked: Checked[] = [];
  for (const [index, mapping] of mappings.entries()) {
    try {
      checked.push({ ...checkMapping(mapping, store), index });
    } catch (error) {
      if (!(error instanceof IdMinterError)) throw error;
      answers.set(index, { ...mapping, error });
    }
  }
  const refused = new Map<number, ImportAnswer>();
  const written = await withRetries(store, async () => {
    for (;;) {
      try {
        const open = checked.filter(({ index }) => !refused.has(index));
        return await store.transaction(transaction => writeMappings(transaction, open));
      } catch (error) {
        if (!(error instanceof RowsRefused)) throw error;
        // Rolled back. Once more without them, so that no ID is marked assigned for a row that did not go in.
        for (const { index, ...answer } of error.answers) refused.set(index, answer);
      }
    }
  });
  return mappings.map((mapping, index) => {
    const answer = answers.get(index) ?? refused.get(index) ?? written.get(index);
    // The source as it was given, not folded.
    return { ...answer, ...mapping };
  });
}

async function writeMappings(
  transaction: ImportTransaction,
  checked: readonly Checked[]
): Promise<Map<number, ImportAnswer>> {
  const answers = new Map<number, ImportAnswer>();
  const stored = await transaction.lookUp(checked.map(({ source }) => source));
  const fresh = new Map<SourceKey, Checked>();
  for (const [position, mapping] of checked.entries()) {
    const standing = stored[position] ?? fresh.get(keyOf(mapping.source));
    if (standing === undefined) fresh.set(keyOf(mapping.source), mapping);
    else answers.set(mapping.index, standsAlready(mapping, standing));
  }
  const rows = [...fresh.values()].sort((a, b) => compareSources(a.source, b.source));
  if (rows.length === 0) return answers;
  const ids = [...new Set(rows.map(({ canonicalId }) => canonicalId))].sort();
  // First, since it locks the IDs: no minter can take one of them from the pool from here on.
  await transaction.addAssigned(ids);
  const used = await transaction.findUsed(ids);
  if ((await transaction.insert(rows)) < rows.length) await refuseLost(transaction, rows);
  for (const row of rows) {
    const { source, canonicalId, index } = row;
    const warning = used.has(canonicalId) ? joined(row) : undefined;
    answers.set(index, { source, canonicalId, outcome: 'added', ...(warning && { warning }) });
  }
  return answers;
}

/** Another minter was faster with a source, or the registry takes two of the lines for one identifier. */
async function refuseLost(
  transaction: MintingTransaction,
  rows: readonly Checked[]
): Promise<never> {
  const stored = await transaction.lookUp(rows.map(({ source }) => source));
  const ofThisImport = new Map(rows.map(row => [keyOf(row.source), row]));
  const lost: Refused[] = [];
  const laterTwins: Refused[] = [];
  for (const [position, row] of rows.entries()) {
    const standing = stored[position];
    if (standing === undefined) continue;
    const answer = standsAlready(row, standing);
    if (answer.error) lost.push({ ...answer, index: row.index });
    const twin = ofThisImport.get(keyOf(standing.source));
    if (twin !== undefined && twin.index > row.index) {
      laterTwins.push({ ...twin, error: collision(twin.source, row.source) });
    }
  }
  // Of two lines the earlier stands, whichever was inserted first; what else was lost, the next attempt shows.
  if (laterTwins.length > 0) throw new RowsRefused(laterTwins);
  throw lost.length > 0 ? new RowsRefused(lost) : rowsPassedOver(rows.length);
}

function standsAlready(mapping: Checked, standing: StoredMapping): ImportAnswer {
  const { source, canonicalId } = mapping;
  const end = existing(source, standing);
  if (end instanceof IdMinterError) return { source, canonicalId, error: end };
  if (end.canonicalId === canonicalId) return { source, canonicalId, outcome: 'existing' };
  return {
    source,
    canonicalId,
    error: new IdMinterError(
      'MAPPING_CONFLICT',
      `${formatSourceIdentifier(source)} has the canonical ID ${end.canonicalId}, and the import says ${canonicalId}. The ` +
        'registry keeps what it has. Decide which of the two the public URL has.',
      { source, canonicalId: end.canonicalId, imported: canonicalId }
    ),
  };
}

function joined({ source, canonicalId }: Checked): Warning {
  return {
    code: 'SHARED_CANONICAL_ID',
    message:
      `${formatSourceIdentifier(source)} now shares ${canonicalId} with a source identifier that had it before. Right if ` +
      'one replaced the other; otherwise the two come from registries that were forked.',
    details: { source, canonicalId },
  };
}

/** Another minter wrote the same mapping between look-up and insert: the next attempt finds it. */
function rowsPassedOver(rows: number): PassingError {
  return new PassingError(
    new IdMinterError(
      'REGISTRY_UNAVAILABLE',
      `Other minters keep writing the same mappings as this import of ${rows}. Nothing of it was written. Say it again.`,
      { rows }
    )
  );
}

type Refused = ImportAnswer & { readonly index: number };

class RowsRefused extends Error {
  readonly answers: readonly Refused[];

  constructor(answers: readonly Refused[]) {
    super('Rows of an import were passed over.');
    this.answers = answers;
  }
}

function checkMapping({ source, canonicalId }: Mapping, store: RegistryStore): StoredMapping {
  const id = parseCanonicalId(canonicalId);
  const checked: FoldedIdentifier = foldConcept(
    checkSourceIdentifier(source, store),
    store.conceptTypes
  );
  return { source: checked, canonicalId: id };
}
