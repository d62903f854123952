import { IdMinterError } from '../domain/errors.ts';
import type { ExportPage, RegistryExport, TableDigest } from '../domain/registry-export.ts';
import { EXPORT_TABLES } from '../domain/registry-export.ts';
import type { RestoreCounts, RestoreMarker, RestoreTarget } from '../domain/registry-restore.ts';
import type { MappingRecord, PoolRecord } from '../domain/registry-tables.ts';
import { DEFAULT_CONCEPT_TYPES } from '../domain/source-identifier.ts';

/** How far a restore is. */
export interface RestoreTally {
  /** Rows that were read and looked at before the first went in. */
  inspected: number;
  restored: RestoreCounts;
  /** Undefined until it is known. */
  expected: RestoreCounts | undefined;
}

export interface RestoreOptions {
  readonly source: RegistryExport;
  readonly target: RestoreTarget;
  /** Whether the free IDs come along, which a registry that lives on may hand out. */
  readonly withFree: boolean;
  readonly tally: RestoreTally;
  readonly signal: AbortSignal;
}

/** Rows a transaction: SQLite writes each page of its indexes once for all of them, and canonical IDs are all over. */
const BATCH_ROWS = 20_000;

const NONE: RestoreCounts = { assigned: 0, free: 0, mappings: 0 };

/**
 * Fills an empty registry from an export. All of the export is read and looked at before the first row goes in; said
 * again after it broke off, it goes on where it stopped.
 *
 * @returns `already` where it was all there
 * @throws IdMinterError RESTORE_REFUSED, EXPORT_INCOMPLETE, EXPORT_DAMAGED, what the registry and the export reject with;
 *   the reason of the signal
 */
export async function restoreRegistry(options: RestoreOptions): Promise<'restored' | 'already'> {
  const { source, target, tally } = options;
  const [problem] = source.problems;
  if (problem) throw problem;
  const standing = await target.marker();
  if (standing) refuseOther(options, standing);
  if (standing?.phase === 'done') return 'already';
  const begun = standing ?? (await begin(options));
  tally.expected = begun.expected;
  tally.restored = begun.restored;
  const filled = await fill(options, begun);
  await refuseOtherCounts(target, filled);
  await target.restore({
    before: filled,
    after: { ...filled, phase: 'done' },
    ids: [],
    mappings: [],
  });
  return 'restored';
}

async function begin(options: RestoreOptions): Promise<RestoreMarker> {
  const { source, target, withFree } = options;
  refuseOtherConcepts(source, target);
  const { ids, mappings } = await target.countRows();
  if (ids + mappings > 0) throw notEmpty(target, ids, mappings);
  const expected = await inspect(options);
  const { identity, name, task = name } = source;
  const marker: RestoreMarker = {
    ...{ identity, name: task, withFree, phase: 'assigned', file: 0, row: 0 },
    ...{ expected, restored: NONE },
  };
  await target.restore({ before: undefined, after: marker, ids: [], mappings: [] });
  return marker;
}

/** Reads all of an export, so that one that is damaged leaves nothing behind. */
async function inspect({ source, target, tally, signal }: RestoreOptions): Promise<RestoreCounts> {
  const counts = { ...NONE };
  await compareFiles(source, signal);
  const pool = source.newDigest();
  for (const file of source.filesOf('canonical_ids')) {
    for await (const { start, rows } of source.readPool(file)) {
      signal.throwIfAborted();
      pool.addPool(rows);
      tally.inspected += rows.length;
      for (const [index, row] of rows.entries()) {
        const unfit = whyUnfit(row);
        if (unfit) throw damaged(source, `${file.path}, row ${start + index + 1}: ${unfit}`);
        counts[row.status === 'free' ? 'free' : 'assigned'] += 1;
      }
    }
  }
  const mappings = source.newDigest();
  for (const file of source.filesOf('identifiers')) {
    for await (const { start, rows } of source.readMappings(file)) {
      signal.throwIfAborted();
      mappings.addMappings(rows);
      tally.inspected += rows.length;
      for (const [index, row] of rows.entries()) {
        const unfit = isTime(row.createdAt) ? undefined : tellTime(row.createdAt);
        if (unfit) throw damaged(source, `${file.path}, row ${start + index + 1}: ${unfit}`);
        refuseUnstorable(target, row);
      }
    }
  }
  compareDigests(source, { canonical_ids: pool, identifiers: mappings });
  return { ...counts, mappings: mappings.rows };
}

/** Before anything is decoded: no time limit ends the decoding of a file that is not what it was. */
async function compareFiles(source: RegistryExport, signal: AbortSignal): Promise<void> {
  for (const table of EXPORT_TABLES) {
    const told = source.manifest?.tables[table].files ?? [];
    const expected = new Map(told.map(({ path, sha256 }) => [path, sha256]));
    for (const file of source.filesOf(table)) {
      signal.throwIfAborted();
      const sha256 = expected.get(file.path);
      if (sha256 !== undefined && sha256 !== (await source.hash(file))) {
        throw damaged(source, `${file.path} has another SHA-256 than its manifest says`);
      }
    }
  }
}

function whyUnfit({ status, createdAt }: PoolRecord): string | undefined {
  if (status !== 'free' && status !== 'assigned') {
    return `the status ${JSON.stringify(status)} is neither free nor assigned`;
  }
  return isTime(createdAt) ? undefined : tellTime(createdAt);
}

function isTime(createdAt: number | null): boolean {
  return createdAt === null || Number.isSafeInteger(createdAt);
}

function tellTime(createdAt: number | null): string {
  return Number.isFinite(createdAt)
    ? `CreatedAt is ${createdAt} seconds since 1970, and a registry holds whole seconds`
    : 'CreatedAt is no time';
}

function compareDigests(
  source: RegistryExport,
  read: Readonly<Record<(typeof EXPORT_TABLES)[number], TableDigest>>
): void {
  const { manifest } = source;
  if (manifest === undefined) return;
  for (const table of EXPORT_TABLES) {
    const { rows, digest } = manifest.tables[table];
    if (read[table].rows !== rows) {
      const what = `${table} has ${read[table].rows} rows, and ${rows} by its manifest`;
      throw damaged(source, what);
    }
    if (read[table].value() !== digest) {
      throw damaged(source, `the rows of ${table} are not those that its manifest tells of`);
    }
  }
}

/** Phase after phase, each from where the marker says. */
async function fill(options: RestoreOptions, begun: RestoreMarker): Promise<RestoreMarker> {
  let marker = begun;
  for (const phase of ['assigned', 'mappings', 'free'] as const) {
    if (isPast(phase, marker) || (phase === 'free' && !begun.withFree)) continue;
    const first = marker.phase === phase ? marker : { file: 0, row: 0 };
    marker = await fillPhase(options, marker, phase, first);
  }
  return marker;
}

function isPast(phase: RestoreMarker['phase'], marker: RestoreMarker): boolean {
  const order = ['assigned', 'mappings', 'free', 'done'];
  return order.indexOf(phase) < order.indexOf(marker.phase);
}

async function fillPhase(
  { source, target, tally, signal }: RestoreOptions,
  begun: RestoreMarker,
  phase: 'assigned' | 'mappings' | 'free',
  first: Pick<RestoreMarker, 'file' | 'row'>
): Promise<RestoreMarker> {
  let marker = begun;
  const files = source.filesOf(phase === 'mappings' ? 'identifiers' : 'canonical_ids');
  for (const [index, file] of files.entries()) {
    if (index < first.file) continue;
    const from = index === first.file ? first.row : 0;
    const pages =
      phase === 'mappings' ? source.readMappings(file, from) : source.readPool(file, from);
    for await (const { end, rows } of gather<PoolRecord | MappingRecord>(pages)) {
      signal.throwIfAborted();
      const ids = rows.filter(isPoolRecord).filter(({ status }) => status === phase);
      const mappings = rows.filter(isMappingRecord);
      const count = ids.length + mappings.length;
      if (count === 0) continue;
      const { restored } = marker;
      const after = {
        ...{ ...marker, phase, file: index, row: end },
        restored: { ...restored, [phase]: restored[phase] + count },
      };
      await target.restore({ before: marker, after, ids, mappings });
      marker = after;
      tally.restored = after.restored;
    }
  }
  return marker;
}

/** Pages of one file as larger ones. */
async function* gather<Row>(
  pages: AsyncIterable<ExportPage<Row>>
): AsyncGenerator<{ rows: Row[]; end: number }, void, undefined> {
  let rows: Row[] = [];
  let end = 0;
  for await (const page of pages) {
    rows.push(...page.rows);
    end = page.start + page.rows.length;
    if (rows.length < BATCH_ROWS) continue;
    yield { rows, end };
    rows = [];
  }
  if (rows.length > 0) yield { rows, end };
}

function isPoolRecord(row: PoolRecord | MappingRecord): row is PoolRecord {
  return 'status' in row;
}

function isMappingRecord(row: PoolRecord | MappingRecord): row is MappingRecord {
  return 'source' in row;
}

function refuseOther({ source, target, withFree }: RestoreOptions, standing: RestoreMarker): void {
  const { identity, name, phase } = standing;
  const how = phase === 'done' ? 'was restored from' : 'is being restored from';
  if (identity !== source.identity) {
    throw new IdMinterError(
      'RESTORE_REFUSED',
      `The registry ${target.name} ${how} another export, ${name}. Nothing was written. ` +
        (phase === 'done' ? 'Name a new database.' : 'Complete that one, or name a new database.'),
      { registry: target.name, standing: name, export: source.name }
    );
  }
  if (standing.withFree === withFree) return;
  const flag = standing.withFree ? 'with --with-free' : 'without --with-free';
  throw new IdMinterError(
    'RESTORE_REFUSED',
    `The registry ${target.name} ${how} this export ${flag}. Nothing was written. ` +
      (phase === 'done'
        ? 'What it has is complete; `id-minter pool top-up` fills its pool.'
        : `Say the command ${flag}.`),
    { registry: target.name, withFree: standing.withFree }
  );
}

function refuseOtherConcepts(source: RegistryExport, target: RestoreTarget): void {
  const exported = source.conceptTypes ?? new Set(DEFAULT_CONCEPT_TYPES);
  const { conceptTypes, name } = target;
  if (exported.symmetricDifference(conceptTypes).size === 0) return;
  const list = (types: ReadonlySet<string>): string => [...types].join(',') || 'none';
  throw new IdMinterError(
    'RESTORE_REFUSED',
    `The registry ${name} looks other types up as Concept (${list(conceptTypes)}) than the exported one ` +
      `(${list(exported)}), so that it would not find what the export brings. Nothing was written. Make a new database ` +
      `with \`id-minter migrate --concept-types ${list(exported)}\`.`,
    { registry: name, conceptTypes: [...conceptTypes], exported: [...exported] }
  );
}

function refuseUnstorable({ name, canStore }: RestoreTarget, { source }: MappingRecord): void {
  const { ontologyType, sourceSystem, value } = source;
  if ([ontologyType, sourceSystem, value].every(canStore)) return;
  throw new IdMinterError(
    'RESTORE_REFUSED',
    `The registry ${name} cannot store ${ontologyType}[${sourceSystem}/${value}]: its character set lacks a character. ` +
      'Nothing was written. Make a new database with `id-minter migrate --exact`.',
    { registry: name, source }
  );
}

/** Who else wrote into it meanwhile took no notice of the marker. */
async function refuseOtherCounts(target: RestoreTarget, marker: RestoreMarker): Promise<void> {
  const { expected, withFree } = marker;
  const { ids, mappings } = await target.countRows();
  const wanted = expected.assigned + (withFree ? expected.free : 0);
  if (ids === wanted && mappings === expected.mappings) return;
  throw new IdMinterError(
    'RESTORE_REFUSED',
    `The registry ${target.name} holds ${ids} canonical IDs and ${mappings} mappings, and the export brought ${wanted} and ` +
      `${expected.mappings}: another program wrote into it meanwhile. It stays closed. Drop the database, keep others ` +
      'away, and begin anew.',
    { registry: target.name, ids, mappings, expected }
  );
}

function notEmpty({ name }: RestoreTarget, ids: number, mappings: number): IdMinterError {
  return new IdMinterError(
    'RESTORE_REFUSED',
    `The registry ${name} is not empty: it holds ${ids} canonical IDs and ${mappings} mappings. Nothing was written. Name ` +
      'a new database; `id-minter migrate` makes its tables.',
    { registry: name, ids, mappings }
  );
}

function damaged({ name }: RegistryExport, what: string): IdMinterError {
  return new IdMinterError(
    'EXPORT_DAMAGED',
    `The export ${name} is damaged: ${what}. Nothing was restored. Copy it again from where it was written, or take ` +
      'another export; `id-minter export verify` names all that is wrong.',
    { export: name, what }
  );
}
