import type { FindingCode } from './audit.ts';
import type { Pair } from './comparison-room.ts';
import type { ErrorCode, IdMinterError } from './errors.ts';
import type { ExportPage } from './registry-export.ts';
import type { MappingRecord, PoolRecord } from './registry-tables.ts';
import type { SourceIdentifier } from './source-identifier.ts';
import { formatSourceIdentifier } from './source-identifier.ts';

/** What can be wrong with an export: what an audit finds in a registry, what only files can have, and differences. */
export type ExportFindingCode =
  | FindingCode
  | Extract<
      ErrorCode,
      | 'EXPORT_INCOMPLETE'
      | 'EXPORT_DAMAGED'
      | 'DOUBLED_ID'
      | 'MAPPING_LOST'
      | 'MAPPING_CHANGED'
      | 'ID_LOST'
      | 'STATUS_CHANGED'
      | 'TIME_CHANGED'
      | 'NOT_EXPORTED'
      | 'CONCEPT_TYPES_CHANGED'
    >;

/** One thing that a person should look at. `message` names all that programs find in the other members. */
export interface ExportFinding {
  readonly code: ExportFindingCode;
  readonly message: string;
  /** As they are stored, which may not be of the form of a canonical ID. */
  readonly canonicalIds: readonly string[];
  readonly sources: readonly SourceIdentifier[];
  /** The file of the export, where it is about one. */
  readonly path?: string | undefined;
}

/**
 * What may come between an export and its registry and is no fault: an ID that was `free` is assigned; a row came after
 * the snapshot; a row may have come after it, as far as its time can tell.
 */
export type Change = 'assigned' | 'younger' | 'undecided';

/**
 * Clocks differ, and a row has the time at which its transaction began. What is not exported and has a time of the last
 * minutes before the snapshot may have been committed after it.
 */
const UNDECIDED_SECONDS = 15 * 60;

/** What a date can be, in seconds before and after 1970. */
const LAST_SECOND = 8.64e12;

/** What is wrong with an export as a whole or with one of its files. */
export function findProblem({ code, message, details }: IdMinterError): ExportFinding {
  const { path } = details;
  return {
    code: code === 'EXPORT_INCOMPLETE' ? code : 'EXPORT_DAMAGED',
    message,
    ...{ canonicalIds: [], sources: [] },
    ...(typeof path === 'string' ? { path } : {}),
  };
}

/** What differs from the manifest, or is a value that no registry holds. */
export function findDamage(path: string, what: string): ExportFinding {
  return {
    code: 'EXPORT_DAMAGED',
    message: `${path}: ${what}. Copy it again from where it was written, or take another export.`,
    ...{ canonicalIds: [], sources: [], path },
  };
}

/** Times that are none, or that no registry could hold: they are to the second. */
export function auditTimes({
  file,
  start,
  rows,
}: ExportPage<PoolRecord | MappingRecord>): ExportFinding[] {
  return rows.flatMap(({ canonicalId, createdAt }, index) => {
    if (createdAt === null || isTime(createdAt)) return [];
    const why = Math.abs(createdAt) <= LAST_SECOND ? 'not a whole second' : 'no time';
    const what = `row ${start + index + 1}: CreatedAt of ${canonicalId} is ${why}`;
    return [{ ...findDamage(file.path, what), canonicalIds: [canonicalId] }];
  });
}

/** A time that is none, or no whole second, is unknown. */
export function withSoundTimes<Row extends PoolRecord | MappingRecord>(
  rows: readonly Row[]
): Row[] {
  return rows.map(row =>
    row.createdAt === null || isTime(row.createdAt) ? row : { ...row, createdAt: null }
  );
}

/** A row of the pool whose ID is there already. */
export function findDoubledId(row: PoolRecord, standing: PoolRecord): ExportFinding {
  return {
    code: 'DOUBLED_ID',
    message: `${row.canonicalId} is in the pool more than once: ${showPool(standing)}, and ${showPool(row)}.`,
    ...{ canonicalIds: [row.canonicalId], sources: [] },
  };
}

/** A mapping that is there already. */
export function findDoubledMapping({ source, canonicalId }: MappingRecord): ExportFinding {
  return {
    code: 'DOUBLED_MAPPING',
    message: `${formatSourceIdentifier(source)} is there more than once with ${canonicalId}.`,
    ...{ canonicalIds: [canonicalId], sources: [source] },
  };
}

/**
 * What is to be said of an ID that is not the same on both sides.
 *
 * @param snapshotTime - seconds since 1970; undefined where nothing says it
 */
export function comparePool(
  { exported, registry }: Pair<PoolRecord>,
  snapshotTime: number | undefined
): (ExportFinding | Change)[] {
  const { canonicalId } = exported ?? registry;
  const say = (code: ExportFindingCode, what: string): ExportFinding => ({
    ...{ code, message: `${canonicalId} ${what}`, canonicalIds: [canonicalId], sources: [] },
  });
  if (exported === undefined) {
    const change = datePlace(registry.createdAt, snapshotTime);
    if (change !== 'older') return [change];
    const where = `is in the registry’s pool, ${showPool(registry)}, and not in the export of`;
    return [say('NOT_EXPORTED', `${where} ${showTime(snapshotTime)}.`)];
  }
  if (registry === undefined) {
    return [
      say('ID_LOST', `is in the export, ${showPool(exported)}, and not in the registry’s pool.`),
    ];
  }
  const said: (ExportFinding | Change)[] = [];
  const [before, now] = [exported.status, registry.status];
  if (before === 'free' && now === 'assigned') said.push('assigned');
  else if (before !== now) {
    said.push(say('STATUS_CHANGED', `is ${before} in the export and ${now} in the registry.`));
  }
  if (exported.createdAt !== registry.createdAt) {
    said.push(say('TIME_CHANGED', `${describeTimes(exported, registry)}.`));
  }
  return said;
}

/**
 * What is to be said of a mapping that is not the same on both sides.
 *
 * @param snapshotTime - seconds since 1970; undefined where nothing says it
 */
export function compareMapping(
  { exported, registry }: Pair<MappingRecord>,
  snapshotTime: number | undefined
): (ExportFinding | Change)[] {
  const say = (
    code: ExportFindingCode,
    row: MappingRecord,
    what: string,
    canonicalIds: readonly string[] = [row.canonicalId]
  ): ExportFinding => {
    const message = `${formatSourceIdentifier(row.source)} ${what}`;
    return { code, message, canonicalIds, sources: [row.source] };
  };
  if (exported === undefined) {
    const change = datePlace(registry.createdAt, snapshotTime);
    if (change !== 'older') return [change];
    return [
      say(
        'NOT_EXPORTED',
        registry,
        `with ${registry.canonicalId} is in the registry since ${showTime(registry.createdAt)}, and not in the export of ` +
          `${showTime(snapshotTime)}.`
      ),
    ];
  }
  if (registry === undefined) {
    const what = `with ${exported.canonicalId} is in the export, and not in the registry.`;
    return [say('MAPPING_LOST', exported, what)];
  }
  const said: (ExportFinding | Change)[] = [];
  const [before, now] = [exported.canonicalId, registry.canonicalId];
  if (before !== now) {
    const what = `has ${before} in the export and ${now} in the registry.`;
    said.push(say('MAPPING_CHANGED', exported, what, [before, now]));
  }
  if (exported.createdAt !== registry.createdAt) {
    const what = `with ${before} ${describeTimes(exported, registry)}.`;
    said.push(say('TIME_CHANGED', exported, what));
  }
  return said;
}

/** Which types are looked up as `Concept` on one side alone. */
export function compareConceptTypes(
  exported: ReadonlySet<string>,
  registry: ReadonlySet<string>
): ExportFinding[] {
  if (exported.symmetricDifference(registry).size === 0) return [];
  const show = (types: ReadonlySet<string>) => [...types].sort().join(', ') || 'none';
  return [
    {
      code: 'CONCEPT_TYPES_CHANGED',
      message: `The export looks up as Concept: ${show(exported)}. The registry: ${show(registry)}.`,
      ...{ canonicalIds: [], sources: [] },
    },
  ];
}

function isTime(seconds: number): boolean {
  return Number.isInteger(seconds) && Math.abs(seconds) <= LAST_SECOND;
}

/** Where a row that is not exported stands in time. */
function datePlace(
  createdAt: number | null,
  snapshotTime: number | undefined
): 'younger' | 'undecided' | 'older' {
  if (createdAt === null || snapshotTime === undefined) return 'undecided';
  if (createdAt >= snapshotTime) return 'younger';
  return createdAt >= snapshotTime - UNDECIDED_SECONDS ? 'undecided' : 'older';
}

function showPool({ status, createdAt }: PoolRecord): string {
  return `${status} since ${showTime(createdAt)}`;
}

function describeTimes(
  exported: { readonly createdAt: number | null },
  registry: { readonly createdAt: number | null }
): string {
  return `is of ${showTime(exported.createdAt)} in the export and of ${showTime(registry.createdAt)} in the registry`;
}

function showTime(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) return 'an unknown time';
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
}
