// Started by sqlite-store.test.ts: mints what it is told, and says after each batch what was answered.
import type { SourceIdentifier } from '../../../src/domain/source-identifier.ts';
import { knownMigrations } from '../../../src/registry/migrate.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import { openSqliteStore } from '../../../src/registry/sqlite/sqlite-store.ts';

export interface Job {
  readonly path: string;
  readonly batches: readonly (readonly SourceIdentifier[])[];
}

export type Acknowledged = readonly [value: string, canonicalId: string];

process.once('message', async ({ path, batches }: Job) => {
  const store = await openSqliteStore(path, {
    knownMigrations: knownMigrations('sqlite'),
    version: '1.0.0',
    warn: console.error,
  });
  await using registry = createRegistry(store);
  for (const batch of batches) {
    const { answers } = await registry.mint(batch.map(source => ({ source })));
    const acknowledged = answers.map(({ source, canonicalId, error }): Acknowledged => {
      if (error) throw error;
      return [source.value, canonicalId];
    });
    process.send?.(acknowledged);
  }
  process.disconnect();
});
