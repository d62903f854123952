/** The servers that the registry works on. */
export const SERVER_KINDS = ['mysql', 'mariadb'] as const;
export type ServerKind = (typeof SERVER_KINDS)[number];

export const SERVER_NAMES: Record<ServerKind, string> = { mysql: 'MySQL', mariadb: 'MariaDB' };

/** The oldest versions that the product works with. */
const OLDEST: Record<ServerKind, readonly [number, number]> = { mysql: [8, 0], mariadb: [10, 11] };

/** @returns why this version will not do for tests of that kind, or undefined where it will */
export function whyUnfit(kind: ServerKind, version: string): string | undefined {
  if (kindOfVersion(version) !== kind) return `is ${version}, not ${SERVER_NAMES[kind]}`;
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor, oldestMinor] = OLDEST[kind];
  const isNewEnough = major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
  return isNewEnough ? undefined : `is ${version}, and ${OLDEST[kind].join('.')} is the oldest`;
}

/** What a server says of itself, `8.0.36` or `10.11.19-MariaDB-0+deb12u1`. */
function kindOfVersion(version: string): ServerKind {
  return /mariadb/i.test(version) ? 'mariadb' : 'mysql';
}
