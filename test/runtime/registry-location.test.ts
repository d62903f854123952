import { writeFile } from 'node:fs/promises';
import { beforeEach, describe, expect, test, vi } from 'vitest';
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

async function passwordAt(location: RegistryLocation): Promise<string> {
  if (!('password' in location)) throw new Error('It has no password.');
  return await location.password();
}

const MYSQL_DEFAULT = {
  kind: 'mysql',
  host: 'localhost',
  port: 3306,
  user: 'id_minter',
  database: 'identifiers',
  tls: 'off',
  maxConnections: 8,
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
    expect(await passwordAt(location)).toBe('hush');
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

  test('as many connections are held as RDS_MAX_CONNECTIONS says', () => {
    expect(locate(undefined, { RDS_MAX_CONNECTIONS: '3' })).toMatchObject({ maxConnections: 3 });
    expect(locate('mysql://h/x', { RDS_MAX_CONNECTIONS: '3' })).toMatchObject({
      maxConnections: 3,
    });
  });
});

const SECRET = { RDS_SECRET_NAME: 'rds/x' };
const IAM = { RDS_IAM_AUTHENTICATION: 'true' };

describe('the login', () => {
  test.each<[string | undefined, Environment]>([
    [undefined, SECRET],
    ['mysql://db.example/ids', SECRET],
    ['mysql://other@db.example/ids', SECRET],
  ])('to %s comes from the secret of RDS_SECRET_NAME', (url, environment) => {
    const location = locate(url, environment);
    expect(location).toMatchObject({ logins: expect.any(Function) });
    expect(location).not.toHaveProperty('user');
    expect(location).not.toHaveProperty('password');
  });

  test('comes from RDS_PASSWORD where RDS_SECRET_NAME is empty', async () => {
    const location = locate(undefined, { RDS_SECRET_NAME: '', RDS_PASSWORD: 'hush' });
    expect(location).toMatchObject({ user: 'id_minter' });
    expect(await passwordAt(location)).toBe('hush');
  });

  test.each([SECRET, IAM])('is that of the URL, whatever %j says', async environment => {
    const all = { ...environment, OWN: 'own' };
    expect(await passwordAt(locate('mysql://db.example/ids?password-env=OWN', all))).toBe('own');
  });

  test.each<[string | undefined, Environment]>([
    [undefined, { ...IAM, RDS_PRIMARY_HOST: 'db.example' }],
    ['mysql://db.example/ids', IAM],
    ['mysql://db.example/ids?auth=iam', {}],
    ['mysql://db.example/ids?auth=iam', SECRET],
    ['mysql://localhost/ids?auth=iam&tls=verify', {}],
  ])('to %s with %j is by IAM', (url, environment) => {
    expect(locate(url, environment)).toMatchObject({ isToken: true, user: 'id_minter' });
  });

  test.each<[string | undefined, Environment, string]>([
    [undefined, IAM, 'TLS is off here'],
    ['mysql://db.example/ids?auth=iam&tls=off', {}, 'TLS is off here'],
    ['mysql://db.example/ids?auth=iam&tls=require', {}, 'TLS is require here'],
    ['mysql://db.example/ids?auth=other', {}, '?auth=other: iam is allowed'],
    ['mysql://db.example/ids?auth=iam&password-env=HOME', {}, 'not two'],
    ['mysql://db.example/ids', { ...IAM, ...SECRET }, 'unset one'],
  ])('to %s with %j is refused', (url, environment, why) => {
    expect(refusal(() => locate(url, environment))).toMatchObject({
      code: 'INVALID_CONFIGURATION',
      message: expect.stringContaining(why),
    });
  });
});

describe('a token of IAM', () => {
  beforeEach(() => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'a-secret-key');
    vi.stubEnv('AWS_SESSION_TOKEN', '');
    vi.stubEnv('AWS_PROFILE', '');
    vi.stubEnv('AWS_REGION', 'eu-west-1');
  });

  test.each([
    [{}, 'eu-west-1'],
    [{ RDS_REGION: 'us-east-1' }, 'us-east-1'],
  ])(
    'is signed for host, port and user, with %j in %s, and anew each time',
    async (more, region) => {
      const location = locate('mysql://minter@db.example:3307/ids?auth=iam', more);
      const token = new URL(`https://${await passwordAt(location)}`);
      expect(token.host).toBe('db.example:3307');
      expect(Object.fromEntries(token.searchParams)).toMatchObject({
        Action: 'connect',
        DBUser: 'minter',
        'X-Amz-Expires': '900',
        'X-Amz-Credential': expect.stringMatching(
          new RegExp(`^AKIDEXAMPLE/\\d{8}/${region}/rds-db/aws4_request$`)
        ),
        'X-Amz-Signature': expect.stringMatching(/^[0-9a-f]{64}$/),
      });
      expect(token.href).not.toContain('a-secret-key');
      vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDANOTHER');
      expect(await passwordAt(location)).toContain('AKIDANOTHER');
    }
  );

  test('needs credentials, and the error says so', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', '');
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
    for (const name of ['AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE'])
      vi.stubEnv(name, '/no/such/file');
    await expect(passwordAt(locate('mysql://m@db.example/ids?auth=iam'))).rejects.toMatchObject({
      code: 'SECRET_ACCESS_DENIED',
      message: expect.stringContaining('See that AWS credentials can be found'),
    });
  });

  test('needs a region, and the error says so', async () => {
    for (const name of ['AWS_REGION', 'AWS_DEFAULT_REGION']) vi.stubEnv(name, undefined);
    for (const name of ['AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE'])
      vi.stubEnv(name, '/no/such/file');
    await expect(passwordAt(locate('mysql://m@db.example/ids?auth=iam'))).rejects.toMatchObject({
      code: 'INVALID_CONFIGURATION',
      message: expect.stringContaining('RDS_REGION'),
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
    ['mysql://localhost/x?password-env=A&password-file=B', 'not two'],
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
