import { copyFile, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import type { ExportFindingCode } from '../../src/domain/export-audit.ts';
import type { ExportTable, Manifest } from '../../src/domain/registry-export.ts';
import { partsOf, rewritePart } from '../support/rewritten-exports.ts';
import type { DeskWithExport } from './desk-with-export.ts';
import { LONG_AGO, MAPPINGS, POOL } from './desk-with-export.ts';
import { runHere } from './in-process.ts';

/** Something that is done to an export, or to the registry after it was made. */
export interface Tampering {
  readonly name: string;
  readonly tamper: (desk: DeskWithExport) => Promise<unknown>;
  /** What is found by the export alone, with its manifest: nothing where the registry was changed. */
  readonly alone?: readonly [code: ExportFindingCode, named: string] | undefined;
  /** All that is found without the manifest, in comparison with the registry: for each finding what it names. */
  readonly against: Partial<Record<ExportFindingCode, readonly string[]>>;
}

export const POOL_PART = 'identifiers/canonical_ids/1/part-00000.gz.parquet';
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

export const ROWS: readonly Tampering[] = [
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

export const FILES: readonly Tampering[] = [
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
export const REGISTRY: readonly Tampering[] = [
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
export const MANIFESTS: readonly {
  name: string;
  edit: (manifest: Manifest) => unknown;
  named: string;
}[] = [
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
