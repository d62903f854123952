import type { Campaign } from './campaign.ts';
import { contention } from './campaigns/contention.ts';

/** In the order of the gate. */
export const CAMPAIGNS: readonly Campaign[] = [contention];
