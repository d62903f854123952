import type { Registry } from '../domain/registry.ts';
import type { OpenRegistryOptions } from './open-registry.ts';
import { openRegistry as openRegistryAt } from './open-registry.ts';
import { parseRegistryUrl } from './registry-location.ts';
import { readSettings } from './settings.ts';

/** `purpose` is `write` where it is left out; `topUp` is on for `sqlite:` only, whose pool nobody else looks after. */
export type OpenOptions = Partial<OpenRegistryOptions>;

/**
 * Opens the registry that a URL names, for a program that uses this library. Passwords come from where the command
 * line has them from: RDS_PASSWORD, or what the URL names.
 *
 * @param url - `sqlite:PATH` or `mysql://USER@HOST:PORT/DATABASE`
 * @throws IdMinterError INVALID_CONFIGURATION, or why the registry cannot be used
 */
export async function openRegistry(url: string, options: OpenOptions = {}): Promise<Registry> {
  const environment = process.env;
  const settings = readSettings(environment);
  const location = parseRegistryUrl(url, { environment, settings });
  return await openRegistryAt(location, {
    purpose: 'write',
    poolTarget: settings.ID_GENERATOR_DESIRED_FREE_IDS_COUNT,
    topUp: location.kind === 'sqlite',
    ...options,
  });
}
