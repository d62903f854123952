import type { ComparisonRoom, Side } from '../domain/comparison-room.ts';
import { IdMinterError } from '../domain/errors.ts';
import type { Change, ExportFinding, ExportFindingCode } from '../domain/export-audit.ts';
import {
  auditTimes,
  compareConceptTypes,
  compareMapping,
  comparePool,
  findDamage,
  findDoubledId,
  findDoubledMapping,
  findProblem,
  withSoundTimes,
} from '../domain/export-audit.ts';
import type { Registry } from '../domain/registry.ts';
import type {
  ExportFile,
  ExportPage,
  ExportTable,
  ManifestFile,
  RegistryExport,
  TableDigest,
} from '../domain/registry-export.ts';
import { EXPORT_TABLES } from '../domain/registry-export.ts';
import type { MappingRecord, PoolRecord } from '../domain/registry-tables.ts';
import { DEFAULT_CONCEPT_TYPES } from '../domain/source-identifier.ts';
import { CheckTally, checkRegistry } from './check-registry.ts';

export interface VerifyExportOptions {
  readonly exported: RegistryExport;
  /** Empty. */
  readonly room: ComparisonRoom;
  /** What the export shall be compared with: the registry that it was made from, which may have gone on since. */
  readonly registry?: Pick<Registry, 'conceptTypes' | 'snapshot'> | undefined;
  /** Told of every finding as it is found. */
  readonly tell: (finding: ExportFinding) => void;
  /** The counts while it goes on. */
  readonly tally?: VerifyTally;
  /** Ends it after the page at hand. */
  readonly signal?: AbortSignal | undefined;
}

/** How the rows of a table were read on one side. */
export interface TableRead {
  readonly rows: number;
  readonly digest: string;
}

/** What was seen and what was found, exactly, however much it was. */
export class VerifyTally {
  doing: 'reading' | 'auditing' | 'loading' | 'comparing' = 'reading';
  /** Of the export, as they are read. */
  rows = 0;
  files = 0;
  /** Bytes of files that were read, and of all. */
  bytes = 0;
  bytesOfAll = 0;
  /** Files that are not those of the manifest or could not be read to their end; then no row is audited or compared. */
  unread = 0;
  /** What the audit counted. */
  readonly audit = new CheckTally();
  readonly read: Record<Side, Partial<Record<ExportTable, TableRead>>> = {
    exported: {},
    registry: {},
  };
  readonly changes: Record<ExportTable, Record<Change, number>> = {
    canonical_ids: { assigned: 0, younger: 0, undecided: 0 },
    identifiers: { assigned: 0, younger: 0, undecided: 0 },
  };
  readonly findings = new Map<ExportFindingCode, number>();

  /** Findings that are damage. */
  get damage(): number {
    let sum = 0;
    for (const [code, count] of this.findings) if (code !== 'TWINS') sum += count;
    return sum;
  }

  /** Whether the export and the registry have the same rows of a table. */
  isEqual(table: ExportTable): boolean {
    const { exported, registry } = this.read;
    return exported[table] !== undefined && exported[table].digest === registry[table]?.digest;
  }

  found({ code }: ExportFinding): void {
    this.findings.set(code, (this.findings.get(code) ?? 0) + 1);
  }
}

/**
 * Reads all of an export and says what is wrong with it: whether it is whole, each file is what its manifest says, and
 * the rows are those of a sound registry; then, with a registry, that nothing in it was lost or changed since, and that
 * what is not exported came later. Changes nothing.
 *
 * @throws IdMinterError where the export or the registry cannot be reached, or there is no room
 */
export async function verifyExport(options: VerifyExportOptions): Promise<VerifyTally> {
  const { exported, room, registry, tell, tally = new VerifyTally(), signal } = options;
  const say = (finding: ExportFinding): void => {
    tally.found(finding);
    tell(finding);
  };
  const verification: Verification = { exported, room, tally, signal, say };
  for (const problem of exported.problems) say(findProblem(problem));
  await readTables(verification);
  if (tally.unread > 0 || signal?.aborted) return tally;
  tally.doing = 'auditing';
  const conceptTypes =
    exported.conceptTypes ?? registry?.conceptTypes ?? new Set(DEFAULT_CONCEPT_TYPES);
  await checkRegistry({
    ...{ registry: room.exported(conceptTypes), tally: tally.audit, signal },
    tell: say,
  });
  if (registry && !signal?.aborted) await compare(verification, registry);
  return tally;
}

interface Verification {
  readonly exported: RegistryExport;
  readonly room: ComparisonRoom;
  readonly tally: VerifyTally;
  readonly signal: AbortSignal | undefined;
  readonly say: (finding: ExportFinding) => void;
}

async function readTables(verification: Verification): Promise<void> {
  const { exported, room, tally, say } = verification;
  for (const table of EXPORT_TABLES) {
    for (const { bytes } of exported.filesOf(table)) tally.bytesOfAll += bytes;
  }
  await readTable(verification, 'canonical_ids', digest =>
    room.loadPool(
      'exported',
      readFiles(
        verification,
        'canonical_ids',
        file => exported.readPool(file),
        rows => digest.addPool(rows)
      ),
      (row, standing) => say(findDoubledId(row, standing))
    )
  );
  await readTable(verification, 'identifiers', digest =>
    room.loadMappings(
      'exported',
      readFiles(
        verification,
        'identifiers',
        file => exported.readMappings(file),
        rows => digest.addMappings(rows)
      ),
      row => say(findDoubledMapping(row))
    )
  );
}

/** Reads one table, and compares it as a whole with the manifest. */
async function readTable(
  { exported, tally, say, signal }: Verification,
  table: ExportTable,
  load: (digest: TableDigest) => Promise<void>
): Promise<void> {
  const digest = exported.newDigest();
  const unread = tally.unread;
  await load(digest);
  if (signal?.aborted || tally.unread > unread) return;
  const read = { rows: digest.rows, digest: digest.value() };
  tally.read.exported[table] = read;
  const manifest = exported.manifest?.tables[table];
  if (manifest && manifest.rows !== read.rows) {
    say(findDamage(table, `it has ${read.rows} rows, and ${manifest.rows} by the manifest`));
  } else if (manifest && manifest.digest !== read.digest) {
    say(findDamage(table, `its digest is ${read.digest}, and ${manifest.digest} by the manifest`));
  }
}

/** The rows of all files of a table; what is wrong with a file is told, and the next one is read. */
async function* readFiles<Row extends PoolRecord | MappingRecord>(
  { exported, tally, say, signal }: Verification,
  table: ExportTable,
  read: (file: ExportFile) => AsyncIterable<ExportPage<Row>>,
  add: (rows: readonly Row[]) => void
): AsyncGenerator<readonly Row[], void, undefined> {
  const manifest = new Map(exported.manifest?.tables[table].files.map(file => [file.path, file]));
  for (const file of exported.filesOf(table)) {
    const expected = manifest.get(file.path);
    let rows = 0;
    try {
      const change = await findChange(exported, file, expected);
      if (change) {
        tally.unread += 1;
        for (const finding of change) say(finding);
        continue;
      }
      for await (const page of read(file)) {
        if (signal?.aborted) return;
        rows += page.rows.length;
        tally.rows += page.rows.length;
        add(page.rows);
        const findings = auditTimes(page);
        for (const finding of findings) say(finding);
        yield findings.length === 0 ? page.rows : withSoundTimes(page.rows);
      }
      if (expected && expected.rows !== rows) {
        say(findDamage(file.path, `it has ${rows} rows, and ${expected.rows} by the manifest`));
      }
      tally.files += 1;
    } catch (error) {
      if (!(error instanceof IdMinterError) || error.code !== 'EXPORT_DAMAGED') throw error;
      tally.unread += 1;
      say(findProblem(error));
    }
    tally.bytes += file.bytes;
  }
}

/**
 * A file that is not the one that was written is not decoded: nothing bounds what its bytes could make of that.
 *
 * @returns undefined where it is as its manifest says, or has none
 */
async function findChange(
  exported: RegistryExport,
  file: ExportFile,
  expected: ManifestFile | undefined
): Promise<ExportFinding[] | undefined> {
  if (expected === undefined) return undefined;
  // Another length was told when the export was opened.
  if (expected.bytes !== file.bytes) return [];
  const sha256 = await exported.hash(file);
  if (sha256 === expected.sha256) return undefined;
  return [
    findDamage(file.path, `its SHA-256 is ${sha256}, and ${expected.sha256} by the manifest`),
  ];
}

async function compare(
  { exported, room, tally, signal, say }: Verification,
  registry: Pick<Registry, 'conceptTypes' | 'snapshot'>
): Promise<void> {
  tally.doing = 'loading';
  tally.rows = 0;
  await registry.snapshot(async tables => {
    const digests = { canonical_ids: exported.newDigest(), identifiers: exported.newDigest() };
    const pass = <Row>(pages: AsyncIterable<readonly Row[]>, add: (rows: readonly Row[]) => void) =>
      passing(pages, tally, signal, add);
    const { canonical_ids: ids, identifiers: mappings } = digests;
    const cannotBe = (): void => undefined;
    await room.loadPool(
      'registry',
      pass(tables.canonicalIds(), rows => ids.addPool(rows)),
      cannotBe
    );
    await room.loadMappings(
      'registry',
      pass(tables.identifiers(), rows => mappings.addMappings(rows)),
      cannotBe
    );
    for (const table of EXPORT_TABLES) {
      const digest = digests[table];
      tally.read.registry[table] = { rows: digest.rows, digest: digest.value() };
    }
  });
  if (signal?.aborted) return;
  tally.doing = 'comparing';
  if (exported.conceptTypes) {
    for (const finding of compareConceptTypes(exported.conceptTypes, registry.conceptTypes)) {
      say(finding);
    }
  }
  const judge = (table: ExportTable, said: readonly (ExportFinding | Change)[]): void => {
    for (const one of said) {
      if (typeof one === 'string') tally.changes[table][one] += 1;
      else say(one);
    }
  };
  const { snapshotTime } = exported;
  for await (const pairs of room.poolPairs()) {
    if (signal?.aborted) return;
    for (const pair of pairs) judge('canonical_ids', comparePool(pair, snapshotTime));
  }
  for await (const pairs of room.mappingPairs()) {
    if (signal?.aborted) return;
    for (const pair of pairs) judge('identifiers', compareMapping(pair, snapshotTime));
  }
}

/** What goes by is counted, until the signal. */
async function* passing<Row>(
  pages: AsyncIterable<readonly Row[]>,
  tally: VerifyTally,
  signal: AbortSignal | undefined,
  add: (rows: readonly Row[]) => void
): AsyncGenerator<readonly Row[], void, undefined> {
  for await (const rows of pages) {
    if (signal?.aborted) return;
    tally.rows += rows.length;
    add(rows);
    yield rows;
  }
}
