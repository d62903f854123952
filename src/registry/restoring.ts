import { IdMinterError } from '../domain/errors.ts';
import type { RegistryStore } from '../domain/registry.ts';
import type { RestoreBatch, RestoreMarker, RestoreTarget } from '../domain/registry-restore.ts';
import { withRetries } from './retries.ts';

/** A registry that takes an export in, over a store that was opened for it. */
export function createRestoreTarget(store: RegistryStore): RestoreTarget {
  return {
    name: store.name,
    conceptTypes: store.conceptTypes,
    canStore: text => store.canStore(text),
    marker: () => withRetries(store, () => store.restoreMarker()),
    countRows: () => withRetries(store, () => store.countRows()),
    restore: batch => withRetries(store, () => store.restore(batch)),
    [Symbol.asyncDispose]: () => store.close(),
  };
}

/**
 * Whether a batch still has to be written, by the marker as the transaction sees it.
 *
 * @throws IdMinterError RESTORE_REFUSED where it is neither what it was before the batch nor what it is after it
 */
export function isToBeRestored(
  name: string,
  standing: RestoreMarker | undefined,
  { before, after }: RestoreBatch
): boolean {
  if (isSame(standing, after)) return false;
  if (isSame(standing, before)) return true;
  throw new IdMinterError(
    'RESTORE_REFUSED',
    `Another process is restoring into ${name} at this moment. Nothing of this batch was written. Let it finish, or say ` +
      'this command again when it has ended.',
    { registry: name }
  );
}

/** The database refused a row: what an export holds is no registry, or not one for this database. */
export function refusedRow(name: string, reason: string, cause: unknown): IdMinterError {
  return new IdMinterError(
    'EXPORT_DAMAGED',
    `The registry ${name} does not take a row of the export: ${reason}. What was restored before stays, and nothing is ` +
      'minted from it. `id-minter export verify` names what is wrong. If it finds nothing, the database takes two ' +
      'identifiers for one: drop it, and make one with `id-minter migrate --exact`.',
    { registry: name, reason, cause }
  );
}

function isSame(a: RestoreMarker | undefined, b: RestoreMarker | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
