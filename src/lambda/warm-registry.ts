import type { Registry } from '../domain/registry.ts';
import { openRegistry } from '../runtime/open-registry.ts';
import { locateRegistry } from '../runtime/registry-location.ts';
import type { Settings } from '../runtime/settings.ts';

/** The registry that this process has open: Lambda calls the same process again and again, one call at a time. */
let warm: Promise<Registry> | undefined;

/**
 * Works on the registry that the environment names. Its connections are kept for the next call; where the registry
 * failed as a whole they are not, and the next call opens it anew.
 *
 * @throws IdMinterError what `locateRegistry` and `openRegistry` throw, and whatever `work` does
 */
export async function withRegistry<T>(
  settings: Settings,
  work: (registry: Registry) => Promise<T>
): Promise<T> {
  warm ??= open(settings);
  try {
    return await work(await warm);
  } catch (error) {
    await closeRegistry();
    throw error;
  }
}

/** Ends all connections at once, also those at work: what they had not committed is rolled back. */
export async function closeRegistry(): Promise<void> {
  const closing = warm;
  warm = undefined;
  const registry = await closing?.catch(() => undefined);
  await registry?.close();
}

async function open(settings: Settings): Promise<Registry> {
  const location = locateRegistry(undefined, {
    environment: process.env,
    settings,
    staysLocal: false,
  });
  return await openRegistry(location, {
    purpose: 'write',
    applyMigrations: settings.APPLY_MIGRATIONS,
    poolTarget: settings.ID_GENERATOR_DESIRED_FREE_IDS_COUNT,
    warn: message => console.error(message),
  });
}
