import { z } from 'zod';
import { IdMinterError } from '../domain/errors.ts';
import { FREE_IDS_DEFAULT } from '../domain/pool.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

const yesOrNo = z.stringbool({ truthy: ['true', '1', 'yes'], falsy: ['false', '0', 'no'] });
const YES_OR_NO = 'true, 1, yes, false, 0, no';

/** Digits alone: JavaScript would also take 0x10 and 1e3 for numbers. */
const wholeNumber = (most: number) =>
  z.string().regex(/^\d+$/).transform(Number).pipe(z.number().int().min(1).max(most));

/** Other programs on a machine may read the same variable. */
const LOG_LEVELS = {
  ...{ DEBUG: 'debug', INFO: 'info', WARNING: 'warning', ERROR: 'error', CRITICAL: 'critical' },
  ...{ NOTSET: 'debug', TRACE: 'debug', WARN: 'warning', FATAL: 'critical' },
} as const;

/** Every variable that the product reads, with its default, what is allowed and what it is for. */
export const VARIABLES = {
  ID_MINTER_REGISTRY: z.string().optional().meta({
    about:
      'The registry, as a URL: `sqlite:PATH` or `mysql://USER@HOST:PORT/DATABASE`. `--registry` wins over it.',
  }),
  RDS_PRIMARY_HOST: z.string().default('localhost').meta({ about: 'MySQL host.' }),
  RDS_PORT: wholeNumber(65_535)
    .default(3306)
    .meta({ about: 'MySQL port.', allowed: 'a whole number from 1 to 65535' }),
  RDS_USERNAME: z.string().default('id_minter').meta({ about: 'Database user.' }),
  RDS_PASSWORD: z.string().default('').meta({ about: 'Database password.' }),
  RDS_SECRET_NAME: z.string().optional().meta({
    about:
      'The secret in AWS Secrets Manager that holds user and password, in the place of RDS_USERNAME and RDS_PASSWORD; it may be rotated in mid-run.',
  }),
  RDS_IAM_AUTHENTICATION: yesOrNo.default(false).meta({
    about:
      'Log in with tokens of IAM in the place of a password, as `?auth=iam` does in a registry URL.',
    allowed: YES_OR_NO,
  }),
  RDS_REGION: z
    .string()
    .optional()
    .meta({ about: 'Region of the database, for tokens of IAM; without it that of AWS_REGION.' }),
  RDS_MAX_CONNECTIONS: wholeNumber(1_000).default(8).meta({
    about: 'How many connections to the database one process holds at once, at most.',
    allowed: 'a whole number from 1 to 1000',
  }),
  IDENTIFIERS_DATABASE: z.string().default('identifiers').meta({ about: 'Database name.' }),
  IDENTIFIERS_TABLE_NAME: z.literal('identifiers').default('identifiers').meta({
    about: 'The table of mappings, which has the name of RFC 083.',
    allowed: 'only identifiers (for another registry, set IDENTIFIERS_DATABASE)',
  }),
  CANONICAL_IDS_TABLE_NAME: z.literal('canonical_ids').default('canonical_ids').meta({
    about: 'The table of canonical IDs, which has the name of RFC 083.',
    allowed: 'only canonical_ids (for another registry, set IDENTIFIERS_DATABASE)',
  }),
  APPLY_MIGRATIONS: yesOrNo.default(false).meta({
    about: 'Apply pending migrations before minting, and fill a pool that has never held an ID.',
    allowed: YES_OR_NO,
  }),
  ID_GENERATOR_DESIRED_FREE_IDS_COUNT: wholeNumber(999_999_999).default(FREE_IDS_DEFAULT).meta({
    about: 'How many free IDs a top-up of the pool leaves.',
    allowed: 'a whole number from 1 to 999999999',
  }),
  PIPELINE_DATE: z.string().optional().meta({
    about:
      'Names the pipeline in reports and metrics, and ends the names of indexes. `--pipeline-date` wins over it.',
  }),
  PIPELINE_STEP: z
    .string()
    .default('id_minter')
    .meta({ about: 'Names the step of the pipeline in reports, metrics and logs.' }),
  S3_BUCKET: z.string().optional().meta({
    about:
      'Runs into an index put their report there, as `pipeline-PIPELINE_DATE/PIPELINE_STEP/S3_PREFIX/JOB.json`.',
  }),
  S3_PREFIX: z.string().default('dev').meta({ about: 'A part of the name of that report.' }),
  DOWNSTREAM_SNS_TOPIC_ARN: z
    .string()
    .regex(/^arn:[^:]+:sns:[^:]+:[^:]+:[^:]+$/)
    .optional()
    .meta({
      about: 'Runs into an index announce there which documents they have written.',
      allowed: 'the ARN of an SNS topic',
    }),
  LOG_LEVEL: z
    .string()
    .toUpperCase()
    .pipe(z.enum(Object.keys(LOG_LEVELS) as (keyof typeof LOG_LEVELS)[]))
    .transform(name => LOG_LEVELS[name])
    .default('info')
    .meta({
      about: 'The least that the functions log; the command line speaks in plain words.',
      allowed: 'DEBUG, INFO, WARNING, ERROR, CRITICAL, or what other programs call these',
    }),
  ES_URL: z.string().optional().meta({
    about:
      'The Elasticsearch that works come from and go to, as http://HOST:PORT; without it, that of ES_LOCAL_*. A URL in `--source` or `--target` wins over it.',
  }),
  ES_SOURCE_URL: z
    .string()
    .optional()
    .meta({ about: 'The one that works come from, where there are two.' }),
  ES_TARGET_URL: z
    .string()
    .optional()
    .meta({ about: 'The one that works go to, where there are two.' }),
  ES_API_KEY: z
    .string()
    .optional()
    .meta({ about: 'API key for Elasticsearch, as it is sent: encoded.' }),
  ES_SOURCE_INDEX: z
    .string()
    .default('works-source')
    .meta({ about: 'Upstream Elasticsearch index. It wins over prefix and suffix.' }),
  ES_TARGET_INDEX: z
    .string()
    .default('works-identified')
    .meta({ about: 'Downstream Elasticsearch index. It wins over prefix and suffix.' }),
  ES_SOURCE_INDEX_PREFIX: z
    .string()
    .default('works-source')
    .meta({ about: 'The upstream index is called PREFIX-SUFFIX where one of the two is given.' }),
  ES_TARGET_INDEX_PREFIX: z
    .string()
    .default('works-identified')
    .meta({ about: 'The downstream index is called PREFIX-SUFFIX where one of the two is given.' }),
  ES_SOURCE_INDEX_DATE_SUFFIX: z
    .string()
    .optional()
    .meta({ about: 'Without it PIPELINE_DATE, else `dev`.' }),
  ES_TARGET_INDEX_DATE_SUFFIX: z
    .string()
    .optional()
    .meta({ about: 'Without it PIPELINE_DATE, else `dev`.' }),
  ES_LOCAL_SCHEME: z.enum(['http', 'https']).default('http').meta({
    about: 'Of the Elasticsearch that is used without a URL, and by `--source-es-mode local`.',
    allowed: 'http, https',
  }),
  ES_LOCAL_HOST: z.string().default('localhost').meta({ about: 'Its host.' }),
  ES_LOCAL_PORT: wholeNumber(65_535)
    .default(9200)
    .meta({ about: 'Its port.', allowed: 'a whole number from 1 to 65535' }),
  ES_LOCAL_API_KEY: z.string().optional().meta({ about: 'Its API key; without it ES_API_KEY.' }),
  GRAPH_DATE: z.string().optional().meta({
    about:
      'Names the graph in the paths of partitions; without it `prod`. `--graph-date` wins over it.',
  }),
  CATALOGUE_GRAPH_S3_BUCKET: z
    .string()
    .default('wellcomecollection-catalogue-graph')
    .meta({ about: 'The bucket that find-work writes partitions to.' }),
  ID_MINTER_S3_PREFIX: z
    .string()
    .default('id_minter')
    .meta({ about: 'The folder of this service in the paths of partitions.' }),
} as const;

/** What the Python minter reads and nothing here does, with the reason; names that end in * stand for all that begin so. */
export const IDLE_VARIABLES: Readonly<Record<string, string>> = {
  RDS_REPLICA_HOST: 'a replica may lag behind, so everything is read from RDS_PRIMARY_HOST',
  RDS_CLUSTER_ID: 'the Data API could only look up, and the registry is asked itself',
  'ES_TRANSIENT_*': 'requests of an index are tried again for two minutes, with growing waits',
  REQUESTS_BACKOFF_MAX_TIME:
    'requests of an index are tried again for two minutes, with growing waits',
};

export type Settings = z.output<z.ZodObject<typeof VARIABLES>>;

/**
 * Reads the environment. A variable that is empty counts as not set.
 *
 * @throws IdMinterError INVALID_CONFIGURATION naming the variable and what is allowed
 */
export function readSettings(environment: Environment): Settings {
  const given = Object.fromEntries(
    Object.keys(VARIABLES).flatMap(name => (environment[name] ? [[name, environment[name]]] : []))
  );
  const result = z.object(VARIABLES).safeParse(given);
  if (result.success) return result.data;
  const name = String(result.error.issues[0]?.path[0]) as keyof typeof VARIABLES;
  const allowed = String(VARIABLES[name].meta()?.['allowed'] ?? 'a text');
  throw new IdMinterError(
    'INVALID_CONFIGURATION',
    `${name} is ${JSON.stringify(environment[name])}, and ${allowed} is allowed. Nothing was started. Correct the variable.`,
    { name, value: environment[name], allowed }
  );
}

/**
 * What is set and has no effect, one sentence each for a person: better said than wondered about.
 */
export function describeIdleVariables(environment: Environment): string[] {
  return Object.keys(environment)
    .filter(name => environment[name])
    .flatMap(name => {
      const why = reasonForIdle(name, environment);
      return why === undefined ? [] : [`${name} is set and not used: ${why}.`];
    });
}

function reasonForIdle(name: string, environment: Environment): string | undefined {
  if (name === 'RDS_REPLICA_HOST' && environment[name] === environment['RDS_PRIMARY_HOST']) return;
  const [, why] =
    Object.entries(IDLE_VARIABLES).find(([known]) =>
      known.endsWith('*') ? name.startsWith(known.slice(0, -1)) : name === known
    ) ?? [];
  return why;
}
