import { IdMinterError } from '../../domain/errors.ts';
import type { ExportFinding } from '../../domain/export-audit.ts';
import type { RegistryExport } from '../../domain/registry-export.ts';
import { EXPORT_TABLES } from '../../domain/registry-export.ts';
import { boundHeap } from '../../runtime/heap.ts';
import { openComparisonRoom } from '../../runtime/open-comparison-room.ts';
import { openExport } from '../../runtime/open-export.ts';
import { readSettings } from '../../runtime/settings.ts';
import { VerifyTally, verifyExport } from '../../steps/verify-export.ts';
import { EXIT } from '../exit.ts';
import type { CommonOptions, Io } from '../io.ts';
import { speech } from '../io.ts';
import { describeRun, startProgress } from '../progress.ts';
import { openFor } from '../session.ts';

export interface VerifyOptions extends CommonOptions {
  readonly against?: string;
}

/** `id-minter export verify`: reads all of an export, compares it with its registry, and changes nothing. */
export async function verify(location: string, options: VerifyOptions, io: Io): Promise<number> {
  boundHeap();
  const against = readAgainst(options);
  readSettings(io.environment);
  await using resources = new AsyncDisposableStack();
  const speak = speech(io, options);
  const registry =
    against === undefined
      ? undefined
      : resources.use(await openFor(io, { ...options, registry: against }, { purpose: 'read' }));
  const exported = resources.use(await openExport(location, io.environment));
  speak.say(`Export: ${exported.name}`);
  const room = resources.use(await openComparisonRoom());
  const tally = new VerifyTally();
  using progress = startProgress(io, options, seconds => describeProgress(tally, seconds));
  const tell = (finding: ExportFinding): void => {
    const { code, message } = finding;
    if (options.json) speak.data(JSON.stringify(finding));
    else speak.tell(code === 'TWINS' ? 'warning' : 'error', code, message);
  };
  const { signal } = io;
  await verifyExport({ exported, room, registry, tell, tally, signal });
  progress.stop();
  if (signal.aborted) return EXIT.done;
  if (options.json) speak.data(JSON.stringify(summarise(exported, tally, registry?.name)));
  else speak.data(render(tally, registry !== undefined));
  speak.say(describeEnd(tally, registry !== undefined));
  return tally.damage > 0 ? EXIT.differences : EXIT.done;
}

/** Whoever names a registry here wants the export compared with it. */
function readAgainst({ against, registry }: VerifyOptions): string | undefined {
  if (against === undefined || registry === undefined) return against ?? registry;
  throw new IdMinterError(
    'USAGE',
    'Both --against and --registry are given, and an export is compared with one registry. Nothing was done. Give ' +
      '--against alone.',
    { against, registry }
  );
}

function describeProgress(
  { doing, rows, bytes, bytesOfAll, audit }: VerifyTally,
  seconds: number
): string {
  switch (doing) {
    case 'reading': {
      const share = bytesOfAll === 0 ? undefined : bytes / bytesOfAll;
      return describeRun({ done: rows, unit: 'rows', share, whole: 'the export' }, seconds);
    }
    case 'auditing':
      return audit.readings > 1
        ? `${audit.mappings} mappings, looking at twins`
        : `${audit.mappings} mappings audited`;
    case 'loading':
      return `${rows} rows of the registry`;
    case 'comparing':
      return `${rows} rows of the registry are read, comparing`;
  }
}

function summarise(
  { name, task, snapshotTime }: RegistryExport,
  tally: VerifyTally,
  registry: string | undefined
) {
  const { files, unread, read, changes, findings } = tally;
  const { free, assigned, shared, mappings, emptyValues } = tally.audit;
  const { TWINS: twins, ...damage } = Object.fromEntries(findings);
  return {
    export: {
      ...{ name, task: task ?? null },
      snapshotTime: snapshotTime === undefined ? null : new Date(snapshotTime * 1000).toISOString(),
      files: { read: files, unreadable: unread },
      canonicalIds: read.exported.canonical_ids ?? null,
      mappings: read.exported.identifiers ?? null,
    },
    audited: unread === 0 ? { free, assigned, shared, mappings, emptyValues } : null,
    compared:
      registry === undefined || unread > 0
        ? null
        : {
            registry,
            canonicalIds: {
              ...{ ...read.registry.canonical_ids, equal: tally.isEqual('canonical_ids') },
              ...changes.canonical_ids,
            },
            mappings: {
              ...{ ...read.registry.identifiers, equal: tally.isEqual('identifiers') },
              ...{ younger: changes.identifiers.younger, undecided: changes.identifiers.undecided },
            },
          },
    findings: damage,
    warnings: twins === undefined ? {} : { TWINS: twins },
  };
}

function render(tally: VerifyTally, isCompared: boolean): string {
  const { audit, changes, findings, unread } = tally;
  const { free, assigned, mappings } = audit;
  const sum = (change: 'assigned' | 'younger' | 'undecided'): number =>
    changes.canonical_ids[change] + changes.identifiers[change];
  const counts = [
    ...(unread > 0
      ? []
      : [
          ['free', free],
          ['assigned', assigned],
          ['mappings', mappings],
        ]),
    ...(isCompared && unread === 0
      ? [
          ['assigned since', sum('assigned')],
          ['younger', sum('younger')],
          ['undecided', sum('undecided')],
        ]
      : []),
    ...findings,
  ];
  return counts.map(([what, count]) => `${what} ${count}`).join('\n');
}

function describeEnd(tally: VerifyTally, isCompared: boolean): string {
  const { audit, damage, findings, files, unread } = tally;
  const warnings = findings.get('TWINS') ?? 0;
  const found = `${damage} findings, ${warnings} warnings`;
  const sentences =
    unread === 0
      ? [`Verified ${audit.mappings} mappings in ${files} files: ${found}.`]
      : [`${unread} files are damaged, ${files} were read: ${found}. The rows were not audited.`];
  if (isCompared && unread === 0) sentences.push(describeComparison(tally));
  if (damage + warnings > 0) {
    sentences.push('Nothing was changed; docs/errors.md says of each what to do.');
  }
  return sentences.join(' ');
}

function describeComparison(tally: VerifyTally): string {
  const equal = EXPORT_TABLES.filter(table => tally.isEqual(table));
  if (equal.length === EXPORT_TABLES.length) {
    return 'The registry has the same rows in both tables.';
  }
  const { canonical_ids: pool, identifiers: mappings } = tally.changes;
  const younger = `${pool.younger} canonical IDs and ${mappings.younger} mappings are younger than the export`;
  const undecided = pool.undecided + mappings.undecided;
  return `In the registry ${pool.assigned} IDs were assigned since, ${younger}, and ${undecided} rows may be.`;
}
