import { copyFile, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import type { ExportFinding, ExportFindingCode } from '../../src/domain/export-audit.ts';
import type { ExportTable, Manifest } from '../../src/domain/registry-export.ts';
import type { RdsShape } from '../support/rewritten-exports.ts';
import { partsOf, rewriteAsRds, rewritePart } from '../support/rewritten-exports.ts';
import type { DeskOnRegistry, RegistryKind } from './desk-on-registry.ts';
import { openDeskOn, REGISTRY_KINDS } from './desk-on-registry.ts';
import { runHere } from './in-process.ts';
import { fromLines } from './works.ts';

/** The registry of these tests: three IDs are assigned, one of them shared, and two are free. */
const POOL = [
  ['a2345678', 'assigned'],
  ['b2345678', 'assigned'],
  ['c2345678', 'assigned'],
  ['d2345678', 'free'],
  ['e2345678', 'free'],
];
const MAPPINGS = [
  ['Work', 'miro', 'V1', 'a2345678'],
  ['Work', 'miro', 'V2', 'b2345678'],
  ['Work', 'sierra', 'b1', 'c2345678'],
  ['Work', 'folio', 'f1', 'c2345678'],
];
/** Seconds since 1970: 2026-01-01T00:00:00Z. */
const LONG_AGO = 1_767_225_600;

interface DeskWithExport extends DeskOnRegistry {
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

async function openDesk(kind: RegistryKind): Promise<DeskWithExport> {
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

/** Something that is done to an export, or to the registry after it was made. */
interface Tampering {
  readonly name: string;
  readonly tamper: (desk: DeskWithExport) => Promise<unknown>;
  /** What is found by the export alone, with its manifest: nothing where the registry was changed. */
  readonly alone?: readonly [code: ExportFindingCode, named: string] | undefined;
  /** All that is found without the manifest, in comparison with the registry: for each finding what it names. */
  readonly against: Partial<Record<ExportFindingCode, readonly string[]>>;
}

const POOL_PART = 'identifiers/canonical_ids/1/part-00000.gz.parquet';
const MAPPINGS_PART = 'identifiers/identifiers/1/part-00000.gz.parquet';

const edit =
  (table: ExportTable, ...statements: readonly string[]) =>
  async ({ exported }: DeskWithExport) => {
    for (const part of await partsOf(exported, table)) await rewritePart(part, statements);
  };
const remove =
  (path: string) =>
  ({ exported }: DeskWithExport) =>
    rm(`${exported}/${path}`, { recursive: true });
const sql =
  (...statements: readonly string[]) =>
  async ({ registry }: DeskWithExport) => {
    for (const statement of statements) await registry.sql(statement);
  };

const inPool = ['EXPORT_DAMAGED', POOL_PART] as const;
const inMappings = ['EXPORT_DAMAGED', MAPPINGS_PART] as const;

const ROWS: readonly Tampering[] = [
  {
    name: 'a doubled mapping',
    tamper: edit('identifiers', "INSERT INTO part SELECT * FROM part WHERE SourceId = 'V1'"),
    alone: inMappings,
    against: { DOUBLED_MAPPING: ['Work[miro/V1] is there more than once with a2345678'] },
  },
  {
    name: 'a source identifier with two IDs',
    tamper: edit(
      'identifiers',
      "INSERT INTO part SELECT * REPLACE ('b2345678' AS CanonicalId) FROM part WHERE SourceId = 'V1'"
    ),
    alone: inMappings,
    against: {
      DOUBLED_MAPPING: ['Work[miro/V1] is there more than once'],
      MAPPING_LOST: ['Work[miro/V1] with b2345678'],
    },
  },
  {
    name: 'a doubled ID',
    tamper: edit(
      'canonical_ids',
      "INSERT INTO part SELECT * REPLACE ('assigned' AS Status) FROM part WHERE CanonicalId = 'd2345678'"
    ),
    alone: inPool,
    against: { DOUBLED_ID: [`d2345678 is in the pool more than once: free since 2026-01-01`] },
  },
  {
    name: 'a missing mapping',
    tamper: edit('identifiers', "DELETE FROM part WHERE SourceId = 'V2'"),
    alone: inMappings,
    against: { ASSIGNED_BUT_UNUSED: ['b2345678'], NOT_EXPORTED: ['Work[miro/V2] with b2345678'] },
  },
  {
    name: 'a missing mapping whose ID another one has',
    tamper: edit('identifiers', "DELETE FROM part WHERE SourceId = 'f1'"),
    alone: inMappings,
    against: { NOT_EXPORTED: ['Work[folio/f1] with c2345678'] },
  },
  {
    name: 'a missing free ID',
    tamper: edit('canonical_ids', "DELETE FROM part WHERE CanonicalId = 'd2345678'"),
    alone: inPool,
    against: { NOT_EXPORTED: ['d2345678 is in the registry’s pool, free'] },
  },
  {
    name: 'a missing ID that a mapping has',
    tamper: edit('canonical_ids', "DELETE FROM part WHERE CanonicalId = 'b2345678'"),
    alone: inPool,
    against: { ORPHAN_MAPPING: ['b2345678'], NOT_EXPORTED: ['b2345678'] },
  },
  {
    name: 'an ID that no registry gave',
    tamper: edit(
      'canonical_ids',
      "INSERT INTO part SELECT * REPLACE ('k2345678' AS CanonicalId) FROM part WHERE CanonicalId = 'd2345678'"
    ),
    alone: inPool,
    against: { ID_LOST: ['k2345678 is in the export, free'] },
  },
  {
    name: 'a changed ID',
    tamper: edit('identifiers', "UPDATE part SET CanonicalId = 'c2345678' WHERE SourceId = 'V1'"),
    alone: inMappings,
    against: {
      ASSIGNED_BUT_UNUSED: ['a2345678'],
      MAPPING_CHANGED: ['Work[miro/V1] has c2345678 in the export and a2345678 in the registry'],
    },
  },
  {
    name: 'swapped IDs of two mappings',
    tamper: edit(
      'identifiers',
      "UPDATE part SET CanonicalId = CASE SourceId WHEN 'V1' THEN 'b2345678' ELSE 'a2345678' END WHERE SourceSystem = 'miro'"
    ),
    alone: inMappings,
    against: {
      MAPPING_CHANGED: ['Work[miro/V1] has b2345678', 'Work[miro/V2] has a2345678'],
    },
  },
  {
    name: 'a free ID that a mapping uses',
    tamper: edit('identifiers', "UPDATE part SET CanonicalId = 'd2345678' WHERE SourceId = 'f1'"),
    alone: inMappings,
    against: {
      USED_BUT_FREE: ['d2345678'],
      MAPPING_CHANGED: ['Work[folio/f1] has d2345678 in the export and c2345678 in the registry'],
    },
  },
  {
    name: 'a status moved back from assigned to free',
    tamper: edit('canonical_ids', "UPDATE part SET Status = 'free' WHERE CanonicalId = 'a2345678'"),
    alone: inPool,
    against: { USED_BUT_FREE: ['a2345678'] },
  },
  {
    name: 'a status moved from free to assigned',
    tamper: edit(
      'canonical_ids',
      "UPDATE part SET Status = 'assigned' WHERE CanonicalId = 'd2345678'"
    ),
    alone: inPool,
    against: {
      ASSIGNED_BUT_UNUSED: ['d2345678'],
      STATUS_CHANGED: ['d2345678 is assigned in the export and free in the registry'],
    },
  },
  {
    name: 'an unknown status',
    tamper: edit('canonical_ids', "UPDATE part SET Status = 'used' WHERE CanonicalId = 'd2345678'"),
    alone: inPool,
    against: { UNKNOWN_STATUS: ['d2345678'], STATUS_CHANGED: ['d2345678 is used in the export'] },
  },
  {
    name: 'a malformed ID',
    tamper: edit(
      'canonical_ids',
      "UPDATE part SET CanonicalId = 'D2345678' WHERE CanonicalId = 'd2345678'"
    ),
    alone: inPool,
    against: { MALFORMED_ID: ['"D2345678"'], ID_LOST: ['D2345678'], NOT_EXPORTED: ['d2345678'] },
  },
  {
    name: 'a changed time of a mapping',
    tamper: edit(
      'identifiers',
      "UPDATE part SET CreatedAt = CreatedAt + INTERVAL 1 SECOND WHERE SourceId = 'V1'"
    ),
    alone: inMappings,
    against: {
      TIME_CHANGED: [
        'Work[miro/V1] with a2345678 is of 2026-01-01T00:00:01Z in the export and of 2026-01-01T00:00:00Z in the registry',
      ],
    },
  },
  {
    name: 'a changed time of an ID',
    tamper: edit(
      'canonical_ids',
      "UPDATE part SET CreatedAt = CreatedAt - INTERVAL 1 DAY WHERE CanonicalId = 'd2345678'"
    ),
    alone: inPool,
    against: { TIME_CHANGED: ['d2345678 is of 2025-12-31T00:00:00Z in the export'] },
  },
  {
    name: 'a time that is lost',
    tamper: edit('identifiers', "UPDATE part SET CreatedAt = NULL WHERE SourceId = 'V1'"),
    alone: inMappings,
    against: { TIME_CHANGED: ['is of an unknown time in the export'] },
  },
  {
    name: 'a time with a fraction of a second',
    tamper: edit(
      'identifiers',
      "UPDATE part SET CreatedAt = CreatedAt + INTERVAL 1 MILLISECOND WHERE SourceId = 'V1'"
    ),
    alone: inMappings,
    against: {
      EXPORT_DAMAGED: ['CreatedAt of a2345678 is not a whole second'],
      TIME_CHANGED: ['Work[miro/V1]'],
    },
  },
  {
    name: 'a time that is none',
    tamper: edit(
      'canonical_ids',
      "ALTER TABLE part ALTER CreatedAt TYPE VARCHAR USING strftime(CreatedAt, '%Y-%m-%d %H:%M:%S')",
      "UPDATE part SET CreatedAt = 'yesterday' WHERE CanonicalId = 'd2345678'"
    ),
    alone: inPool,
    against: {
      EXPORT_DAMAGED: ['row 4: CreatedAt of d2345678 is no time'],
      TIME_CHANGED: ['d2345678'],
    },
  },
  {
    name: 'a spelling changed in case',
    tamper: edit('identifiers', "UPDATE part SET SourceId = 'v1' WHERE SourceId = 'V1'"),
    alone: inMappings,
    against: {
      MAPPING_LOST: ['Work[miro/v1] with a2345678'],
      NOT_EXPORTED: ['Work[miro/V1] with a2345678'],
    },
  },
  {
    name: 'a space at the end of a value',
    tamper: edit('identifiers', "UPDATE part SET SourceId = 'V1 ' WHERE SourceId = 'V1'"),
    alone: inMappings,
    against: {
      MAPPING_LOST: ['Work[miro/V1 ] with a2345678'],
      NOT_EXPORTED: ['Work[miro/V1] with a2345678'],
    },
  },
  {
    name: 'a type that is looked up as Concept',
    tamper: edit('identifiers', "UPDATE part SET OntologyType = 'Person' WHERE SourceId = 'V1'"),
    alone: inMappings,
    against: {
      UNFOLDED_TYPE: ['Person[miro/V1]'],
      MAPPING_LOST: ['Person[miro/V1]'],
      NOT_EXPORTED: ['Work[miro/V1]'],
    },
  },
  {
    name: 'rows of another registry',
    tamper: async desk => {
      const other = "CanonicalId = 'z2345678'";
      await edit(
        'canonical_ids',
        "DELETE FROM part WHERE CanonicalId <> 'a2345678'",
        `UPDATE part SET ${other}`
      )(desk);
      await edit('identifiers', `UPDATE part SET SourceSystem = 'calm', ${other}`)(desk);
    },
    alone: inPool,
    against: {
      ID_LOST: ['z2345678'],
      MAPPING_LOST: ['calm/V1', 'calm/V2', 'calm/b1', 'calm/f1'],
      NOT_EXPORTED: [
        ...POOL.map(([id]) => `${id} is in the registry’s pool`),
        ...MAPPINGS.map(([type, system, value]) => `${type}[${system}/${value}]`),
      ],
    },
  },
];

const FILES: readonly Tampering[] = [
  {
    name: 'a flipped byte in the data',
    tamper: flip(MAPPINGS_PART, 'data'),
    alone: inMappings,
    against: { EXPORT_DAMAGED: [MAPPINGS_PART] },
  },
  {
    name: 'a flipped byte in the footer',
    tamper: flip(POOL_PART, 'footer'),
    alone: inPool,
    against: { EXPORT_DAMAGED: [POOL_PART] },
  },
  {
    name: 'a truncated file',
    tamper: async ({ exported }) => {
      const { size } = await stat(`${exported}/${MAPPINGS_PART}`);
      await using file = await open(`${exported}/${MAPPINGS_PART}`, 'r+');
      await file.truncate(size - 100);
    },
    alone: inMappings,
    against: { EXPORT_DAMAGED: [MAPPINGS_PART] },
  },
  {
    name: 'an empty file',
    tamper: ({ exported }) => writeFile(`${exported}/${POOL_PART}`, ''),
    alone: inPool,
    against: { EXPORT_DAMAGED: [POOL_PART] },
  },
  {
    name: 'a file that is no Parquet',
    tamper: ({ exported }) =>
      writeFile(`${exported}/${POOL_PART}`, 'notes, and no table\n'.repeat(50)),
    alone: inPool,
    against: { EXPORT_DAMAGED: [POOL_PART] },
  },
  {
    name: 'a missing part',
    tamper: remove(MAPPINGS_PART),
    alone: ['EXPORT_INCOMPLETE', MAPPINGS_PART],
    against: {
      ASSIGNED_BUT_UNUSED: ['a2345678', 'b2345678', 'c2345678'],
      NOT_EXPORTED: ['V1', 'V2', 'b1', 'f1'],
    },
  },
  {
    name: 'a part that came along',
    tamper: ({ exported }) =>
      copyFile(
        `${exported}/${MAPPINGS_PART}`,
        `${exported}/${MAPPINGS_PART.replace('00000', '00001')}`
      ),
    alone: ['EXPORT_DAMAGED', MAPPINGS_PART.replace('00000', '00001')],
    against: { DOUBLED_MAPPING: ['V1', 'V2', 'b1', 'f1'] },
  },
  {
    name: 'a missing table',
    tamper: remove('identifiers/identifiers'),
    alone: ['EXPORT_INCOMPLETE', 'the table identifiers is not there'],
    against: {
      EXPORT_INCOMPLETE: ['the table identifiers is not there'],
      ASSIGNED_BUT_UNUSED: ['a2345678', 'b2345678', 'c2345678'],
      NOT_EXPORTED: ['V1', 'V2', 'b1', 'f1'],
    },
  },
  {
    name: 'swapped tables',
    tamper: async ({ exported }) => {
      const folder = `${exported}/identifiers`;
      await rename(`${folder}/identifiers`, `${folder}/other`);
      await rename(`${folder}/canonical_ids`, `${folder}/identifiers`);
      await rename(`${folder}/other`, `${folder}/canonical_ids`);
    },
    alone: inPool,
    against: { EXPORT_DAMAGED: [`${POOL_PART} cannot`, `${MAPPINGS_PART} cannot`] },
  },
  {
    name: 'a renamed column',
    tamper: edit('identifiers', 'ALTER TABLE part RENAME SourceId TO Value'),
    alone: inMappings,
    against: { EXPORT_DAMAGED: ['no column SourceId'] },
  },
  {
    name: 'a column of another type',
    tamper: edit('canonical_ids', 'ALTER TABLE part ALTER Status TYPE INTEGER USING 1'),
    alone: inPool,
    against: { EXPORT_DAMAGED: [`${POOL_PART}, row 1: Status is number`] },
  },
  {
    name: 'a value that is missing',
    tamper: edit('identifiers', "UPDATE part SET SourceId = NULL WHERE SourceId = 'V2'"),
    alone: inMappings,
    against: { EXPORT_DAMAGED: ['row 3: SourceId is null'] },
  },
  {
    name: 'a _SUCCESS that is missing',
    tamper: remove('identifiers/identifiers/1/_SUCCESS'),
    alone: ['EXPORT_INCOMPLETE', 'identifiers/identifiers/1/'],
    against: { EXPORT_INCOMPLETE: ['identifiers/identifiers/1/ has no _SUCCESS'] },
  },
  ...['FAILED', 'CANCELED', 'IN_PROGRESS'].map(
    (status): Tampering => ({
      name: `an export_info that says ${status}`,
      tamper: replaceIn(/^export_info/, '"COMPLETE"', `"${status}"`),
      alone: ['EXPORT_INCOMPLETE', status],
      against: { EXPORT_INCOMPLETE: [`says "${status}", not COMPLETE`] },
    })
  ),
  {
    name: 'a table that is said to have failed',
    tamper: replaceIn(/^export_tables_info/, '"COMPLETE"', '"FAILED"'),
    alone: ['EXPORT_INCOMPLETE', 'FAILED'],
    against: { EXPORT_INCOMPLETE: ['says "FAILED" of identifiers.canonical_ids'] },
  },
  {
    name: 'neither manifest nor export_info',
    tamper: async ({ exported }) => {
      for (const name of await readdir(exported)) {
        if (name.endsWith('.json')) await rm(`${exported}/${name}`);
      }
    },
    alone: ['EXPORT_INCOMPLETE', 'neither manifest.json nor export_info'],
    against: { EXPORT_INCOMPLETE: ['neither manifest.json nor export_info'] },
  },
  {
    name: 'files of an older export',
    tamper: async desk => {
      await rename(`${desk.exported}/identifiers`, desk.path('older'));
      await desk.add([['f2345678', 'assigned']], [['Work', 'miro', 'V3', 'f2345678']], LONG_AGO);
      await rm(desk.exported, { recursive: true });
      await runHere(['export', 'write', desk.exported], desk.environment);
      await rm(`${desk.exported}/identifiers`, { recursive: true });
      await rename(desk.path('older'), `${desk.exported}/identifiers`);
    },
    alone: inPool,
    against: { NOT_EXPORTED: ['f2345678 is in', 'Work[miro/V3] with f2345678'] },
  },
];

/** What was done to the registry since: the export is as it was. */
const REGISTRY: readonly Tampering[] = [
  {
    name: 'a mapping that was deleted',
    tamper: sql("DELETE FROM identifiers WHERE SourceId = 'f1'"),
    against: { MAPPING_LOST: ['Work[folio/f1] with c2345678 is in the export'] },
  },
  {
    name: 'a mapping whose ID was changed',
    tamper: sql("UPDATE identifiers SET CanonicalId = 'c2345678' WHERE SourceId = 'V1'"),
    against: {
      MAPPING_CHANGED: ['Work[miro/V1] has a2345678 in the export and c2345678 in the registry'],
    },
  },
  {
    name: 'a mapping whose spelling was changed in case',
    tamper: sql("UPDATE identifiers SET SourceId = 'v1' WHERE SourceId = 'V1'"),
    against: { MAPPING_LOST: ['Work[miro/V1]'], NOT_EXPORTED: ['Work[miro/v1]'] },
  },
  {
    name: 'an ID that was deleted',
    tamper: sql("DELETE FROM canonical_ids WHERE CanonicalId = 'd2345678'"),
    against: { ID_LOST: ['d2345678 is in the export, free since 2026-01-01T00:00:00Z'] },
  },
  {
    name: 'a status that was moved back from assigned to free',
    tamper: sql("UPDATE canonical_ids SET Status = 'free' WHERE CanonicalId = 'a2345678'"),
    against: { STATUS_CHANGED: ['a2345678 is assigned in the export and free in the registry'] },
  },
  {
    name: 'a time that was changed',
    tamper: sql("UPDATE identifiers SET CreatedAt = '2026-02-01 00:00:00' WHERE SourceId = 'V1'"),
    against: { TIME_CHANGED: ['Work[miro/V1] with a2345678'] },
  },
  {
    name: 'a row that was put in with an old time',
    tamper: ({ add }) =>
      add([['f2345678', 'assigned']], [['Work', 'miro', 'V3', 'f2345678']], LONG_AGO),
    against: { NOT_EXPORTED: ['f2345678 is in', 'Work[miro/V3]'] },
  },
];

/** Edits of the manifest, which a comparison does not know. */
const MANIFESTS: readonly { name: string; edit: (manifest: Manifest) => unknown; named: string }[] =
  [
    {
      name: 'another number of rows of a table',
      edit: ({ tables }) => Object.assign(tables.identifiers, { rows: 5 }),
      named: 'identifiers: it has 4 rows, and 5 by the manifest',
    },
    {
      name: 'another digest',
      edit: ({ tables }) => Object.assign(tables.canonical_ids, { digest: '0'.repeat(32) }),
      named: 'canonical_ids: its digest is ',
    },
    {
      name: 'another SHA-256',
      edit: ({ tables }) =>
        Object.assign(tables.identifiers.files[0] ?? {}, { sha256: '0'.repeat(64) }),
      named: `${MAPPINGS_PART}: its SHA-256 is `,
    },
    {
      name: 'another number of rows of a file',
      edit: ({ tables }) => Object.assign(tables.canonical_ids.files[0] ?? {}, { rows: 4 }),
      named: `${POOL_PART}: it has 5 rows, and 4 by the manifest`,
    },
    {
      name: 'another length of a file',
      edit: ({ tables }) => Object.assign(tables.canonical_ids.files[0] ?? {}, { bytes: 4 }),
      named: `${POOL_PART} has `,
    },
    {
      name: 'a file less',
      edit: ({ tables }) => Object.assign(tables.identifiers, { files: [] }),
      named: `${MAPPINGS_PART} is there, which its manifest does not name`,
    },
    {
      name: 'a format that is not known',
      edit: manifest => Object.assign(manifest, { format: 2 }),
      named: 'its format is 2',
    },
  ];

describe.each(REGISTRY_KINDS)('verify on $name', kind => {
  test.each([...ROWS, ...FILES, ...REGISTRY])(
    'finds $name by the registry, and names it',
    async ({ tamper, against }) => {
      await using desk = await openDesk(kind);
      await tamper(desk);
      await rm(`${desk.exported}/manifest.json`, { force: true });

      const { status, findings, counts } = await desk.verify(['--against', desk.registry.url]);

      const expected = Object.entries(against).map(([code, named]) => [code, named.length]);
      expect({ status, counts }).toEqual({ status: 6, counts: Object.fromEntries(expected) });
      for (const [code, named] of Object.entries(against)) {
        const messages = findings.filter(one => one.code === code).map(({ message }) => message);
        expect(messages).toHaveLength(named.length);
        for (const text of named) expect(messages.join('\n')).toContain(text);
      }
    }
  );

  test('finds nothing where the registry is as it was, and says that it is', async () => {
    await using desk = await openDesk(kind);
    const { status, counts, sums } = await desk.verify(['--against', desk.registry.url]);
    expect({ status, counts }).toEqual({ status: 0, counts: {} });
    expect(sums.compared).toMatchObject({
      canonicalIds: { rows: 5, equal: true, assigned: 0, younger: 0, undecided: 0 },
      mappings: { rows: 4, equal: true, younger: 0, undecided: 0 },
    });
  });
});

describe.each(REGISTRY_KINDS)('verify of what RDS wrote, on $name', kind => {
  const SHAPES: readonly (RdsShape & { readonly what: string })[] = [
    { what: 'a folder for each database and table' },
    { what: 'folders without the database in their names', schema: '' },
    { what: 'several parts with gaps in their numbers', partNumbers: [0, 2, 3] },
    { what: 'several batches', batches: 3, partNumbers: [1] },
    { what: 'Snappy', codec: 'snappy' },
    { what: 'times in milliseconds', time: 'CreatedAt::TIMESTAMP::TIMESTAMP_MS' },
    { what: 'times with their zone', time: 'CreatedAt' },
    { what: 'times as text', time: "strftime(CreatedAt, '%Y-%m-%d %H:%M:%S')" },
  ];

  test.each(SHAPES)('finds nothing in $what, and that all is equal', async shape => {
    await using desk = await openDesk(kind);
    const folder = desk.path('rds');
    await rewriteAsRds(desk.exported, folder, shape);

    const { status, counts, sums } = await desk.verify(['--against', desk.registry.url], folder);

    expect({ status, counts }).toEqual({ status: 0, counts: {} });
    expect(sums.compared).toMatchObject({
      canonicalIds: { rows: 5, equal: true },
      mappings: { rows: 4, equal: true },
    });
  });

  test('finds a missing part that no manifest lists', async () => {
    await using desk = await openDesk(kind);
    const folder = desk.path('rds');
    await rewriteAsRds(desk.exported, folder, { schema: '', partNumbers: [0, 3] });
    const [, last = ''] = await partsOf(folder, 'identifiers');
    await rm(last);

    const { status, counts } = await desk.verify(['--against', desk.registry.url], folder);

    expect(status).toBe(6);
    expect(counts).toMatchObject({ NOT_EXPORTED: 2 });
  });

  test('finds nothing where minting went on, and counts what may have come before the snapshot', async () => {
    await using desk = await openDesk(kind);
    const { registry, environment, add } = desk;
    const folder = desk.path('rds');
    const snapshot = LONG_AGO + 86_400;
    const snapshotTime = new Date(snapshot * 1000).toISOString();
    await rewriteAsRds(desk.exported, folder, { snapshotTime });
    await runHere(['assign', 'Work[miro/V7]', 'Work[miro/V8]', '--no-top-up'], environment);
    await add([['f2345678', 'free']], [], snapshot);
    await add([['g2345678', 'assigned']], [['Work', 'miro', 'V9', 'g2345678']], snapshot - 1);
    await add([['h2345678', 'free']], [], snapshot - 15 * 60);

    const sound = await desk.verify(['--against', registry.url], folder);
    await add([['k2345678', 'free']], [], snapshot - 15 * 60 - 1);
    const unsound = await desk.verify(['--against', registry.url], folder);

    expect({ status: sound.status, counts: sound.counts }).toEqual({ status: 0, counts: {} });
    expect(sound.sums.compared).toMatchObject({
      canonicalIds: { rows: 8, equal: false, assigned: 2, younger: 1, undecided: 2 },
      mappings: { rows: 7, equal: false, younger: 2, undecided: 1 },
    });
    expect({ status: unsound.status, counts: unsound.counts }).toEqual({
      status: 6,
      counts: { NOT_EXPORTED: 1 },
    });
    expect(unsound.findings.map(({ message }) => message)).toEqual([
      'k2345678 is in the registry’s pool, free since 2026-01-01T23:44:59Z, and not in the export of 2026-01-02T00:00:00Z.',
    ]);
  });
});

describe('verify by the export alone', () => {
  test.each([...ROWS, ...FILES])('finds $name, and names it', async ({ tamper, alone }) => {
    await using desk = await openOnSqlite();
    await tamper(desk);

    const { status, findings } = await desk.verify();

    expect(status).toBe(6);
    const [code, named] = alone ?? [];
    const messages = findings.filter(one => one.code === code).map(({ message }) => message);
    expect(messages.join('\n')).toContain(named);
  });

  test.each(MANIFESTS)('finds a manifest with $name', async ({ edit: change, named }) => {
    await using desk = await openOnSqlite();
    const path = `${desk.exported}/manifest.json`;
    const manifest = JSON.parse(await readFile(path, 'utf8')) as Manifest;
    change(manifest);
    await writeFile(path, JSON.stringify(manifest));

    const { status, findings } = await desk.verify();

    expect(status).toBe(6);
    expect(findings.map(({ message }) => message).join('\n')).toContain(named);
    expect(findings.map(({ code }) => code)).toContain('EXPORT_DAMAGED');
  });

  test('finds a manifest that is cut off', async () => {
    await using desk = await openOnSqlite();
    await writeFile(`${desk.exported}/manifest.json`, '{"format": 1,');
    const { status, counts } = await desk.verify();
    expect({ status, counts }).toEqual({ status: 6, counts: { EXPORT_DAMAGED: 1 } });
  });

  test('finds other types by the registry that are looked up as Concept', async () => {
    await using desk = await openOnSqlite();
    const path = `${desk.exported}/manifest.json`;
    const manifest = JSON.parse(await readFile(path, 'utf8')) as Manifest;
    await writeFile(path, JSON.stringify({ ...manifest, conceptTypes: ['Person'] }));

    const { status, findings } = await desk.verify(['--against', desk.registry.url]);

    expect(status).toBe(6);
    expect(findings.map(({ code, message }) => `${code}: ${message}`)).toEqual([
      'CONCEPT_TYPES_CHANGED: The export looks up as Concept: Person. The registry: Agent, Genre, Meeting, Organisation, Period, Person, Place.',
    ]);
  });

  test('says what it read, and what it found, to people', async () => {
    await using desk = await openOnSqlite();
    const { registry, environment, exported } = desk;
    const against = ['export', 'verify', exported, '--against', registry.url];

    const sound = await runHere(['export', 'verify', exported], environment);
    await runHere(['assign', 'Work[miro/V7]'], environment);
    await registry.sql("UPDATE canonical_ids SET Status = 'free' WHERE CanonicalId = 'a2345678'");
    const changed = await runHere([...against, '--quiet'], environment);
    const { stderr: said } = await runHere(against, environment);

    expect(sound).toEqual({
      status: 0,
      stdout: 'free 2\nassigned 3\nmappings 4\n',
      stderr: `Export: ${exported}\nVerified 4 mappings in 2 files: 0 findings, 0 warnings.\n`,
    });
    expect(changed).toEqual({
      status: 6,
      stdout:
        'free 2\nassigned 3\nmappings 4\nassigned since 1\nyounger 1\nundecided 0\nSTATUS_CHANGED 1\n',
      stderr:
        'error STATUS_CHANGED: a2345678 is assigned in the export and free in the registry. See docs/errors.md#status_changed.\n',
    });
    expect(said).toContain(`Registry: ${registry.url}\nExport: ${exported}\n`);
    expect(said).toContain(
      'In the registry 1 IDs were assigned since, 0 canonical IDs and 1 mappings are younger than the export, and 0 rows may be.'
    );
  });

  test('does not audit rows of which it could not read all', async () => {
    await using desk = await openOnSqlite();
    await writeFile(`${desk.exported}/${POOL_PART}`, '');
    const { sums } = await desk.verify(['--against', desk.registry.url]);
    expect(sums).toMatchObject({ audited: null, compared: null });
  });

  test('reads what is not there as an error, and two registries as a wrong usage', async () => {
    await using desk = await openOnSqlite();
    const { environment, exported, registry } = desk;
    const absent = await runHere(['export', 'verify', desk.path('none')], environment);
    const both = ['--against', registry.url, '--registry', registry.url];
    const twice = await runHere(['export', 'verify', exported, ...both], environment);
    expect(absent).toMatchObject({ status: 3, stdout: '' });
    expect(absent.stderr).toContain('error EXPORT_NOT_FOUND: ');
    expect(twice).toMatchObject({ status: 2, stdout: '' });
  });

  test('leaves nothing behind, in the export, the registry or the temporary folder', async () => {
    await using desk = await openOnSqlite();
    const { registry, exported } = desk;
    const before = await registry.dump();
    const files = await readdir(exported, { recursive: true });

    const sound = await desk.run(['export', 'verify', exported, '--against', registry.url]);
    await writeFile(`${exported}/${POOL_PART}`, '');
    const unsound = await desk.run(['export', 'verify', exported]);
    const failed = await desk.run(['export', 'verify', desk.path('none')]);

    expect([sound.status, unsound.status, failed.status]).toEqual([0, 6, 3]);
    expect(await desk.leftovers()).toEqual([]);
    expect(await registry.dump()).toBe(before);
    expect(await readdir(exported, { recursive: true })).toEqual(files);
  });
});

async function openOnSqlite(): Promise<DeskWithExport> {
  const [sqlite] = REGISTRY_KINDS;
  if (sqlite === undefined) throw new Error('SQLite is always there.');
  return await openDesk(sqlite);
}

/** Changes a byte in the last column of a file, or in what describes its columns. */
function flip(path: string, where: 'data' | 'footer'): Tampering['tamper'] {
  return async ({ exported }) => {
    const bytes = await readFile(`${exported}/${path}`);
    const footer = bytes.readUInt32LE(bytes.length - 8);
    const at = where === 'data' ? bytes.length - 8 - footer - 4 : bytes.length - 8 - footer + 2;
    bytes[at] = (bytes[at] ?? 0) ^ 0x10;
    await writeFile(`${exported}/${path}`, bytes);
  };
}

/** Says something else in a file that stands beside the tables. */
function replaceIn(name: RegExp, text: string, by: string): Tampering['tamper'] {
  return async ({ exported }) => {
    const found = (await readdir(exported)).find(file => name.test(file));
    const path = `${exported}/${found}`;
    await writeFile(path, (await readFile(path, 'utf8')).replace(text, by));
  };
}
