import { EXIT } from '../exit.ts';
import type { CommonOptions, Io } from '../io.ts';
import { speech } from '../io.ts';
import { describeRun, startProgress } from '../progress.ts';
import { openFor, survey } from '../session.ts';

export interface PoolOptions extends CommonOptions {
  readonly target?: number;
}

/** `id-minter pool`: how many canonical IDs are free and assigned. */
export async function showPool(options: CommonOptions, io: Io): Promise<number> {
  await using registry = await openFor(io, options, { purpose: 'read' });
  const { free, assigned } = await registry.countPool();
  speech(io, options).data(
    options.json ? JSON.stringify({ free, assigned }) : `free ${free}\nassigned ${assigned}`
  );
  return EXIT.done;
}

/** `id-minter pool top-up`: adds free canonical IDs. */
export async function topUpPool(options: PoolOptions, io: Io): Promise<number> {
  const { settings } = survey(io, options);
  await using registry = await openFor(io, options, { purpose: 'write' });
  const target = options.target ?? settings.ID_GENERATOR_DESIRED_FREE_IDS_COUNT;
  let [done, whole] = [0, 0];
  using progress = startProgress(io, options, seconds => {
    const share = whole > 0 ? done / whole : undefined;
    return describeRun({ done, unit: 'IDs added', share, whole }, seconds);
  });
  const { free, added } = await registry.topUp(target, soFar => {
    done = soFar.added;
    whole = soFar.added + soFar.missing;
  });
  progress.stop();
  speech(io, options).data(
    options.json ? JSON.stringify({ free, added }) : `free ${free}\nadded ${added}`
  );
  return EXIT.done;
}
