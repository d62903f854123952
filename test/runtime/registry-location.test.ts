import { writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import type { RegistryLocation } from '../../src/runtime/registry-location.ts';
import { locateRegistry } from '../../src/runtime/registry-location.ts';
import type { Environment } from '../../src/runtime/settings.ts';
import { readSettings } from '../../src/runtime/settings.ts';
import { openDesk } from '../support/command-line.ts';

function locate(
  url: string | undefined,
  environment: Environment = {},
  { staysLocal = true }: { staysLocal?: boolean } = {}
): RegistryLocation {
  return locateRegistry(url, { environment, settings: readSettings(environment), staysLocal });
}

function refusal(locateIt: () => unknown): { code: string; message: string } {
  try {
    locateIt();
  } catch (error) {
    return error as { code: string; message: string };
  }
  throw new Error('It was not refused.');
}

const MYSQL_DEFAULT = {
  kind: 'mysql',
  host: 'localhost',
  port: 3306,
  user: 'id_minter',
  database: 'identifiers',
  tls: 'off',
};

describe('without a URL', () => {
  test('the registry is a file in this folder', () => {
    expect(locate(undefined)).toEqual({ kind: 'sqlite', path: './id-minter.sqlite' });
  });

  test.each(['RDS_PRIMARY_HOST', 'RDS_PASSWORD', 'RDS_REPLICA_HOST', 'AWS_LAMBDA_FUNCTION_NAME'])(
    'it is MySQL where %s is set',
    name => {
      expect(locate(undefined, { [name]: 'localhost' })).toMatchObject(MYSQL_DEFAULT);
    }
  );

  test('it is what the variables say', async () => {
    const location = locate(undefined, {
      RDS_PRIMARY_HOST: 'db.example',
      RDS_PORT: '3307',
      RDS_USERNAME: 'minter',
      RDS_PASSWORD: 'hush',
      IDENTIFIERS_DATABASE: 'ids',
    });
    expect(location).toMatchObject({
      kind: 'mysql',
      host: 'db.example',
      port: 3307,
      user: 'minter',
      database: 'ids',
      tls: 'verify',
    });
    if (location.kind === 'mysql') expect(await location.password()).toBe('hush');
  });

  test.each([
    ...['ES_URL', 'ES_SOURCE_INDEX', 'S3_BUCKET', 'S3_PREFIX', 'PIPELINE_DATE'],
    ...['AWS_EXECUTION_ENV', 'ECS_CONTAINER_METADATA_URI_V4'],
  ])('a fresh file is refused where %s is set, and the variable is named', name => {
    expect(refusal(() => locate(undefined, { [name]: 'x' }))).toMatchObject({
      code: 'REGISTRY_NOT_NAMED',
      message: expect.stringContaining(`${name} is set`),
    });
    expect(locate(undefined, { [name]: '' })).toMatchObject({ kind: 'sqlite' });
    expect(locate('sqlite:x', { [name]: 'x' })).toMatchObject({ kind: 'sqlite', path: 'x' });
  });

  test('a fresh file is refused where the run reaches beyond files', () => {
    expect(refusal(() => locate(undefined, {}, { staysLocal: false }))).toMatchObject({
      code: 'REGISTRY_NOT_NAMED',
    });
  });

  test('a secret that this version cannot read is refused rather than passed over', () => {
    expect(
      refusal(() => locate(undefined, { RDS_PRIMARY_HOST: 'h', RDS_SECRET_NAME: 'rds/x' }))
    ).toMatchObject({
      code: 'INVALID_CONFIGURATION',
      message: expect.stringContaining('RDS_SECRET_NAME'),
    });
  });
});

describe('a URL', () => {
  test('given wins over the variable, and the variable over RDS_*', () => {
    const environment = { ID_MINTER_REGISTRY: 'sqlite:variable', RDS_PRIMARY_HOST: 'h' };
    expect(locate('sqlite:flag', environment)).toMatchObject({ path: 'flag' });
    expect(locate(undefined, environment)).toMatchObject({ path: 'variable' });
  });

  test.each([
    ['sqlite:ids.sqlite', 'ids.sqlite'],
    ['sqlite:/srv/ids.sqlite', '/srv/ids.sqlite'],
    ['sqlite:///srv/ids.sqlite', '/srv/ids.sqlite'],
    ['sqlite:odd ?#%41 name', 'odd ?#%41 name'],
  ])('%j names the file %j', (url, path) => {
    expect(locate(url)).toEqual({ kind: 'sqlite', path });
  });

  test.each<[string, object]>([
    [
      'mysql://minter@db.example:3307/ids',
      { host: 'db.example', port: 3307, user: 'minter', database: 'ids', tls: 'verify' },
    ],
    [
      'mysql://db.example',
      { host: 'db.example', port: 3306, user: 'id_minter', database: 'identifiers' },
    ],
    ['mysql://a%40b@localhost/d%C3%A9', { user: 'a@b', database: 'dé', tls: 'off' }],
    ['mysql://127.0.0.1/x', { tls: 'off' }],
    ['mysql://[::1]:3307/x', { host: '::1', port: 3307, tls: 'off' }],
    ['mysql://LOCALHOST/x', { tls: 'off' }],
    ['mysql://127.0.0.1.example/x', { tls: 'verify' }],
    ['mysql://10.0.0.1/x', { tls: 'verify' }],
    ['mysql://localhost/x?tls=verify', { tls: 'verify' }],
    ['mysql://db.example/x?tls=require', { tls: 'require' }],
    ['mysql://db.example/x?tls=off', { tls: 'off' }],
  ])('%s is read', (url, expected) => {
    expect(locate(url)).toMatchObject({ kind: 'mysql', ...expected });
  });

  test.each([
    ['sqlite:', 'needs a path'],
    ['registry.sqlite', 'is named sqlite:PATH or mysql://'],
    ['postgres://localhost/x', 'is named sqlite:PATH or mysql://'],
    ['mysql://localhost:99999/x', 'is named sqlite:PATH or mysql://'],
    ['mysql:///x', 'names no host'],
    ['mysql://localhost/x?tls=maybe', '?tls=maybe: verify, require, off'],
    ['mysql://localhost/x?ssl=1', '?ssl is unknown'],
    ['mysql://localhost/x#y', 'password'],
    ['mysql://a%zz@localhost/x', '%'],
    ['mysql://localhost/%zz', '%'],
    ['mysql://localhost/x?password-env=NO_SUCH', 'NO_SUCH'],
    ['mysql://localhost/x?password-env=A&password-file=B', 'not both'],
  ])('%s is refused', (url, why) => {
    expect(refusal(() => locate(url))).toMatchObject({
      code: 'INVALID_CONFIGURATION',
      message: expect.stringContaining(why),
    });
  });

  test.each([
    'mysql://minter:canary-8472@db.example/ids',
    'mysql://minter:canary-8472@db.example:port/ids',
    'mysql://db.example/ids?password=canary-8472',
    'mysql://minter:a#canary-8472@db.example/ids',
    'mysqlx://minter:canary-8472@db.example/ids',
  ])('with a password in it is refused, and the password is not repeated: %s', url => {
    const { code, message } = refusal(() => locate(url));
    expect(code).toBe('INVALID_CONFIGURATION');
    expect(message).not.toContain('canary');
  });
});

describe('the password', () => {
  async function passwordAt(location: RegistryLocation): Promise<string> {
    if (location.kind !== 'mysql') throw new Error('Not MySQL.');
    return await location.password();
  }

  test('comes from RDS_PASSWORD, or from the variable that the URL names', async () => {
    const environment = { RDS_PASSWORD: 'one', OTHER: 'two' };
    expect(await passwordAt(locate('mysql://localhost/x', environment))).toBe('one');
    expect(await passwordAt(locate('mysql://localhost/x?password-env=OTHER', environment))).toBe(
      'two'
    );
  });

  test('comes from a file, as it is at that moment, without the end of its line', async () => {
    await using desk = await openDesk();
    const path = await desk.write('password', 'first\n');
    const location = locate(`mysql://localhost/x?password-file=${encodeURIComponent(path)}`);
    expect(await passwordAt(location)).toBe('first');
    await writeFile(path, ' second \r\n');
    expect(await passwordAt(location)).toBe(' second ');
  });

  test('of a file that cannot be read is an error that names the file', async () => {
    const location = locate('mysql://localhost/x?password-file=/no/such/file');
    await expect(passwordAt(location)).rejects.toMatchObject({
      code: 'INVALID_CONFIGURATION',
      message: expect.stringContaining('/no/such/file'),
    });
  });
});
