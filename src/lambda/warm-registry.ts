import type { RegistryFigures } from '../domain/notices.ts';
import type { Registry } from '../domain/registry.ts';
import { openRegistry, RegistryMeter } from '../runtime/open-registry.ts';
import { locateRegistry } from '../runtime/registry-location.ts';
import type { Call } from './call.ts';

/** The registry that this process has open: Lambda calls the same process again and again, one call at a time. */
let warm: Promise<Registry> | undefined;

const METER = new RegistryMeter();

/** The registry, and what a run took of it. */
export interface WarmRegistry {
  readonly registry: Registry;
  /** Since the last time; also when it is closed. */
  readonly figures: () => Promise<RegistryFigures>;
}

/**
 * Works on the registry that the environment names. Its connections are kept for the next call; where the work failed
 * they are not, and the next call opens it anew.
 *
 * @throws IdMinterError what `locateRegistry` and `openRegistry` throw, and whatever `work` does
 */
export async function withRegistry<T>(
  call: Call,
  work: (warm: WarmRegistry) => Promise<T>
): Promise<T> {
  warm ??= open(call);
  try {
    const registry = await warm;
    return await work({ registry: METER.timing(registry), figures: () => METER.take(registry) });
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

async function open({ settings, log }: Call): Promise<Registry> {
  const location = locateRegistry(undefined, {
    environment: process.env,
    settings,
    staysLocal: false,
  });
  return await openRegistry(location, {
    purpose: 'write',
    applyMigrations: settings.APPLY_MIGRATIONS,
    poolTarget: settings.ID_GENERATOR_DESIRED_FREE_IDS_COUNT,
    warn: message => log.warning('Warning', { code: 'SCHEMA_NEWER', detail: message }),
    onRetry: METER.onRetry,
  });
}
