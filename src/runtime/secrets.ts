import { setTimeout as sleep } from 'node:timers/promises';
import type { ErrorCode } from '../domain/errors.ts';
import { IdMinterError } from '../domain/errors.ts';
import type { MysqlLogin } from '../registry/mysql/mysql-settings.ts';

/** So that a network that swallows everything ends in an error. */
const REQUEST_TIMEOUT_MS = 10_000;
const CONNECT_TIMEOUT_MS = 5_000;
/** A rotation gives the database the new password and then moves the stages: between the two neither login may hold. */
const ROTATION_WAIT_MS = 5_000;

/** The stages of a secret: what holds, and what a rotation under way is about to put in its place. */
type Stage = 'AWSCURRENT' | 'AWSPENDING';

export interface NamedSecrets {
  readonly names: readonly string[];
  /** What a person corrects where a name is wrong: `RDS_SECRET_NAME`. */
  readonly namedBy: string;
}

export interface IamUser {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Where the database is; undefined for the region of the surroundings. */
  readonly region: string | undefined;
}

/**
 * The texts of secrets in AWS Secrets Manager, in order. Credentials, region and endpoint are found as every AWS tool
 * finds them; what is passing is tried again by AWS's own client.
 *
 * @throws IdMinterError SECRET_NOT_FOUND, SECRET_ACCESS_DENIED, SECRET_UNAVAILABLE, INVALID_CONFIGURATION; no message
 *   holds any of a secret
 */
export async function readSecrets({ names, namedBy }: NamedSecrets): Promise<string[]> {
  using manager = await openManager(namedBy);
  return await Promise.all(names.map(name => manager.read(name, 'AWSCURRENT')));
}

/**
 * The logins of a database's secret, to be tried in order while the database denies access: the one that holds; the one
 * of a rotation under way, where there is one; and, when the rotation had time to end, again the one that holds.
 *
 * @param name - of a secret as RDS keeps them: JSON with `username` and `password`; its host and port are not looked at
 * @throws IdMinterError as {@link readSecrets} does
 */
export async function* loginsOfSecret(name: string): AsyncGenerator<MysqlLogin> {
  using manager = await openManager('RDS_SECRET_NAME');
  yield parseLogin(name, await manager.read(name, 'AWSCURRENT'));
  const pending = await manager.readPending(name);
  if (pending !== undefined) yield parseLogin(name, pending);
  await sleep(ROTATION_WAIT_MS);
  yield parseLogin(name, await manager.read(name, 'AWSCURRENT'));
}

/**
 * A token with which a database user logs in for the next 15 minutes in the place of a password. It is signed here, with
 * credentials that are found as every AWS tool finds them.
 *
 * @throws IdMinterError SECRET_ACCESS_DENIED, INVALID_CONFIGURATION
 */
export async function signToken({ host, port, user, region }: IamUser): Promise<string> {
  const { Signer } = await import('@aws-sdk/rds-signer');
  try {
    return await new Signer({
      ...{ hostname: host, port, username: user },
      ...(region !== undefined && { region }),
    }).getAuthToken();
  } catch (cause) {
    const reason = reasonOf(cause);
    if (isRegionMissing(reason)) throw regionMissing('RDS_REGION or AWS_REGION', cause);
    throw new IdMinterError(
      'SECRET_ACCESS_DENIED',
      `No token could be signed with which ${user} logs in at ${host}:${port} (${reason}). What was written is right. See ` +
        'that AWS credentials can be found and are valid, then say the same again.',
      { host, port, user, cause }
    );
  }
}

interface Manager extends Disposable {
  read(name: string, stage: Stage): Promise<string>;
  /** @returns undefined where no rotation is under way */
  readPending(name: string): Promise<string | undefined>;
}

async function openManager(namedBy: string): Promise<Manager> {
  const { GetSecretValueCommand, SecretsManagerClient } = await import(
    '@aws-sdk/client-secrets-manager'
  );
  const client = new SecretsManagerClient({
    requestHandler: {
      requestTimeout: REQUEST_TIMEOUT_MS,
      connectionTimeout: CONNECT_TIMEOUT_MS,
    },
  });
  const read = async (name: string, stage: Stage): Promise<string> => {
    const { SecretString } = await client
      .send(new GetSecretValueCommand({ SecretId: name, VersionStage: stage }))
      .catch(cause => {
        throw secretError({ name, stage, namedBy }, cause);
      });
    return SecretString ?? unfitSecret(name, 'it is no text');
  };
  return {
    read,
    readPending: name =>
      read(name, 'AWSPENDING').catch(error => {
        if (error instanceof IdMinterError && error.code === 'SECRET_NOT_FOUND') return undefined;
        throw error;
      }),
    [Symbol.dispose]: () => client.destroy(),
  };
}

/** What the parser says would quote the secret: it is not kept. */
function parseLogin(name: string, text: string): MysqlLogin {
  const { username, password } = parseObject(name, text);
  if (typeof username !== 'string' || username === '' || typeof password !== 'string') {
    return unfitSecret(name, 'it lacks username or password as texts');
  }
  return { user: username, password };
}

function parseObject(name: string, text: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null) return { ...parsed };
  } catch {}
  return unfitSecret(name, 'it is no JSON object with username and password');
}

/** @throws IdMinterError INVALID_CONFIGURATION, which does not show what the secret holds */
export function unfitSecret(name: string, why: string): never {
  throw new IdMinterError(
    'INVALID_CONFIGURATION',
    `The secret ${name} in AWS Secrets Manager cannot be used: ${why}. What was written is right. Correct the secret, or ` +
      'the variable that names it.',
    { name, why }
  );
}

function secretError(
  { name, stage, namedBy }: { name: string; stage: Stage; namedBy: string },
  cause: unknown
): IdMinterError {
  const reason = reasonOf(cause);
  if (isRegionMissing(reason)) return regionMissing('AWS_REGION', cause);
  const [code, remedy] = describe(reason, namedBy);
  return new IdMinterError(
    code,
    `The secret ${name} (${stage}) in AWS Secrets Manager could not be read (${reason}). What was written is right. ` +
      `${remedy}, then say the same again.`,
    { name, stage, cause }
  );
}

function describe(reason: string, namedBy: string): [ErrorCode, string] {
  if (/^(ResourceNotFound|InvalidRequest|InvalidParameter|Validation)/.test(reason)) {
    return [
      'SECRET_NOT_FOUND',
      `Correct ${namedBy}, or make the secret in the region of AWS_REGION`,
    ];
  }
  if (/^(AccessDenied|DecryptionFailure)/.test(reason)) {
    return [
      'SECRET_ACCESS_DENIED',
      'Give this role secretsmanager:GetSecretValue on it (and kms:Decrypt, where a key of yours encrypts it)',
    ];
  }
  if (/^\w*(credential|token|unrecognizedclient|signature)/i.test(reason)) {
    return ['SECRET_ACCESS_DENIED', 'See that AWS credentials can be found and are valid'];
  }
  return ['SECRET_UNAVAILABLE', 'See that Secrets Manager can be reached'];
}

/** The name first: it says what it is. */
function reasonOf(cause: unknown): string {
  const { name = '', message = String(cause) } = cause instanceof Error ? cause : {};
  return [name, message].filter(text => text !== '' && text !== 'Error').join(': ');
}

/** The client says so in words alone. */
function isRegionMissing(reason: string): boolean {
  return /Region is missing/i.test(reason);
}

function regionMissing(variables: string, cause: unknown): IdMinterError {
  return new IdMinterError(
    'INVALID_CONFIGURATION',
    `No region of AWS is named, and the login or the index is kept there. Nothing was started. Set ${variables}.`,
    { cause }
  );
}
