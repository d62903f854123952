import type { Workload } from './workload.ts';
import { cold } from './workloads/cold.ts';
import { help, memory, sqliteAssign } from './workloads/command-line.ts';
import { exportAndBack } from './workloads/export.ts';
import { findWork } from './workloads/find-work.ts';
import { functionsStart } from './workloads/functions.ts';
import { largeBatch } from './workloads/large-batch.ts';
import { lookUp, lookUpGrowth } from './workloads/look-up.ts';
import { mintNew } from './workloads/mint-new.ts';
import { mintersOwn, mintersShared } from './workloads/minters.ts';
import { worksFile } from './workloads/works-file.ts';
import { WORKS_IN_MEMORY } from './workloads/works-in-memory.ts';
import { worksIndex } from './workloads/works-index.ts';

/** In the order of the page. */
export const WORKLOADS: readonly Workload[] = [
  ...[lookUp, lookUpGrowth, mintNew, ...WORKS_IN_MEMORY, mintersShared, mintersOwn, largeBatch],
  ...[
    worksFile,
    worksIndex,
    findWork,
    exportAndBack,
    sqliteAssign,
    memory,
    help,
    functionsStart,
    cold,
  ],
];
