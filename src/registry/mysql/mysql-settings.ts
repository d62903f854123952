/** Where a registry on MySQL or MariaDB is, and how it is reached. */
export interface MysqlSettings {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Asked for each connection anew, so that a rotated password holds from then on. */
  readonly password: () => Promise<string>;
  readonly database: string;
  /** `verify` checks certificate and host name, `require` encrypts without checking, `off` does not encrypt. */
  readonly tls: 'verify' | 'require' | 'off';
  /** How many connections may be open at once; 8 by default. */
  readonly maxConnections?: number;
}

/** The URL without secrets, as people are told. */
export function nameOf({ user, host, port, database }: MysqlSettings): string {
  const shownHost = host.includes(':') ? `[${host}]` : host;
  return `mysql://${encodeURIComponent(user)}@${shownHost}:${port}/${encodeURIComponent(database)}`;
}
