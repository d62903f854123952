import type { Context } from 'aws-lambda';
import { readSettings } from '../runtime/settings.ts';
import { asReported } from './failing.ts';
import { withRegistry } from './warm-registry.ts';

/** What the pool holds now, and how many of it are new. */
export interface IdGeneratorReply {
  readonly status: 'success';
  readonly free: number;
  readonly added: number;
}

/**
 * Fills the pool to ID_GENERATOR_DESIRED_FREE_IDS_COUNT free canonical IDs. Whatever the event says means the same, so
 * that any schedule can start it.
 */
export async function handler(_event: unknown, _context: Context): Promise<IdGeneratorReply> {
  try {
    const settings = readSettings(process.env);
    const target = settings.ID_GENERATOR_DESIRED_FREE_IDS_COUNT;
    const { free, added } = await withRegistry(settings, registry => registry.topUp(target));
    return { status: 'success', free, added };
  } catch (error) {
    throw asReported(error);
  }
}
