import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { IdMinterError } from '../domain/errors.ts';
import type {
  AnyMysqlSettings,
  MysqlSettings,
  RotatedMysqlSettings,
} from '../registry/mysql/mysql-settings.ts';
import { loginsOfSecret, signToken } from './secrets.ts';
import type { Environment, Settings } from './settings.ts';

/** Where a registry is. */
export type RegistryLocation =
  | { readonly kind: 'sqlite'; readonly path: string }
  | ({ readonly kind: 'mysql' } & AnyMysqlSettings);

type Tls = AnyMysqlSettings['tls'];

const TLS: readonly string[] = ['verify', 'require', 'off'] satisfies Tls[];
const SQLITE_DEFAULT = './id-minter.sqlite';
const MYSQL_PORT = 3306;

/** Names that are set where a minter runs in production, so that an unnamed registry is a lost setting there. */
const PRODUCTION = /^(ES_|S3_|ECS_|PIPELINE_DATE$|AWS_EXECUTION_ENV$)/;

/**
 * Finds out which registry is meant: by URL; else MySQL where an RDS_* variable is set or the code runs as a
 * Lambda; else a file in this folder, but only for runs that stay on this machine.
 *
 * @param staysLocal - whether everything that is read and written is a file, an argument or a pipe
 * @throws IdMinterError REGISTRY_NOT_NAMED, INVALID_CONFIGURATION
 */
export function locateRegistry(
  url: string | undefined,
  {
    environment,
    settings,
    staysLocal,
  }: { environment: Environment; settings: Settings; staysLocal: boolean }
): RegistryLocation {
  const named = url ?? settings.ID_MINTER_REGISTRY;
  if (named !== undefined) return parseRegistryUrl(named, { environment, settings });
  const isSet = (matches: (name: string) => boolean): string | undefined =>
    Object.keys(environment).find(name => environment[name] && matches(name));
  if (isSet(name => name.startsWith('RDS_') || name === 'AWS_LAMBDA_FUNCTION_NAME')) {
    const host = settings.RDS_PRIMARY_HOST;
    const server = {
      ...{ kind: 'mysql' as const, host, port: settings.RDS_PORT, tls: defaultTls(host) },
      database: settings.IDENTIFIERS_DATABASE,
      maxConnections: settings.RDS_MAX_CONNECTIONS,
    };
    return { ...server, ...loginFromSettings(server, settings.RDS_USERNAME, settings) };
  }
  const production = isSet(name => PRODUCTION.test(name));
  if (!staysLocal || production !== undefined) {
    const because =
      production === undefined ? 'the run reaches beyond files' : `${production} is set`;
    throw new IdMinterError(
      'REGISTRY_NOT_NAMED',
      `No registry is named, and ${because}, so a fresh file is not what you want. Nothing was started. Give --registry ` +
        'URL or ID_MINTER_REGISTRY, or the RDS_* variables.',
      { because }
    );
  }
  return { kind: 'sqlite', path: SQLITE_DEFAULT };
}

/**
 * @throws IdMinterError INVALID_CONFIGURATION
 */
export function parseRegistryUrl(
  text: string,
  { environment, settings }: { environment: Environment; settings: Settings }
): RegistryLocation {
  if (text.startsWith('sqlite:')) {
    const path = text.slice('sqlite:'.length).replace(/^\/\/(?=\/)/, '');
    if (path === '')
      throw invalid('sqlite:PATH needs a path, for example sqlite:./id-minter.sqlite');
    return { kind: 'sqlite', path };
  }
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'mysql:') {
    throw invalid('a registry is named sqlite:PATH or mysql://USER@HOST:PORT/DATABASE');
  }
  if (url.password !== '') {
    throw invalid(
      'passwords never stand in a URL, where logs and process lists show them: use RDS_PASSWORD, ' +
        '?password-env=NAME or ?password-file=PATH'
    );
  }
  const known = ['tls', 'auth', 'password-env', 'password-file'];
  if (url.hash !== '')
    throw invalid('a # in a user, password or database is written %23, and a password never');
  const unknown = [...url.searchParams.keys()].find(name => !known.includes(name));
  if (unknown !== undefined) throw invalid(`?${unknown} is unknown; ${known.join(', ')} are known`);
  const tls = url.searchParams.get('tls');
  if (tls !== null && !TLS.includes(tls))
    throw invalid(`?tls=${tls}: ${TLS.join(', ')} are allowed`);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (host === '') throw invalid('the URL names no host');
  const user = decode('user', url.username) || settings.RDS_USERNAME;
  const server = {
    ...{ kind: 'mysql' as const, host, tls: (tls as Tls | null) ?? defaultTls(host) },
    port: url.port === '' ? MYSQL_PORT : Number(url.port),
    database: decode('database', url.pathname.slice(1)) || settings.IDENTIFIERS_DATABASE,
    maxConnections: settings.RDS_MAX_CONNECTIONS,
  };
  const own = loginFromUrl(url, { server, user, environment, settings });
  return { ...server, ...(own ?? loginFromSettings(server, user, settings)) };
}

/** How a registry is logged in to. */
type Login =
  | Pick<MysqlSettings, 'user' | 'password' | 'isToken' | 'loginToCheck'>
  | Pick<RotatedMysqlSettings, 'logins' | 'loginToCheck'>;

type Server = Pick<MysqlSettings, 'host' | 'port' | 'tls'>;

function decode(what: string, text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw invalid(`its ${what} holds a % that begins no character; write it %25`, cause);
  }
}

/** @returns undefined where the URL does not say where its password comes from */
function loginFromUrl(
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

function loginFromSettings(server: Server, user: string, settings: Settings): Login {
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

function defaultTls(host: string): Tls {
  const isLoopback =
    host.toLowerCase() === 'localhost' ||
    host === '::1' ||
    (isIP(host) === 4 && host.startsWith('127.'));
  return isLoopback ? 'off' : 'verify';
}

/** The URL itself is not shown: it may hold the password that it must not hold. */
function invalid(why: string, cause?: unknown): IdMinterError {
  return new IdMinterError(
    'INVALID_CONFIGURATION',
    `The registry cannot be used: ${why}. Nothing was started.`,
    { why, cause }
  );
}
