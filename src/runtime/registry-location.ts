import { isIP } from 'node:net';
import { IdMinterError } from '../domain/errors.ts';
import type { AnyMysqlSettings } from '../registry/mysql/mysql-settings.ts';
import { invalid, loginFromSettings, loginFromUrl } from './registry-login.ts';
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

function decode(what: string, text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw invalid(`its ${what} holds a % that begins no character; write it %25`, cause);
  }
}

function defaultTls(host: string): Tls {
  const isLoopback =
    host.toLowerCase() === 'localhost' ||
    host === '::1' ||
    (isIP(host) === 4 && host.startsWith('127.'));
  return isLoopback ? 'off' : 'verify';
}
