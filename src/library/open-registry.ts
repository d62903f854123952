import type { Registry } from '../domain/registry.ts';
import { openRegistry as openRegistryAt } from '../runtime/open-registry.ts';
import { parseRegistryUrl } from '../runtime/registry-location.ts';
import { readSettings } from '../runtime/settings.ts';

/** How a registry is opened; every member may be left out. */
export interface OpenOptions {
  /**
   * `write`, the default, makes a SQLite file that is not there; `read` refuses it with REGISTRY_NOT_FOUND; `dry-run`
   * takes an empty one for it, and writes nothing.
   */
  readonly purpose?: 'write' | 'read' | 'dry-run';
  /** Applies pending migrations first, and fills a pool that has never held an ID. Off by default. */
  readonly applyMigrations?: boolean;
  /** Free IDs that `applyMigrations` puts into a new pool: ID_GENERATOR_DESIRED_FREE_IDS_COUNT, or 100,000. */
  readonly poolTarget?: number;
  /** Whether a pool that runs out is filled: by default only that of a `sqlite:` file, which nobody else looks after. */
  readonly topUp?: boolean;
  /** Told what a person should know although the registry can be used. Silent by default. */
  readonly warn?: (message: string) => void;
}

/**
 * Opens the registry that a URL names. Logins come from where the command line has them from: RDS_PASSWORD, the
 * secret of RDS_SECRET_NAME, IAM, or the variable or file that the URL names. It holds connections: close it, or declare it with `await using`.
 *
 * @param url - `sqlite:PATH` or `mysql://USER@HOST:PORT/DATABASE`, with `?tls=`, `?auth=iam`, `?password-env=` or
 *   `?password-file=`
 * @throws IdMinterError INVALID_CONFIGURATION for the URL or a variable; REGISTRY_NOT_FOUND, REGISTRY_ACCESS_DENIED,
 * REGISTRY_UNAVAILABLE, one of the SECRET codes or one of the SCHEMA codes where the registry cannot be used
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
