import type { Campaign } from './campaign.ts';
import { contention } from './campaigns/contention.ts';
import { interleavings } from './campaigns/interleavings.ts';
import { killDatabase } from './campaigns/kill-database.ts';
import { killMinters } from './campaigns/kill-minters.ts';

/** In the order of the gate. */
export const CAMPAIGNS: readonly Campaign[] = [
  contention,
  interleavings,
  killDatabase,
  killMinters,
];
