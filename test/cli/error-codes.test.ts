import { copyFile, mkdir, readFile, rm, truncate } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import type { ErrorCode } from '../../src/domain/errors.ts';
import { ERRORS } from '../../src/domain/errors.ts';
import type { ExportFindingCode } from '../../src/domain/export-audit.ts';
import type { SourceIdentifier } from '../../src/domain/source-identifier.ts';
import { formatSourceIdentifier } from '../../src/domain/source-identifier.ts';
import { openAwsProxy } from '../support/aws/proxy.ts';
import type { Ended } from '../support/command-line.ts';
import { openProxy } from '../support/elasticsearch/proxy.ts';
import { folio, sierra } from '../support/identifiers.ts';
import type { DeskOnRegistry } from './desk-on-registry.ts';
import { openDeskOn, REGISTRY_KINDS, SERVER_REGISTRIES } from './desk-on-registry.ts';
import { toLines, workOf, written } from './works.ts';

/** How the command line is brought to one code, and what it then says and leaves behind. */
interface Case {
  /** Where it is tried; only servers have what some codes are about. */
  readonly on?: 'SQLite' | 'servers';
  /** Free IDs in the registry: aaaaaaaa, aaaaaaab, …; none at all where it has no tables. */
  readonly free?: number | 'no tables';
  readonly sql?: readonly string[];
  readonly files?: Readonly<Record<string, string>>;
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Where one command by itself is not enough. */
  readonly run?: (desk: DeskOnRegistry, args: readonly string[]) => Promise<Ended>;
  /** A warning ends with 0, an error and a difference with the status of their code. */
  readonly kind?: 'error' | 'warning' | 'difference';
  /** An error that the code never comes without, whose status is graver. */
  readonly besides?: ErrorCode;
  /** What the message names, says of the data, and says to do. */
  readonly value: RegExp | string;
  readonly data: RegExp | string;
  readonly remedy: RegExp | string;
  /** The mappings that are in the registry afterwards: what the message says of the data is true. */
  readonly holds: readonly SourceIdentifier[];
}

/** What only looking through a registry finds: nothing is written, and the section of the code has the remedy. */
type Found = Pick<Case, 'sql' | 'files' | 'args' | 'on' | 'run' | 'kind' | 'value' | 'holds'>;

const source = (value: string): SourceIdentifier => ({
  ...{ ontologyType: 'Work', sourceSystem: 's', value },
});
const [b1, b2, f1] = [sierra('b1'), sierra('b2'), folio('f1')];

const works = (...values: readonly unknown[]) => ({ 'works.ndjson': toLines(values) });
const MINT = ['mint', 'works.ndjson', '--target', 'out.ndjson'];
const COMPARE = ['mint', 'works.ndjson', '--dry-run', '--against', 'works'];
const IMPORT = ['import', 'mappings.ndjson'];
const mappings = (...lines: readonly string[]) => ({ 'mappings.ndjson': lines.join('\n') });
const OF_PUBLIC_INDEX = [
  ...['mint', '--full', '--source-es-mode', 'public', '--pipeline-date', '2026-01-01'],
];
const AWS_OF_NOBODY = {
  AWS_REGION: 'eu-west-1',
  AWS_ACCESS_KEY_ID: 'nobody',
  AWS_SECRET_ACCESS_KEY: 'nothing-of-value',
};
const CSV_HEADER = 'CanonicalId,OntologyType,SourceSystem,SourceId\n';

/** The statements that put a mapping into a registry. */
const has = ({ ontologyType, sourceSystem, value }: SourceIdentifier, id: string) => [
  `INSERT INTO canonical_ids (CanonicalId, Status) VALUES ('${id}', 'assigned')`,
  uses({ ontologyType, sourceSystem, value }, id),
];
const uses = ({ ontologyType, sourceSystem, value }: SourceIdentifier, id: string) =>
  'INSERT INTO identifiers (OntologyType, SourceSystem, SourceId, CanonicalId, CreatedAt) ' +
  `VALUES ('${ontologyType}', '${sourceSystem}', '${value}', '${id}', '2026-01-01 00:00:00')`;
/** As a table is that was loaded without its foreign key. */
const WITHOUT_FOREIGN_KEY = [
  `CREATE TABLE loaded (OntologyType TEXT, SourceSystem TEXT, SourceId TEXT, CanonicalId TEXT, CreatedAt TEXT,
     PRIMARY KEY (OntologyType, SourceSystem, SourceId))`,
  'DROP TABLE identifiers',
  'ALTER TABLE loaded RENAME TO identifiers',
  'CREATE INDEX idx_canonical ON identifiers (CanonicalId)',
];
/** As a table is in a damaged file: the key of its parts is unique by its name only. */
const WITH_BROKEN_KEY = `
  DROP TABLE identifiers;
  CREATE TABLE identifiers (OntologyType TEXT, SourceSystem TEXT, SourceId TEXT, CanonicalId TEXT, CreatedAt TEXT);
  CREATE INDEX idx_canonical ON identifiers (CanonicalId);
  CREATE INDEX idx_parts ON identifiers (OntologyType, SourceSystem, SourceId);
  ${uses(source('1'), 'aaaaaaaa')};
  ${uses(source('1'), 'aaaaaaab')};
  UPDATE canonical_ids SET Status = 'assigned' WHERE CanonicalId < 'aaaaaaac';
  PRAGMA writable_schema = ON;
  UPDATE sqlite_schema SET sql = replace(sql, 'CREATE INDEX', 'CREATE UNIQUE INDEX') WHERE name = 'idx_parts';
`;

const FIRST = '0001_create_identifiers_schema';

const INTO_INDEX = [
  ...['mint', 'works.ndjson', '--target-index', 'identified', '--job-id', 'job-1'],
];
const TO_NEW = ['--registry', 'sqlite:new.sqlite'];
const AWS = {
  ...{ AWS_REGION: 'eu-west-1', AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' },
};
/** How far a restore came that broke off. */
const HALF = JSON.stringify({
  restore: {
    ...{ identity: '0', name: 'a-backup', withFree: true, phase: 'mappings', file: 0, row: 1 },
    expected: { assigned: 4, free: 2, mappings: 6 },
    restored: { assigned: 4, free: 0, mappings: 1 },
  },
});

/** What no command line can be brought to: it is tried where functions are invoked. */
const OF_FUNCTIONS = [
  'ALL_WORKS_FAILED',
  'DEADLINE',
  'INVALID_REQUEST',
] as const satisfies ErrorCode[];
type OfFunctions = (typeof OF_FUNCTIONS)[number];

/** A code without a case does not compile. */
const CASES: Readonly<Record<Exclude<ErrorCode, OnlyFound | OfFunctions>, Case>> = {
  INVALID_IDENTIFIER: {
    files: mappings(
      '{"canonicalId": "a2345678", "source": "Work[s"}',
      '{"canonicalId": "b2345678", "source": "Work[s/2]"}'
    ),
    args: IMPORT,
    value: '"Work[s"',
    data: 'no ID was given to it',
    remedy: /Write it as Type\[system\/value\]/,
    holds: [source('2')],
  },
  IDENTIFIER_COLLISION: {
    on: 'servers',
    files: works(workOf(b1), workOf(sierra('B1'))),
    args: MINT,
    value: 'Work[sierra-system-number/B1]',
    data: /came first and stands.*No ID was given/,
    remedy: 'Correct the spelling',
    holds: [b1],
  },
  PREDECESSOR_NOT_FOUND: {
    files: works(workOf(f1, { predecessor: b1 }), workOf(b2)),
    args: MINT,
    value: 'Work[sierra-system-number/b1]',
    data: 'None was minted',
    remedy: 'Mint the predecessor first',
    holds: [b2],
  },
  PREDECESSOR_CYCLE: {
    files: works(workOf(b1, { predecessor: f1 }), workOf(f1, { predecessor: b1 }), workOf(b2)),
    args: MINT,
    value: /\[sierra-system-number\/b1\].* → /,
    data: 'No ID was given',
    remedy: 'Correct at the source',
    holds: [b2],
  },
  CONFLICTING_PREDECESSORS: {
    files: works(workOf(f1, { predecessor: b1 }), workOf(f1, { predecessor: b2 }), workOf(b1)),
    args: MINT,
    value: 'Work[sierra-system-number/b2]',
    data: 'No ID was given',
    remedy: 'Keep the one',
    holds: [b1],
  },
  POOL_EXHAUSTED: {
    free: 1,
    files: works(workOf(b1), workOf(b2)),
    args: [...MINT, '--no-top-up'],
    value: 'needs 2 new canonical IDs and the pool has 1 free',
    data: 'none was taken',
    remedy: '`id-minter pool top-up`',
    holds: [],
  },
  POOL_CORRUPT: {
    on: 'servers',
    free: 1,
    sql: [uses(b2, 'aaaaaaaa')],
    files: works(workOf(b1)),
    args: [...MINT, '--no-top-up'],
    value: 'aaaaaaaa',
    data: 'none was handed out',
    remedy: '`id-minter pool top-up`',
    holds: [b2],
  },
  MAPPING_CONFLICT: {
    sql: has(source('1'), 'z2345678'),
    files: mappings(
      '{"canonicalId": "y2345678", "source": "Work[s/1]"}',
      '{"canonicalId": "x2345678", "source": "Work[s/2]"}'
    ),
    args: IMPORT,
    value: /Work\[s\/1\].* z2345678.* y2345678/,
    data: 'The registry keeps what it has',
    remedy: 'Decide which',
    holds: [source('1'), source('2')],
  },
  INVALID_CANONICAL_ID: {
    files: mappings(
      '{"canonicalId": "A2345678", "source": "Work[s/1]"}',
      '{"canonicalId": "x2345678", "source": "Work[s/2]"}'
    ),
    args: IMPORT,
    value: '"A2345678"',
    data: 'Nothing was done with it',
    remedy: 'Correct it',
    holds: [source('2')],
  },
  EMPTY_VALUE: {
    kind: 'warning',
    files: works(workOf(b1, { subjects: [source('')] })),
    args: MINT,
    value: 'Work[s/]',
    data: 'which was minted',
    remedy: 'give them values',
    holds: [source(''), b1],
  },
  INHERITANCE_CONFLICT: {
    kind: 'warning',
    sql: [...has(f1, 'y2345678'), ...has(b1, 'z2345678')],
    files: works(workOf(f1, { predecessor: b1 })),
    args: MINT,
    value: /y2345678.* z2345678/,
    data: 'keeps it',
    remedy: 'Decide which',
    holds: [f1, b1],
  },
  SHARED_DOCUMENT_ID: {
    kind: 'warning',
    files: works(workOf(b1), workOf(f1, { predecessor: b1 })),
    args: MINT,
    value: /folio-instance\/f1\] and .*b1\] share the canonical ID [a-z]{8}/,
    data: 'one document stands under it',
    remedy: 'Retire the other one',
    holds: [f1, b1],
  },
  SHARED_CANONICAL_ID: {
    kind: 'warning',
    sql: has(source('1'), 'z2345678'),
    files: mappings('{"canonicalId": "z2345678", "source": "Work[s/2]"}'),
    args: IMPORT,
    value: /Work\[s\/2\].* z2345678/,
    data: 'now shares',
    remedy: /Right if .* otherwise/,
    holds: [source('1'), source('2')],
  },
  INVALID_JSON: {
    files: { 'works.ndjson': `{"a": 1,}\n${toLines([workOf(b1)])}` },
    args: MINT,
    value: 'line 1, column 9',
    data: 'It was passed over',
    remedy: 'say the same command again',
    holds: [b1],
  },
  LINE_TOO_LONG: {
    files: { 'works.ndjson': `${'x'.repeat(33 * 1024 * 1024)}\n${toLines([workOf(b1)])}` },
    args: MINT,
    value: 'line 1',
    data: 'It was passed over',
    remedy: 'Check that the file has one document a line',
    holds: [b1],
  },
  TOO_DEEP: {
    files: mappings(
      `{"source": ${'['.repeat(1_500)}${']'.repeat(1_500)}}`,
      '{"canonicalId": "x2345678", "source": "Work[s/2]"}'
    ),
    args: IMPORT,
    value: /line 1: .*1000 levels/,
    data: 'It was not written',
    remedy: 'Correct it at its source',
    holds: [source('2')],
  },
  INVALID_WORK: {
    files: works(['no work'], workOf(b1)),
    args: MINT,
    value: /line 1: The document is an array/,
    data: 'It was not written',
    remedy: 'Send works',
    holds: [b1],
  },
  INVALID_ROW: {
    files: { 'mappings.csv': `${CSV_HEADER}a2345678,Work,s\nb2345678,Work,s,2\n` },
    args: ['import', 'mappings.csv'],
    value: 'line 2',
    data: 'was passed over',
    remedy: 'Correct the line',
    holds: [source('2')],
  },
  WORK_NOT_FOUND: {
    files: works(workOf(b1)),
    args: [...MINT, '--source-identifiers', 'Work[s/404]', 'Work[sierra-system-number/b1]'],
    value: /Work\[s\/404\].* works\.ndjson/,
    data: 'Nothing was minted for it',
    remedy: 'Check the spelling',
    holds: [b1],
  },
  USAGE: {
    args: ['assign', 'Work[s/1]', '--no-top-upp'],
    value: "'--no-top-upp'",
    data: 'Nothing was done',
    remedy: '`id-minter assign --help`',
    holds: [],
  },
  SOURCE_UNREADABLE: {
    args: ['assign', '--source', 'no.csv'],
    value: 'no.csv',
    data: 'Nothing was read or minted',
    remedy: 'Correct the path',
    holds: [],
  },
  TARGET_UNWRITABLE: {
    args: ['assign', 'Work[s/1]', '--target', 'no/such/folder'],
    value: 'no/such/folder',
    data: 'Nothing was minted',
    remedy: 'Correct the path',
    holds: [],
  },
  TARGET_FAILED: {
    args: ['assign', '--source', '-', '--target', 'out'],
    // In mid-run a folder takes the name that the file was to have.
    run: async (desk, args) => {
      const { child, ended, says } = desk.start(args);
      child.stdin?.write('{"source": "Work[s/1]"}\n');
      await says(/^Registry: /m);
      await mkdir(desk.path('out'));
      child.stdin?.end();
      return await ended;
    },
    value: 'Writing out failed',
    data: 'The IDs minted so far are in the registry',
    remedy: 'say the same command again',
    holds: [source('1')],
  },
  INVALID_CONFIGURATION: {
    args: ['assign', 'Work[s/1]'],
    environment: { RDS_PORT: 'three' },
    value: 'RDS_PORT is "three"',
    data: 'Nothing was started',
    remedy: 'Correct the variable',
    holds: [],
  },
  REGISTRY_NOT_NAMED: {
    args: ['assign', 'Work[s/1]'],
    environment: { ID_MINTER_REGISTRY: '', ES_SOURCE_INDEX: 'works-source' },
    value: 'ES_SOURCE_INDEX is set',
    data: 'Nothing was started',
    remedy: 'Give --registry',
    holds: [],
  },
  REGISTRY_NOT_FOUND: {
    args: ['pool', '--registry', 'sqlite:no.sqlite'],
    value: 'no.sqlite',
    data: 'Nothing was written',
    remedy: '`id-minter migrate`',
    holds: [],
  },
  REGISTRY_ACCESS_DENIED: {
    on: 'servers',
    args: ['assign', 'Work[s/1]'],
    environment: { RDS_PASSWORD: 'not-the-password' },
    value: /the user u_\w+/,
    data: 'Nothing was written',
    remedy: 'migrations/mysql/grants/',
    holds: [],
  },
  REGISTRY_UNAVAILABLE: {
    on: 'servers',
    args: ['assign', 'Work[s/1]'],
    run: async (desk, args) => {
      const { username } = new URL(desk.registry.url);
      await desk.registry.sql(`ALTER USER '${username}'@'%' WITH MAX_CONNECTIONS_PER_HOUR 1`);
      await desk.run(['pool']);
      return await desk.run(args);
    },
    value: /database at [\w.]+:\d+ could not serve: .*limit/,
    data: 'What was answered before is right',
    remedy: 'say the same again',
    holds: [],
  },
  SCHEMA_MISSING: {
    on: 'servers',
    free: 'no tables',
    args: ['assign', 'Work[s/1]'],
    value: 'canonical_ids',
    data: 'Nothing was written',
    remedy: '`id-minter migrate`',
    holds: [],
  },
  SCHEMA_NEWER: {
    sql: [
      'INSERT INTO id_minter_migrations (Id, StartedAt, FinishedAt, OldestCode, Facts) VALUES ' +
        "('9001_of_later', '2030-01-01 00:00:00', '2030-01-01 00:00:00', '9000.0.0', '{}')",
    ],
    args: ['assign', 'Work[s/1]'],
    value: '9001_of_later',
    data: 'Nothing was written',
    remedy: 'Use that version',
    holds: [],
  },
  SCHEMA_UNSUPPORTED: {
    files: { 'notes.txt': 'These are notes, and no database at all.\n'.repeat(100) },
    args: ['assign', 'Work[s/1]', '--registry', 'sqlite:notes.txt'],
    value: 'notes.txt',
    data: 'Nothing was written',
    remedy: 'Name another file',
    holds: [],
  },
  MIGRATION_UNFINISHED: {
    sql: ['UPDATE id_minter_migrations SET FinishedAt = NULL'],
    args: ['assign', 'Work[s/1]'],
    value: FIRST,
    data: 'Nothing was written',
    remedy: /Compare the tables.*id_minter_migrations/,
    holds: [],
  },
  ROLLBACK_REFUSED: {
    sql: has(source('1'), 'z2345678'),
    args: ['migrate', 'rollback'],
    value: 'drops 1 mappings',
    data: 'Nothing was changed',
    remedy: '--drop-mappings 1',
    holds: [source('1')],
  },
  EXPORT_NOT_FOUND: {
    args: ['export', 'restore', 'nowhere', ...TO_NEW],
    value: 'nowhere is empty, or is not there',
    data: 'Nothing was read or written',
    remedy: 'Name the folder of one export',
    holds: [],
  },
  EXPORT_ACCESS_DENIED: {
    args: ['export', 'restore', 's3://a-bucket/backup', ...TO_NEW],
    environment: { AWS_REGION: 'eu-west-1', AWS_EC2_METADATA_DISABLED: 'true' },
    value: 's3://a-bucket/backup',
    data: 'What was restored so far is right',
    remedy: 'See that AWS credentials can be found',
    holds: [],
  },
  EXPORT_UNAVAILABLE: {
    args: ['export', 'restore', 's3://a-bucket/backup', ...TO_NEW],
    environment: { ...AWS, AWS_ENDPOINT_URL: 'http://127.0.0.1:1' },
    value: /s3:\/\/a-bucket\/backup.*ECONNREFUSED/,
    data: 'What was restored so far is right',
    remedy: 'See that S3 can be reached, then say the same command again',
    holds: [],
  },
  EXPORT_INCOMPLETE: {
    args: ['export', 'restore', 'backup', ...TO_NEW],
    run: async (desk, args) => {
      await desk.run(['export', 'write', 'backup']);
      await rm(desk.path('backup/identifiers/canonical_ids/1/_SUCCESS'));
      return await desk.run(args);
    },
    value: 'identifiers/canonical_ids/1/ has no _SUCCESS',
    data: 'It was only read',
    remedy: 'take another export',
    holds: [],
  },
  EXPORT_DAMAGED: {
    args: ['export', 'restore', 'backup', ...TO_NEW],
    run: async (desk, args) => {
      await desk.run(['export', 'write', 'backup']);
      await truncate(desk.path('backup/identifiers/canonical_ids/1/part-00000.gz.parquet'), 99);
      return await desk.run(args);
    },
    value: /part-00000.gz.parquet has 99 bytes, and \d+ by its manifest/,
    data: 'It was only read',
    remedy: 'Copy it again from where it was written',
    holds: [],
  },
  RESTORE_REFUSED: {
    sql: has(source('1'), 'z2345678'),
    args: ['export', 'restore', 'backup'],
    run: async (desk, args) => {
      await desk.run(['export', 'write', 'backup']);
      return await desk.run(args);
    },
    value: 'it holds 4 canonical IDs and 1 mappings',
    data: 'Nothing was written',
    remedy: 'Name a new database',
    holds: [source('1')],
  },
  RESTORE_UNFINISHED: {
    sql: [
      `INSERT INTO id_minter_migrations (Id, OldestCode, Facts) VALUES ('restore', '1.0.0', '${HALF}')`,
    ],
    args: ['assign', 'Work[s/1]'],
    value: /The export a-backup .* 5 of 12 rows are there/,
    data: 'Nothing was read or written',
    remedy: 'Say the same `id-minter export restore` again',
    holds: [],
  },
  INDEX_NOT_FOUND: {
    args: ['mint', '--full'],
    run: (desk, args) => runBefore(desk, args, { status: 404, type: 'index_not_found_exception' }),
    value: /http:.*\/works-source is not there/,
    data: 'What was asked was not done',
    remedy: 'Correct the name of the index',
    holds: [],
  },
  INDEX_ACCESS_DENIED: {
    args: ['mint', '--full'],
    run: (desk, args) => runBefore(desk, args, { status: 401, type: 'security_exception' }),
    value: /works-source refuses: 401, planted/,
    data: 'What was asked was not done',
    remedy: 'Give an API key',
    holds: [],
  },
  INDEX_UNAVAILABLE: {
    on: 'SQLite',
    args: ['mint', '--full', '--source', 'http://127.0.0.1:1'],
    value: /http:\/\/127\.0\.0\.1:1\/works-source.*ECONNREFUSED/,
    data: 'What was written is right',
    remedy: 'say the same command again',
    holds: [],
  },
  PARTITION_REFUSED: {
    args: ['find-work', '--ids', 'Work[s/1]'],
    environment: { AWS_REGION: 'eu-west-1', AWS_EC2_METADATA_DISABLED: 'true' },
    value: /s3:\/\/.*\/by_id\/Work\[s\/1\]\/.*\/partition-0\.json/,
    data: 'Nothing was minted',
    remedy: 'See that AWS credentials can be found',
    holds: [],
  },
  PARTITION_UNAVAILABLE: {
    args: ['find-work', '--ids', 'Work[s/1]'],
    environment: { ...AWS, AWS_ENDPOINT_URL: 'http://127.0.0.1:1' },
    value: /s3:\/\/.*partition-0\.json.*ECONNREFUSED/,
    data: 'partitions that were written before are used by nobody',
    remedy: 'See that S3 can be reached, then say the same command again',
    holds: [],
  },
  DOCUMENT_REFUSED: {
    files: works(workOf(b1)),
    args: ['mint', 'works.ndjson', '--target-index', 'identified'],
    run: (desk, args) => runBefore(desk, args, { status: 400, type: 'document_parsing_exception' }),
    value: /line 1.*identified refuses.*400, document_parsing_exception: planted/,
    data: 'It was not written; its IDs are in the registry',
    remedy: 'the mapping of the index',
    holds: [b1],
  },
  DOCUMENT_DIFFERS: {
    kind: 'difference',
    sql: has(b1, 'z2345678'),
    files: works(workOf(b1)),
    args: COMPARE,
    run: (desk, args) => runBeside(desk, args, { type: 'Invisible', state: {} }),
    value: /^warning \S+: line 1: z2345678 differs .*\/works at type: .*"Visible".*"Invisible"/,
    data: 'Nothing was written',
    remedy: '',
    holds: [b1],
  },
  DOCUMENT_ABSENT: {
    kind: 'difference',
    sql: has(b1, 'z2345678'),
    files: works(workOf(b1)),
    args: COMPARE,
    run: (desk, args) => runBeside(desk, args, undefined),
    value: /line 1: http.*\/works holds no document z2345678/,
    data: 'Nothing was written',
    remedy: '',
    holds: [b1],
  },
  NEWLY_FAILING: {
    kind: 'difference',
    besides: 'PREDECESSOR_NOT_FOUND',
    sql: has(b1, 'z2345678'),
    files: works({
      ...workOf(b1),
      redirectTarget: {
        sourceIdentifier: written(f1),
        predecessorIdentifier: written(sierra('b9')),
      },
    }),
    args: COMPARE,
    run: (desk, args) => runBeside(desk, args, workOf(b1)),
    value: /b1\] fails in this run \(PREDECESSOR_NOT_FOUND\).* holds its document z2345678/,
    data: 'Nothing was written',
    remedy: 'leave that document as it is',
    holds: [b1],
  },
  SECRET_NOT_FOUND: {
    args: OF_PUBLIC_INDEX,
    run: (desk, args) => runBeforeSecrets(desk, args, 'ResourceNotFoundException'),
    value: /elasticsearch\/pipeline_storage_2026-01-01\/[\w/]+ \(AWSCURRENT\).*ResourceNotFound/,
    data: 'What was written is right',
    remedy: 'Correct PIPELINE_DATE or --pipeline-date',
    holds: [],
  },
  SECRET_ACCESS_DENIED: {
    args: OF_PUBLIC_INDEX,
    run: (desk, args) => runBeforeSecrets(desk, args, 'AccessDeniedException'),
    value: /elasticsearch\/pipeline_storage_2026-01-01\/[\w/]+ \(AWSCURRENT\).*AccessDenied/,
    data: 'What was written is right',
    remedy: 'secretsmanager:GetSecretValue',
    holds: [],
  },
  SECRET_UNAVAILABLE: {
    args: OF_PUBLIC_INDEX,
    // Port 1 is closed.
    environment: { ...AWS_OF_NOBODY, AWS_ENDPOINT_URL: 'http://127.0.0.1:1' },
    value: /elasticsearch\/pipeline_storage_2026-01-01\/[\w/]+ \(AWSCURRENT\).*ECONNREFUSED/,
    data: 'What was written is right',
    remedy: 'See that Secrets Manager can be reached',
    holds: [],
  },
  REPORT_FAILED: {
    files: works(workOf(b1)),
    args: INTO_INDEX,
    run: (desk, args) => runInPipeline(desk, args, 'report'),
    value: /s3:\/\/reports\/pipeline-2026-08-20\/id_minter\/dev\/job-1\.json \(.*planted/,
    data: 'The documents that the run counts are in the index',
    remedy: 'Give this user the right s3:PutObject',
    holds: [b1],
  },
  ANNOUNCEMENT_FAILED: {
    files: works(workOf(b1)),
    args: INTO_INDEX,
    run: (desk, args) => runInPipeline(desk, args, 'announcement'),
    value: '1 of 1 documents were not announced on arn:aws:sns:eu-west-1:123456789012:works',
    data: /All of them are in the index.*job-1\.json names them/,
    remedy: 'say the same run again',
    holds: [b1],
  },
  METRICS_FAILED: {
    files: works(workOf(b1)),
    args: INTO_INDEX,
    run: (desk, args) => runInPipeline(desk, args, 'metrics'),
    value: /did not reach CloudWatch \(.*planted/,
    data: 'All else of the run is done',
    remedy: 'Give this user the right cloudwatch:PutMetricData',
    holds: [b1],
  },
  INTERNAL: {
    args: ['assign', 'Work[s/1]'],
    // Something that the program stands on is broken before it starts.
    run: async (desk, args) => {
      const broken = "process.getBuiltinModule = () => { throw new Error('planted'); }";
      const url = `data:text/javascript,${encodeURIComponent(broken)}`;
      return await desk.run(args, { node: ['--import', url] });
    },
    value: 'planted',
    data: 'Every ID that was answered is in the registry',
    remedy: /again with --debug, and report/,
    holds: [],
  },
};

/** Codes that no other command has; the messages name what was found, and docs/errors.md what to do. */
type OnlyFound = Exclude<
  ExportFindingCode,
  'INHERITANCE_CONFLICT' | 'EXPORT_INCOMPLETE' | 'EXPORT_DAMAGED'
>;

const VERIFY = ['export', 'verify', 'backup', '--against', 'sqlite:registry.sqlite'];

/** Exports the registry, and then changes it. */
const changedSince =
  (...changes: readonly string[]): NonNullable<Case['run']> =>
  async (desk, args) => {
    await desk.run(['export', 'write', 'backup']);
    for (const change of changes) await desk.registry.sql(change);
    return await desk.run(args);
  };

const FOUND: Readonly<Record<OnlyFound, Found>> = {
  ORPHAN_MAPPING: {
    sql: [...WITHOUT_FOREIGN_KEY, uses(source('1'), 'z2345678')],
    args: ['check'],
    value: /Work\[s\/1\].* z2345678/,
    holds: [source('1')],
  },
  USED_BUT_FREE: {
    sql: [uses(source('1'), 'aaaaaaaa')],
    args: ['check'],
    value: /aaaaaaaa.* Work\[s\/1\]/,
    holds: [source('1')],
  },
  ASSIGNED_BUT_UNUSED: {
    sql: ["INSERT INTO canonical_ids (CanonicalId, Status) VALUES ('z2345678', 'assigned')"],
    args: ['check'],
    value: 'z2345678',
    holds: [],
  },
  UNKNOWN_STATUS: {
    on: 'servers',
    // What a server without strict checks makes of a word that it does not know.
    sql: ["INSERT IGNORE INTO canonical_ids (CanonicalId, Status) VALUES ('z2345678', 'used')"],
    args: ['check'],
    value: /z2345678.* ""/,
    holds: [],
  },
  MALFORMED_ID: {
    sql: ["INSERT INTO canonical_ids (CanonicalId, Status) VALUES ('Z2345678', 'free')"],
    args: ['check'],
    value: '"Z2345678"',
    holds: [],
  },
  MALFORMED_IDENTIFIER: {
    sql: has({ ...source('1'), ontologyType: '' }, 'z2345678'),
    args: ['check'],
    value: /\[s\/1\].* z2345678/,
    holds: [{ ...source('1'), ontologyType: '' }],
  },
  UNFOLDED_TYPE: {
    sql: has({ ...source('1'), ontologyType: 'Person' }, 'z2345678'),
    args: ['check'],
    value: /Person\[s\/1\].* z2345678/,
    holds: [{ ...source('1'), ontologyType: 'Person' }],
  },
  DOUBLED_MAPPING: {
    args: ['check'],
    run: async (desk, args) => {
      const file = new DatabaseSync(desk.path('registry.sqlite'), { defensive: false });
      file.exec(WITH_BROKEN_KEY);
      file.close();
      return await desk.run(args);
    },
    value: /Work\[s\/1\].* aaaaaaa[ab]/,
    holds: [source('1'), source('1')],
  },
  ABSENT_IDENTIFIER: {
    files: { 'declared.ndjson': '{"source": "Work[s/1]"}\n' },
    args: ['check', '--declared', 'declared.ndjson'],
    value: 'Work[s/1]',
    holds: [],
  },
  DOUBLED_ID: {
    args: ['export', 'verify', 'backup'],
    run: async (desk, args) => {
      await desk.run(['export', 'write', 'backup']);
      await rm(desk.path('backup/manifest.json'));
      const part = desk.path('backup/identifiers/canonical_ids/1/part-00000.gz.parquet');
      await copyFile(part, part.replace('00000', '00001'));
      return await desk.run(args);
    },
    value: /aaaaaaaa is in the pool more than once: free since .*, and free since/,
    holds: [],
  },
  MAPPING_LOST: {
    sql: [...has(source('1'), 'z2345678'), uses(source('2'), 'z2345678')],
    args: VERIFY,
    run: changedSince("DELETE FROM identifiers WHERE SourceId = '2'"),
    value: 'Work[s/2] with z2345678',
    holds: [source('1')],
  },
  MAPPING_CHANGED: {
    sql: [...has(source('1'), 'z2345678'), ...has(source('2'), 'y2345678')],
    args: VERIFY,
    run: changedSince("UPDATE identifiers SET CanonicalId = 'y2345678' WHERE SourceId = '1'"),
    value: 'Work[s/1] has z2345678 in the export and y2345678 in the registry',
    holds: [source('1'), source('2')],
  },
  ID_LOST: {
    args: VERIFY,
    run: changedSince("DELETE FROM canonical_ids WHERE CanonicalId = 'aaaaaaaa'"),
    value: 'aaaaaaaa is in the export, free',
    holds: [],
  },
  STATUS_CHANGED: {
    sql: has(source('1'), 'z2345678'),
    args: VERIFY,
    run: changedSince("UPDATE canonical_ids SET Status = 'free' WHERE CanonicalId = 'z2345678'"),
    value: 'z2345678 is assigned in the export and free in the registry',
    holds: [source('1')],
  },
  TIME_CHANGED: {
    sql: has(source('1'), 'z2345678'),
    args: VERIFY,
    run: changedSince("UPDATE identifiers SET CreatedAt = '2026-01-02 00:00:00'"),
    value: /Work\[s\/1\].* of 2026-01-01T00:00:00Z in the export and of 2026-01-02T00:00:00Z/,
    holds: [source('1')],
  },
  NOT_EXPORTED: {
    args: VERIFY,
    run: changedSince(...has(source('1'), 'z2345678')),
    value: 'Work[s/1] with z2345678 is in the registry since 2026-01-01T00:00:00Z',
    holds: [source('1')],
  },
  CONCEPT_TYPES_CHANGED: {
    args: VERIFY,
    run: changedSince(`UPDATE id_minter_migrations SET Facts = '{"conceptTypes": ["Person"]}'`),
    value: /Agent, .* The registry: Person/,
    holds: [],
  },
  TWINS: {
    kind: 'warning',
    sql: [...has(source('b1'), 'z2345678'), ...has(source('B1'), 'y2345678')],
    args: ['check'],
    value: /Work\[s\/b1\].*Work\[s\/B1\]|Work\[s\/B1\].*Work\[s\/b1\]/,
    holds: [source('B1'), source('b1')],
  },
};

const ALL = Object.entries({ ...CASES, ...FOUND } as Readonly<
  Record<Exclude<ErrorCode, OfFunctions>, Found & Partial<Case>>
>).map(([code, one]) => ({ code: code as ErrorCode, ...one }));

const PLACES = [
  ...REGISTRY_KINDS.filter(({ server }) => server === undefined).map(kind => ({
    ...{ kind, name: kind.name, cases: ALL.filter(({ on }) => on !== 'servers') },
  })),
  ...SERVER_REGISTRIES.map(kind => ({
    ...{ kind, name: kind.name, cases: ALL.filter(({ on }) => on === 'servers') },
  })),
];

test('every code is tried', () => {
  const tried = new Set(PLACES.flatMap(({ cases }) => cases.map(({ code }) => code)));
  expect([...tried, ...OF_FUNCTIONS].sort()).toEqual(Object.keys(ERRORS).sort());
});

describe.each(PLACES)('on $name', ({ kind, cases }) => {
  test.each(cases)('$code is told with what it is about, and where it is explained', async one => {
    const { code, args, environment, kind: level = 'error', free = 3 } = one;
    await using desk = await openDeskOn(kind, free === 'no tables' ? {} : { free });
    for (const statement of one.sql ?? []) await desk.registry.sql(statement);
    for (const [name, content] of Object.entries(one.files ?? {})) await desk.write(name, content);
    desk.environment = { ...desk.environment, ...environment };

    const { status, stderr } = await (one.run?.(desk, args) ?? desk.run(args));

    expect(status).toBe(level === 'warning' ? 0 : ERRORS[one.besides ?? code].exit);
    const told = stderr.split('\n').filter(line => /^(error|warning) /.test(line));
    const codes = new Set(told.map(line => line.replace(/^\w+ (\w+): .*/, '$1')));
    expect([...codes]).toEqual([...(one.besides ? [one.besides] : []), code]);
    const word = level === 'difference' ? 'warning' : level;
    const message = told.find(line => line.startsWith(`${word} ${code}`));
    for (const said of [one.value, one.data ?? '', one.remedy ?? '']) {
      if (typeof said === 'string') expect(message).toContain(said);
      else expect(message).toMatch(said);
    }
    expect(told.find(line => line.includes(` ${code}: `))).toMatch(
      new RegExp(` See docs/errors\\.md#${code.toLowerCase()}\\.$`)
    );
    expect(await mappingsIn(desk)).toEqual(one.holds.map(formatSourceIdentifier).sort());
  });
});

describe('docs/errors.md', () => {
  test.each(Object.keys(ERRORS))(
    '%s has its cause, the data and a remedy that can be typed',
    async code => {
      const page = await readFile(new URL('../../docs/errors.md', import.meta.url), 'utf8');
      const section = page.split(/^## /m).find(text => text.startsWith(`${code}\n`));
      const parts = section?.matchAll(/^- \*\*(.+?)\*\*: (\S.*)$/gm) ?? [];
      const said = new Map([...parts].map(([, name, text]) => [name, text]));
      expect([...said.keys()]).toEqual(['Cause', 'Your data', 'What to do']);
      expect(said.get('What to do')).toMatch(/`(id-minter [^`]+|--[^`]+)`|\bsame command again/);
    }
  );
});

/** Runs a command on a cluster that refuses: what is read as a whole, what is written item by item. */
async function runBefore(
  desk: DeskOnRegistry,
  args: readonly string[],
  { status, type }: { status: number; type: string }
): Promise<Ended> {
  const error = { type, reason: 'planted' };
  await using cluster = await openProxy(undefined, ({ method, path }) => {
    if (method === 'HEAD') return { status: 200 };
    if (path.includes('/_bulk'))
      return { status: 200, body: { items: [{ index: { status, error } }] } };
    return { status, body: { error, status } };
  });
  return await desk.run(args, { environment: { ES_URL: cluster.url } });
}

/** Before a Secrets Manager that refuses everything. */
async function runBeforeSecrets(
  desk: DeskOnRegistry,
  args: readonly string[],
  type: string
): Promise<Ended> {
  const refusal = { status: 400, body: { __type: type, message: 'planted' } };
  await using manager = await openProxy(undefined, () => refusal);
  return await desk.run(args, { environment: { ...AWS_OF_NOBODY, AWS_ENDPOINT_URL: manager.url } });
}

/** Runs a command into an index that takes all, in a pipeline of which one part refuses. */
async function runInPipeline(
  desk: DeskOnRegistry,
  args: readonly string[],
  refuses: 'report' | 'announcement' | 'metrics'
): Promise<Ended> {
  await using cluster = await openProxy(undefined, () => ({
    ...{ status: 200, body: { items: [{ index: { status: 201 } }] } },
  }));
  await using aws = await openAwsProxy(() => 1);
  aws.play({
    fault: ({ action, parameters }) => {
      const part = action.startsWith('PUT')
        ? 'report'
        : action === 'PublishBatch'
          ? 'announcement'
          : 'metrics';
      if (part === refuses) return { status: 403, code: 'AccessDenied', message: 'planted' };
      if (part !== 'announcement') return { answer: '' };
      const { 'PublishBatchRequestEntries.member.1.Id': id } = parameters;
      const taken = `<Successful><member><Id>${id}</Id></member></Successful>`;
      return {
        answer: `<PublishBatchResponse><PublishBatchResult>${taken}</PublishBatchResult></PublishBatchResponse>`,
      };
    },
  });
  return await desk.run(args, {
    environment: {
      ...{ ...AWS, AWS_ENDPOINT_URL: aws.url, ES_URL: cluster.url, PIPELINE_DATE: '2026-08-20' },
      S3_BUCKET: 'reports',
      DOWNSTREAM_SNS_TOPIC_ARN: 'arn:aws:sns:eu-west-1:123456789012:works',
    },
  });
}

/** Runs a comparison with an index that holds one document, whatever it is asked for, or none. */
async function runBeside(
  desk: DeskOnRegistry,
  args: readonly string[],
  document: object | undefined
): Promise<Ended> {
  await using cluster = await openProxy(undefined, ({ path, body }) => {
    if (path.endsWith('/_search')) return { status: 200, body: { hits: { hits: [] } } };
    const { ids } = JSON.parse(body.toString()) as { ids: string[] };
    const found = document !== undefined;
    const docs = ids.map(_id => ({ _id, found, ...(found && { _source: document }) }));
    return { status: 200, body: { docs } };
  });
  return await desk.run(args, { environment: { ES_URL: cluster.url } });
}

/** In order; none where there are no tables. */
async function mappingsIn({ registry }: DeskOnRegistry): Promise<string[]> {
  const rows = await registry
    .sql('SELECT OntologyType, SourceSystem, SourceId FROM identifiers')
    .catch(() => []);
  return rows
    .map(([ontologyType, sourceSystem, value]) =>
      formatSourceIdentifier({
        ontologyType: String(ontologyType),
        sourceSystem: String(sourceSystem),
        value: String(value),
      })
    )
    .sort();
}
