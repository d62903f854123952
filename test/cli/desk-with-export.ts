import type { ExportFinding, ExportFindingCode } from '../../src/domain/export-audit.ts';
import type { DeskOnRegistry, RegistryKind } from './desk-on-registry.ts';
import { openDeskOn } from './desk-on-registry.ts';
import { runHere } from './in-process.ts';
import { fromLines } from './works.ts';

/** The registry of these tests: three IDs are assigned, one of them shared, and two are free. */
export const POOL = [
  ['a2345678', 'assigned'],
  ['b2345678', 'assigned'],
  ['c2345678', 'assigned'],
  ['d2345678', 'free'],
  ['e2345678', 'free'],
];
export const MAPPINGS = [
  ['Work', 'miro', 'V1', 'a2345678'],
  ['Work', 'miro', 'V2', 'b2345678'],
  ['Work', 'sierra', 'b1', 'c2345678'],
  ['Work', 'folio', 'f1', 'c2345678'],
];
/** Seconds since 1970: 2026-01-01T00:00:00Z. */
export const LONG_AGO = 1_767_225_600;

export interface DeskWithExport extends DeskOnRegistry {
  /** Where the export is that `export write` made. */
  readonly exported: string;
  /** Puts rows into the registry: all columns but the time, which is in seconds since 1970. */
  add(
    pool: readonly (readonly string[])[],
    mappings: readonly (readonly string[])[],
    createdAt: number
  ): Promise<void>;
  verify(args?: readonly string[], folder?: string): Promise<Verified>;
}

interface Verified {
  readonly status: number | null;
  readonly findings: readonly ExportFinding[];
  /** How many there are of each code, by the sums at the end. */
  readonly counts: Partial<Record<ExportFindingCode, number>>;
  readonly sums: {
    readonly audited: object | null;
    readonly compared: object | null;
  };
}

export async function openDesk(kind: RegistryKind): Promise<DeskWithExport> {
  const desk = await openDeskOn(kind, { free: 0 });
  const addRowsTo = rowsAdder(kind, desk);
  await addRowsTo(POOL, MAPPINGS, LONG_AGO);
  const exported = desk.path('export');
  await runHere(['export', 'write', exported], desk.environment);
  return Object.assign(desk, {
    exported,
    add: addRowsTo,
    verify: async (args: readonly string[] = [], folder = exported) => {
      const line = ['export', 'verify', folder, ...args, '--json'];
      const { status, stdout } = await runHere(line, desk.environment);
      const lines = fromLines<ExportFinding & Verified['sums'] & { findings: object }>(stdout);
      const sums = lines.at(-1);
      if (sums?.findings === undefined) throw new Error(`There are no sums: ${stdout}`);
      return { status, findings: lines.slice(0, -1), counts: sums.findings, sums };
    },
  });
}

/** @returns a function that puts rows with a time into the registry */
function rowsAdder({ server }: RegistryKind, { registry }: DeskOnRegistry): DeskWithExport['add'] {
  return async (pool, mappings, createdAt) => {
    const time = server ? `FROM_UNIXTIME(${createdAt})` : `datetime(${createdAt}, 'unixepoch')`;
    const list = (rows: typeof pool) =>
      rows.map(row => `('${row.join("', '")}', ${time})`).join(', ');
    await registry.sql(
      `INSERT INTO canonical_ids (CanonicalId, Status, CreatedAt) VALUES ${list(pool)}`
    );
    if (mappings.length === 0) return;
    await registry.sql(
      `INSERT INTO identifiers (OntologyType, SourceSystem, SourceId, CanonicalId, CreatedAt) VALUES ${list(mappings)}`
    );
  };
}
