import { z } from 'zod';
import type { Finding, FindingCode } from '../src/domain/audit.ts';
import type { ErrorCode, ErrorEntry, WarningCode } from '../src/domain/errors.ts';
import { ERRORS } from '../src/domain/errors.ts';
import type { ExportFinding, ExportFindingCode } from '../src/domain/export-audit.ts';
import type { FoundWork, PartitionReference } from '../src/domain/partitions.ts';
import type { RunError, RunSummary } from '../src/domain/run-report.ts';

const WARNING_CODES: Readonly<Record<WarningCode, true>> = {
  EMPTY_VALUE: true,
  INHERITANCE_CONFLICT: true,
  POOL_CORRUPT: true,
  SHARED_DOCUMENT_ID: true,
  SHARED_CANONICAL_ID: true,
  TWINS: true,
};

const FINDING_CODES: Readonly<Record<FindingCode, true>> = {
  ORPHAN_MAPPING: true,
  USED_BUT_FREE: true,
  ASSIGNED_BUT_UNUSED: true,
  UNKNOWN_STATUS: true,
  MALFORMED_ID: true,
  MALFORMED_IDENTIFIER: true,
  UNFOLDED_TYPE: true,
  DOUBLED_MAPPING: true,
  TWINS: true,
  INHERITANCE_CONFLICT: true,
  ABSENT_IDENTIFIER: true,
};

const EXPORT_FINDING_CODES: Readonly<Record<ExportFindingCode, true>> = {
  ...FINDING_CODES,
  EXPORT_INCOMPLETE: true,
  EXPORT_DAMAGED: true,
  DOUBLED_ID: true,
  MAPPING_LOST: true,
  MAPPING_CHANGED: true,
  ID_LOST: true,
  STATUS_CHANGED: true,
  TIME_CHANGED: true,
  NOT_EXPORTED: true,
  CONCEPT_TYPES_CHANGED: true,
};

const exportFindingCode = z.enum(Object.keys(EXPORT_FINDING_CODES) as ExportFindingCode[]);
const findingCode = z.enum(Object.keys(FINDING_CODES) as FindingCode[]);
const errorCode = z.enum(Object.keys(ERRORS) as ErrorCode[]);
const warningCode = z.enum(Object.keys(WARNING_CODES) as WarningCode[]);
const exit = z.literal([...new Set(Object.values(ERRORS).map(({ exit }) => exit))].sort(byValue));
const count = z.int().min(0);
const errors = z.partialRecord(errorCode, count);
const warnings = z.partialRecord(warningCode, count);
const identifiers = z.strictObject({ existing: count, inherited: count, minted: count });
const outcome = z.enum(['existing', 'inherited', 'minted']);
const migrations = z.array(z.string());
const exportedTable = z.strictObject({ rows: count, digest: z.string().regex(/^[0-9a-f]{32}$/) });
const told = z.strictObject({ code: errorCode, message: z.string() });
const canonicalId = z.string().regex(/^[a-hjkmnp-z][a-hjkmnp-z2-9]{7}$/);
/** In a dry run a new ID is a stand-in. */
const answeredId = z.union([canonicalId, z.string().regex(/^\(new-\d+\)$/)]);
const warning = z.strictObject({
  code: warningCode,
  message: z.string(),
  details: z.record(z.string(), z.unknown()),
});

const s3Url = z.string().regex(/^s3:\/\/./);
const partition = z.strictObject({
  s3_uri: s3Url,
  count,
}) satisfies z.ZodType<PartitionReference>;

const summary = z.strictObject({
  job_id: z.string(),
  works: z.strictObject({ succeeded: count, failed: count }),
  identifiers,
  warnings,
  elapsed_ms: count,
  report: z.string().nullable(),
}) satisfies z.ZodType<RunSummary>;

const runError = z.strictObject({
  row_id: z.string(),
  stage: z.enum(['read', 'extract_id', 'mint', 'embed', 'index']),
  code: errorCode,
  detail: z.string(),
}) satisfies z.ZodType<RunError>;

/** What each command prints with `--json`, the file that `mint --report` writes, and how a failed command ends, by file name. */
const SHAPES = {
  mint: summary.describe('What `id-minter mint --json` prints.'),
  report: summary
    .omit({ report: true })
    .extend({
      window: z.strictObject({ start_time: z.string(), end_time: z.string() }).nullable(),
      pipeline_date: z.string().nullable(),
      dry_run: z.boolean(),
      stopped_by: z.strictObject({ code: errorCode.nullable(), message: z.string() }).optional(),
      remaining: z
        .strictObject({ count: count.nullable(), ids: z.array(z.string()).optional() })
        .optional(),
      successful_ids: z.array(answeredId),
      errors: z.array(runError),
      outcomes: z.array(
        z.union([
          z.strictObject({
            source: z.string(),
            canonicalId: answeredId,
            outcome,
            warning: warning.optional(),
          }),
          z.strictObject({ source: z.string(), error: told, warning: warning.optional() }),
        ])
      ),
      warned: z.array(warning),
      unannounced_ids: z.array(canonicalId),
    })
    .describe('What `id-minter mint --report FILE` writes, and what runs put into S3_BUCKET.'),
  'assign-answer': z
    .union([
      z.strictObject({
        source: z.string(),
        canonicalId: answeredId,
        outcome,
        warning: z.looseObject({ code: warningCode, message: z.string() }).optional(),
      }),
      z.strictObject({
        source: z.unknown().describe('The text form, or what was given where it has none.'),
        error: told,
      }),
    ])
    .describe('Each line that `id-minter assign` answers in NDJSON.'),
  assign: z
    .strictObject({ identifiers: identifiers.extend({ failed: count }), errors, warnings })
    .describe('What `id-minter assign --json --target FILE` prints.'),
  lookup: z
    .strictObject({
      results: z.array(
        z.strictObject({
          query: z.string(),
          canonicalId: canonicalId.nullable(),
          sources: z.array(z.strictObject({ source: z.string(), createdAt: z.iso.datetime() })),
          near: z.array(z.strictObject({ source: z.string(), canonicalId })).optional(),
          note: z.string().optional(),
        })
      ),
    })
    .describe('What `id-minter lookup --json` prints.'),
  'find-work': z
    .union([
      z.strictObject({ partitions: z.array(partition) }),
      z.strictObject({
        manifest: z.strictObject({
          s3_uri: s3Url,
          bucket: z.string(),
          key: z.string(),
          partitions: count,
        }),
      }),
    ])
    .describe(
      'What `id-minter find-work` prints; the object of a manifest is an array of partitions.'
    ) satisfies z.ZodType<FoundWork>,
  import: z
    .strictObject({
      mappings: z.strictObject({ added: count, existing: count, failed: count }),
      warnings: count,
    })
    .describe('What `id-minter import --json` prints.'),
  pool: z
    .strictObject({ free: count, assigned: count })
    .describe('What `id-minter pool --json` prints.'),
  'pool-top-up': z
    .strictObject({ free: count, added: count })
    .describe('What `id-minter pool top-up --json` prints.'),
  check: z
    .union([
      z.strictObject({
        code: findingCode,
        message: z.string(),
        canonicalIds: z.array(z.string().describe('As stored, which may be malformed.')),
        sources: z.array(
          z.strictObject({ ontologyType: z.string(), sourceSystem: z.string(), value: z.string() })
        ),
      }) satisfies z.ZodType<Finding>,
      z.strictObject({
        canonicalIds: z.strictObject({ free: count, assigned: count, shared: count }),
        mappings: count,
        emptyValues: count,
        declared: z.strictObject({ compared: count, failed: count }),
        findings: z.partialRecord(findingCode.exclude(['TWINS']), count),
        warnings: z.partialRecord(z.literal('TWINS'), count),
      }),
    ])
    .describe('Each line of `id-minter check --json`: what was found, and the sums at the end.'),
  migrate: z
    .strictObject({ applied: migrations, adopted: migrations })
    .describe('What `id-minter migrate --json` prints.'),
  'migrate-status': z
    .strictObject({
      applied: migrations,
      pending: migrations,
      unknown: migrations,
      unfinished: migrations,
    })
    .describe('What `id-minter migrate status --json` prints.'),
  'migrate-rollback': z
    .strictObject({ rolledBack: z.string().nullable(), droppedMappings: count })
    .describe('What `id-minter migrate rollback --json` prints.'),
  'export-write': z
    .strictObject({
      export: z.string(),
      location: z.string(),
      snapshotTime: z.iso.datetime(),
      canonicalIds: exportedTable,
      mappings: exportedTable,
      files: count,
      bytes: count,
    })
    .describe('What `id-minter export write --json` prints.'),
  'export-verify': z
    .union([
      z.strictObject({
        code: exportFindingCode,
        message: z.string(),
        canonicalIds: z.array(z.string().describe('As stored, which may be malformed.')),
        sources: z.array(
          z.strictObject({ ontologyType: z.string(), sourceSystem: z.string(), value: z.string() })
        ),
        path: z.string().optional().describe('The file or table of the export.'),
      }) satisfies z.ZodType<ExportFinding>,
      z.strictObject({
        export: z.strictObject({
          name: z.string(),
          task: z.string().nullable(),
          snapshotTime: z.iso.datetime().nullable(),
          files: z.strictObject({ read: count, unreadable: count }),
          canonicalIds: exportedTable.nullable(),
          mappings: exportedTable.nullable(),
        }),
        audited: z
          .strictObject({
            ...{ free: count, assigned: count, shared: count, mappings: count, emptyValues: count },
          })
          .nullable(),
        compared: z
          .strictObject({
            registry: z.string(),
            canonicalIds: exportedTable.extend({
              ...{ equal: z.boolean(), assigned: count, younger: count, undecided: count },
            }),
            mappings: exportedTable.extend({
              ...{ equal: z.boolean(), younger: count, undecided: count },
            }),
          })
          .nullable(),
        findings: z.partialRecord(exportFindingCode.exclude(['TWINS']), count),
        warnings: z.partialRecord(z.literal('TWINS'), count),
      }),
    ])
    .describe(
      'Each line of `id-minter export verify --json`: what was found, and the sums at the end.'
    ),
  'export-restore': z
    .strictObject({
      outcome: z.enum(['restored', 'already']),
      mappings: count,
      canonicalIds: z.strictObject({ assigned: count, free: count }),
    })
    .describe('What `id-minter export restore --json` prints.'),
  error: z
    .strictObject({
      error: z.strictObject({
        code: errorCode,
        message: z.string(),
        exit,
        help: z.string().regex(/^docs\/errors\.md#[a-z_]+$/),
      }),
    })
    .describe('What any command prints with `--json` where it fails as a whole.'),
} as const satisfies Readonly<Record<string, z.ZodType>>;

/** The published schemas: path in the project and content. */
export function jsonSchemas(): { path: string; text: string }[] {
  return Object.entries(SHAPES).map(([name, shape]) => ({
    path: `schemas/${name}.schema.json`,
    text: `${JSON.stringify(z.toJSONSchema(shape), null, 2)}\n`,
  }));
}

function byValue(one: ErrorEntry['exit'], other: ErrorEntry['exit']): number {
  return one - other;
}
