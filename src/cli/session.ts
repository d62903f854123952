import type { Registry } from '../domain/registry.ts';
import { openRegistry } from '../runtime/open-registry.ts';
import type { RegistryLocation } from '../runtime/registry-location.ts';
import { locateRegistry } from '../runtime/registry-location.ts';
import type { Settings } from '../runtime/settings.ts';
import { describeIdleVariables, readSettings } from '../runtime/settings.ts';
import type { CommonOptions, Io } from './io.ts';
import { speech } from './io.ts';

/** What a command line and the environment say together about the registry. */
export interface Surroundings {
  readonly settings: Settings;
  readonly location: RegistryLocation;
}

/** @param staysLocal - whether all that is read and written besides the registry is a file, an argument or a pipe */
export function survey(io: Io, { registry }: CommonOptions, staysLocal = true): Surroundings {
  const { environment } = io;
  const settings = readSettings(environment);
  return {
    settings,
    location: locateRegistry(registry, { environment, settings, staysLocal }),
  };
}

export interface OpenForOptions {
  readonly purpose: 'write' | 'read' | 'dry-run';
  readonly applyMigrations?: boolean | undefined;
  /** Whether to fill the pool when it runs out; by default only where nobody else looks after it. */
  readonly topUp?: boolean | undefined;
  /** Whether all else that is read and written is a file, an argument or a pipe; so by default. */
  readonly staysLocal?: boolean;
  /** Told each time that something passing is tried again. */
  readonly onRetry?: () => void;
}

/** Opens the registry that a command works on, and says which one it is. */
export async function openFor(
  io: Io,
  options: CommonOptions,
  { purpose, applyMigrations, topUp, staysLocal, onRetry }: OpenForOptions
): Promise<Registry> {
  // Stopped while it waited for its input: no registry is made for that.
  io.signal.throwIfAborted();
  const { settings, location } = survey(io, options, staysLocal);
  const { say, tell } = speech(io, options);
  const registry = await openRegistry(location, {
    purpose,
    applyMigrations: purpose === 'write' && (applyMigrations ?? settings.APPLY_MIGRATIONS),
    poolTarget: settings.ID_GENERATOR_DESIRED_FREE_IDS_COUNT,
    topUp: topUp ?? location.kind === 'sqlite',
    warn: message => tell('warning', 'SCHEMA_NEWER', message),
    ...(onRetry && { onRetry }),
  });
  for (const sentence of describeIdleVariables(io.environment)) say(sentence);
  say(`Registry: ${registry.name}${purpose === 'dry-run' ? ' (dry run: nothing is written)' : ''}`);
  return registry;
}
