import type { WriteTally } from '../../domain/registry-export.ts';
import { boundHeap } from '../../runtime/heap.ts';
import { isFolder, openExport, openExportTarget } from '../../runtime/open-export.ts';
import { openForRestore } from '../../runtime/open-registry.ts';
import type { RestoreTally } from '../../steps/restore-registry.ts';
import { restoreRegistry } from '../../steps/restore-registry.ts';
import { EXIT } from '../exit.ts';
import type { CommonOptions, Io } from '../io.ts';
import { speech } from '../io.ts';
import { describeRun, startProgress } from '../progress.ts';
import { openFor, survey } from '../session.ts';

export interface RestoreOptions extends CommonOptions {
  readonly withFree?: boolean;
}

/** `id-minter export write`: both tables of a registry as they are now, as Parquet files and a manifest. */
export async function writeExport(
  location: string,
  options: CommonOptions,
  io: Io
): Promise<number> {
  boundHeap();
  await using resources = new AsyncDisposableStack();
  const speak = speech(io, options);
  const staysLocal = isFolder(location);
  const registry = resources.use(await openFor(io, options, { purpose: 'read', staysLocal }));
  const target = resources.use(await openExportTarget(location, io.environment));
  speak.say(`Export: ${target.name}`);
  const tally: WriteTally = { canonicalIds: 0, mappings: 0, files: 0, bytes: 0 };
  using progress = startProgress(io, options, seconds => {
    const done = tally.canonicalIds + tally.mappings;
    return describeRun({ done, unit: 'rows', share: undefined, whole: '' }, seconds);
  });
  const { signal } = io;
  const manifest = await registry.snapshot(snapshot =>
    target.write({ snapshot, registry: registry.name, tally, signal })
  );
  progress.stop();
  const { canonical_ids, identifiers } = manifest.tables;
  if (options.json) {
    speak.data(
      JSON.stringify({
        export: manifest.export,
        location: target.name,
        snapshotTime: manifest.snapshotTime,
        canonicalIds: { rows: canonical_ids.rows, digest: canonical_ids.digest },
        mappings: { rows: identifiers.rows, digest: identifiers.digest },
        ...{ files: tally.files, bytes: tally.bytes },
      })
    );
  }
  speak.say(
    `Exported ${identifiers.rows} mappings and ${canonical_ids.rows} canonical IDs: ${tally.files} files.`
  );
  return EXIT.done;
}

/** `id-minter export restore`: an empty registry out of an export. */
export async function restoreExport(
  location: string,
  options: RestoreOptions,
  io: Io
): Promise<number> {
  boundHeap();
  await using resources = new AsyncDisposableStack();
  const speak = speech(io, options);
  const { location: registry } = survey(io, options, isFolder(location));
  const source = resources.use(await openExport(location, io.environment));
  const [problem] = source.problems;
  // Before a registry is made for it.
  if (problem) throw problem;
  io.signal.throwIfAborted();
  speak.say(`Export: ${source.name}`);
  const target = resources.use(
    await openForRestore(registry, {
      conceptTypes: source.conceptTypes,
      warn: message => speak.tell('warning', 'SCHEMA_NEWER', message),
    })
  );
  speak.say(`Registry: ${target.name}`);
  const tally: RestoreTally = {
    inspected: 0,
    restored: { assigned: 0, free: 0, mappings: 0 },
    expected: undefined,
  };
  const withFree = options.withFree === true;
  using progress = startProgress(io, options, seconds =>
    describeProgress(tally, withFree, seconds)
  );
  const { signal } = io;
  const ended = await restoreRegistry({ source, target, withFree, tally, signal });
  progress.stop();
  const marker = await target.marker();
  const { mappings = 0, assigned = 0, free = 0 } = marker?.restored ?? {};
  if (options.json) {
    speak.data(JSON.stringify({ outcome: ended, mappings, canonicalIds: { assigned, free } }));
  }
  speak.say(
    ended === 'already'
      ? `${target.name} was restored from this export before. Nothing was written.`
      : `Restored ${mappings} mappings, ${assigned} assigned and ${free} free canonical IDs.`
  );
  if (ended === 'restored' && !withFree) {
    speak.say('The pool is empty: `id-minter pool top-up` fills it with IDs that nobody else has.');
  }
  return EXIT.done;
}

function describeProgress(
  { inspected, restored, expected }: RestoreTally,
  withFree: boolean,
  seconds: number
): string {
  if (expected === undefined) {
    const run = { done: inspected, unit: 'rows looked at', share: undefined, whole: '' };
    return describeRun(run, seconds);
  }
  const done = restored.assigned + restored.mappings + restored.free;
  const whole = expected.assigned + expected.mappings + (withFree ? expected.free : 0);
  return describeRun(
    { done, unit: 'rows', share: whole ? done / whole : undefined, whole },
    seconds
  );
}
