import type { Campaign } from './campaign.ts';
import { blackHoles } from './campaigns/black-holes.ts';
import { connectionCuts } from './campaigns/connection-cuts.ts';
import { contention } from './campaigns/contention.ts';
import { exhaustion } from './campaigns/exhaustion.ts';
import { hostileValues } from './campaigns/hostile-values.ts';
import { interleavings } from './campaigns/interleavings.ts';
import { killDatabase } from './campaigns/kill-database.ts';
import { killMinters } from './campaigns/kill-minters.ts';
import { model } from './campaigns/model.ts';
import { sideBySide } from './campaigns/side-by-side.ts';
import { soak } from './campaigns/soak.ts';

/** In the order of the gate. */
export const CAMPAIGNS: readonly Campaign[] = [
  contention,
  interleavings,
  connectionCuts,
  blackHoles,
  killDatabase,
  killMinters,
  hostileValues,
  model,
  sideBySide,
  soak,
  exhaustion,
];
