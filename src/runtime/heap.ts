import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/** Of the young generation: two halves of 8 MiB. */
const YOUNG_BYTES = 16 * 1024 * 1024;
/** By how much it grows at a time. */
const STEP = 2;
const OBJECTS_A_ROUND = 2_000;
const ROUNDS_MAX = 200;

/**
 * Keeps the heap of a run small. By itself the engine collects only when the heap has grown to four times what lives in
 * it, and lets the young generation grow to 128 MiB. At twice, and at 16 MiB, minting takes as long.
 *
 * `--max-semi-space-size` comes too late in a running process; how far the young generation grows at a time is asked
 * each time that it does. So it grows here, and no further.
 */
export function boundHeap(): void {
  setFlagsFromString('--heap-growing-percent=100');
  setFlagsFromString(`--semi-space-growth-factor=${STEP}`);
  // It grows when much of it has survived a collection.
  const survivors: object[] = [];
  for (let round = 0; round < ROUNDS_MAX && youngBytes() < YOUNG_BYTES; round += 1) {
    for (let index = 0; index < OBJECTS_A_ROUND; index += 1) survivors.push({ index });
  }
  setFlagsFromString('--semi-space-growth-factor=1');
}

function youngBytes(): number {
  return getHeapSpaceStatistics().find(space => space.space_name === 'new_space')?.space_size ?? 0;
}
