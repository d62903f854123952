import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FREE_IDS_DEFAULT } from '../domain/pool.ts';
import type { Registry, RegistryStore } from '../domain/registry.ts';
import type { RestoreTarget } from '../domain/registry-restore.ts';
import type { MigrateOptions } from '../registry/migrate.ts';
import { knownMigrations, migrate, migrationStatus, rollback } from '../registry/migrate.ts';
import type { MigrationDatabase } from '../registry/migration-database.ts';
import { createRegistry } from '../registry/registry.ts';
import { RegistryMeter } from '../registry/registry-meter.ts';
import { remembering } from '../registry/remembering.ts';
import { createRestoreTarget } from '../registry/restoring.ts';
import type { Program } from '../registry/schema-state.ts';
import { toppingUp } from '../registry/topping-up.ts';
import { VERSION } from './program.ts';
import type { RegistryLocation } from './registry-location.ts';

/** Free IDs that a pool gets that runs out: enough for a while, and made in a blink. */
const TOP_UP_STEP = 10_000;

export { migrate, migrationStatus, RegistryMeter, remembering, rollback };

export interface OpenRegistryOptions {
  /** `write` makes a SQLite file that is not there; `read` refuses it; `dry-run` takes an empty one for it. */
  readonly purpose: 'write' | 'read' | 'dry-run';
  /** Applies pending migrations first, and fills a pool that has never held an ID. */
  readonly applyMigrations?: boolean;
  /** Free IDs that a top-up leaves. */
  readonly poolTarget?: number;
  /** Whether a pool that runs out is filled. */
  readonly topUp?: boolean;
  /** Told what a person should know although the registry can be used. */
  readonly warn?: (message: string) => void;
  /** Told each time that something passing is tried again, e.g. a batch after a deadlock. */
  readonly onRetry?: () => void;
}

/**
 * Opens a registry, or says in one error why it cannot be used. There are no retries yet: a wrong name or password
 * shall be known at once.
 */
export async function openRegistry(
  location: RegistryLocation,
  {
    purpose,
    applyMigrations = false,
    poolTarget = FREE_IDS_DEFAULT,
    topUp = false,
    warn = () => {},
    onRetry = () => {},
  }: OpenRegistryOptions
): Promise<Registry> {
  const isNew = location.kind === 'sqlite' && (await isAbsent(location.path));
  if (isNew && purpose === 'dry-run') return await openEmpty(location.path, topUp, warn);
  if (applyMigrations || (isNew && purpose === 'write')) await migrateAt(location);
  const store: RegistryStore = Object.assign(await openStore(location, warn), { onRetry });
  const plain = createRegistry(store);
  // All of them are counted only where none is free: of 50 million that takes 10 s.
  if (applyMigrations && (await store.countFree(1)) === 0) {
    const { assigned } = await plain.countPool();
    if (assigned === 0) await plain.topUp(poolTarget);
  }
  const registry = topUp ? toppingUp(plain, TOP_UP_STEP) : plain;
  return purpose === 'dry-run' ? closingBoth(registry.dryRun(), registry) : registry;
}

/**
 * Opens a registry for an export to be restored into it, also one that another restore left half-way. A SQLite file that
 * is not there is made.
 *
 * @param conceptTypes - those of the export, for a file that is made; undefined for the default ones
 */
export async function openForRestore(
  location: RegistryLocation,
  { conceptTypes, warn }: { conceptTypes: ReadonlySet<string> | undefined; warn: Program['warn'] }
): Promise<RestoreTarget> {
  if (location.kind === 'sqlite' && (await isAbsent(location.path))) {
    await migrateAt(location, { conceptTypes: conceptTypes && [...conceptTypes] });
  }
  return createRestoreTarget(await openStore(location, warn, { restoring: true }));
}

/** Opens the database of a registry for its migrations, whether or not it has any tables. */
export async function openForMigrations(location: RegistryLocation): Promise<MigrationDatabase> {
  if (location.kind === 'sqlite') {
    const { openSqliteMigrations } = await import('../registry/sqlite/sqlite-migrations.ts');
    return await openSqliteMigrations(location.path);
  }
  const { openMysqlMigrations } = await import('../registry/mysql/mysql-migrations.ts');
  return await openMysqlMigrations(location);
}

function isAbsent(path: string): Promise<boolean> {
  return stat(path).then(
    ({ size }) => size === 0,
    () => true
  );
}

async function migrateAt(location: RegistryLocation, wanted: MigrateOptions = {}): Promise<void> {
  const database = await openForMigrations(location);
  try {
    await migrate(database, wanted);
  } finally {
    await database.close();
  }
}

async function openStore(
  location: RegistryLocation,
  warn: Program['warn'],
  { restoring = false }: { restoring?: boolean } = {}
): Promise<RegistryStore> {
  const program: Program = {
    restoring,
    knownMigrations: knownMigrations(location.kind),
    version: VERSION,
    warn,
  };
  if (location.kind === 'sqlite') {
    const { openSqliteStore } = await import('../registry/sqlite/sqlite-store.ts');
    return await openSqliteStore(location.path, program);
  }
  const { openMysqlStore } = await import('../registry/mysql/mysql-store.ts');
  return await openMysqlStore(location, program);
}

/** A dry run over a registry that is not there yet: everything is new. */
async function openEmpty(path: string, topUp: boolean, warn: Program['warn']): Promise<Registry> {
  const folder = await mkdtemp(join(tmpdir(), 'id-minter-'));
  const location: RegistryLocation = { kind: 'sqlite', path: join(folder, 'empty.sqlite') };
  await migrateAt(location);
  const plain = createRegistry(await openStore(location, warn));
  const registry = topUp ? toppingUp(plain, TOP_UP_STEP) : plain;
  const view = { ...registry.dryRun(), name: `sqlite:${path}` };
  return closingBoth(view, registry, () => rm(folder, { recursive: true }));
}

function closingBoth(view: Registry, below: Registry, then?: () => Promise<void>): Registry {
  const close = async (): Promise<void> => {
    await view.close();
    await below.close();
    await then?.();
  };
  return { ...view, close, [Symbol.asyncDispose]: close };
}
