import { readFile } from 'node:fs/promises';
import { IdMinterError } from '../domain/errors.ts';
import type { MysqlSettings, RotatedMysqlSettings } from '../registry/mysql/mysql-settings.ts';
import { loginsOfSecret, signToken } from './secrets.ts';
import type { Environment, Settings } from './settings.ts';

/** How a registry is logged in to. */
type Login =
  | Pick<MysqlSettings, 'user' | 'password' | 'isToken' | 'loginToCheck'>
  | Pick<RotatedMysqlSettings, 'logins' | 'loginToCheck'>;

/** Where one logs in. */
type Server = Pick<MysqlSettings, 'host' | 'port' | 'tls'>;

/**
 * @returns undefined where the URL does not say where its password comes from
 * @throws IdMinterError INVALID_CONFIGURATION
 */
export function loginFromUrl(
  url: URL,
  {
    server,
    user,
    environment,
    settings,
  }: { server: Server; user: string; environment: Environment; settings: Settings }
): Login | undefined {
  const variable = url.searchParams.get('password-env');
  const file = url.searchParams.get('password-file');
  const auth = url.searchParams.get('auth');
  if (auth !== null && auth !== 'iam') throw invalid(`?auth=${auth}: iam is allowed`);
  if ([variable, file, auth].filter(given => given !== null).length > 1)
    throw invalid('give one of ?password-env, ?password-file and ?auth, not two');
  if (auth !== null) return iamLogin(server, user, settings);
  if (file !== null) return { user, password: () => readPassword(file) };
  if (variable === null) return undefined;
  const password = environment[variable];
  if (password === undefined) throw invalid(`?password-env names ${variable}, which is not set`);
  return { user, password: async () => password };
}

/**
 * The login of a registry that the variables alone speak of: a secret, IAM, or user and password.
 *
 * @param user - also named by a URL; one in a secret wins over it
 * @throws IdMinterError INVALID_CONFIGURATION
 */
export function loginFromSettings(server: Server, user: string, settings: Settings): Login {
  const { RDS_SECRET_NAME: secret, RDS_IAM_AUTHENTICATION: isIam, RDS_PASSWORD } = settings;
  if (secret !== undefined && isIam)
    throw invalid('RDS_SECRET_NAME and RDS_IAM_AUTHENTICATION are both set: unset one');
  if (isIam) return iamLogin(server, user, settings);
  if (secret === undefined) return { user, password: async () => RDS_PASSWORD };
  return {
    logins: () => loginsOfSecret(secret),
    loginToCheck:
      `that the secret ${secret} (RDS_SECRET_NAME) has the user and password of the database: AWSCURRENT was tried, ` +
      'AWSPENDING if there is one, and AWSCURRENT again',
  };
}

/** A token is as good as a password for 15 minutes, and travels as it is: only to a server that proves who it is. */
function iamLogin({ host, port, tls }: Server, user: string, settings: Settings): Login {
  if (tls !== 'verify')
    throw invalid(
      `IAM logs in over TLS with a checked certificate only, and TLS is ${tls} here: give the name that the ` +
        'database has in AWS as host, and leave ?tls out or give ?tls=verify'
    );
  return {
    user,
    password: () => signToken({ host, port, user, region: settings.RDS_REGION }),
    isToken: true,
    loginToCheck:
      "that the user is one of IAM (CREATE USER … IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS') and that this role " +
      'may rds-db:connect as it',
  };
}

async function readPassword(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).replace(/\r?\n$/, '');
  } catch (cause) {
    throw invalid(`the password file ${file} cannot be read`, cause);
  }
}

/** The URL itself is not shown: it may hold the password that it must not hold. */
export function invalid(why: string, cause?: unknown): IdMinterError {
  return new IdMinterError(
    'INVALID_CONFIGURATION',
    `The registry cannot be used: ${why}. Nothing was started.`,
    { why, cause }
  );
}
