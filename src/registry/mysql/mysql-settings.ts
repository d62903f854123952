/** Where a registry on MySQL or MariaDB is, and how it is reached. */
interface MysqlServer {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  /** `verify` checks certificate and host name, `require` encrypts without checking, `off` does not encrypt. */
  readonly tls: 'verify' | 'require' | 'off';
  /** How many connections may be open at once; 8 by default. */
  readonly maxConnections?: number;
  /** What a person checks where the login is denied; by default user and password. */
  readonly loginToCheck?: string;
}

/** One user. */
export interface MysqlSettings extends MysqlServer {
  readonly user: string;
  /** Asked for each connection anew, so that a rotated password holds from then on. */
  readonly password: () => Promise<string>;
  /** Whether the password is a token, which the server has to see as it is; only with `verify`. */
  readonly isToken?: boolean;
}

/** User and password change together, as those of a secret do that is rotated. */
export interface RotatedMysqlSettings extends MysqlServer {
  /** Asked for each connection anew. What it gives is tried in order, while the server denies access. */
  readonly logins: () => AsyncIterable<MysqlLogin>;
}

export type AnyMysqlSettings = MysqlSettings | RotatedMysqlSettings;

/** Who logs in and with what. */
export interface MysqlLogin {
  readonly user: string;
  readonly password: string;
}

/** The logins to try for one connection, in order. */
export async function* loginsOf(settings: AnyMysqlSettings): AsyncGenerator<MysqlLogin> {
  if ('logins' in settings) yield* settings.logins();
  else yield { user: settings.user, password: await settings.password() };
}

/** The URL without secrets, as people are told; with the user where there is one only. */
export function nameOf(settings: AnyMysqlSettings): string {
  const { host, port, database } = settings;
  const user = 'user' in settings ? `${encodeURIComponent(settings.user)}@` : '';
  const shownHost = host.includes(':') ? `[${host}]` : host;
  return `mysql://${user}${shownHost}:${port}/${encodeURIComponent(database)}`;
}
