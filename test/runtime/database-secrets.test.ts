/** The login of a database out of AWS Secrets Manager, on real databases whose passwords change. */
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test, vi } from 'vitest';
import type { Registry } from '../../src/domain/registry.ts';
import {
  migrate,
  migrationStatus,
  openForMigrations,
  openRegistry,
} from '../../src/runtime/open-registry.ts';
import type { RegistryLocation } from '../../src/runtime/registry-location.ts';
import { locateRegistry } from '../../src/runtime/registry-location.ts';
import { readSettings } from '../../src/runtime/settings.ts';
import type { MysqlRegistry, Role } from '../registry/mysql/mysql-registry.ts';
import { createMysqlRegistry } from '../registry/mysql/mysql-registry.ts';
import type { TestAws } from '../support/aws/aws.ts';
import { openAws } from '../support/aws/aws.ts';
import type { SecretStage } from '../support/aws/secrets.ts';
import { askedSecrets, putSecret } from '../support/aws/secrets.ts';
import { sierra } from '../support/identifiers.ts';

const servers = inject('servers');
/** No message may hold any of it. */
const CANARY = 'canary-5b1e';

let aws: TestAws;

beforeAll(async () => {
  aws = await openAws();
}, 300_000);

afterAll(() => aws[Symbol.asyncDispose]());

beforeEach(() => {
  for (const [name, value] of Object.entries(aws.env)) vi.stubEnv(name, value);
  aws.proxy.play({});
});

/** A registry whose user has its password in a secret. */
interface Setting extends AsyncDisposable {
  readonly registry: MysqlRegistry;
  readonly secret: string;
  readonly location: RegistryLocation;
  /** Gives the user another password in the database. */
  change(password: string): Promise<void>;
  /** Gives the secret a version with this password, in JSON as RDS writes it. */
  put(password: string, stage?: SecretStage): Promise<void>;
  /** Ends all connections of the user. */
  cutConnections(): Promise<void>;
}

async function openSetting(
  server: (typeof servers)[number],
  { role = 'minter', more = {} }: { role?: Role; more?: Record<string, string> } = {}
): Promise<Setting> {
  const registry = await createMysqlRegistry(server, { free: 9 });
  const { user, password, host, port, database } = await registry.as(role);
  const secret = `rds/${user}`;
  const environment = {
    ...{ RDS_PRIMARY_HOST: host, RDS_PORT: String(port), IDENTIFIERS_DATABASE: database },
    ...{ RDS_USERNAME: 'nobody', RDS_PASSWORD: 'nothing', RDS_SECRET_NAME: secret },
    ...more,
  };
  const put = (text: string, stage?: SecretStage) => {
    // Host and port are not looked at: RDS_PRIMARY_HOST may be another name of the same cluster.
    const login = { username: user, password: text, engine: 'mysql', host: 'elsewhere', port: 1 };
    return putSecret(aws, secret, JSON.stringify(login), stage);
  };
  await put(await password());
  aws.proxy.play({});
  const settings = readSettings(environment);
  return {
    registry,
    secret,
    location: locateRegistry(undefined, { environment, settings, staysLocal: true }),
    change: async text => {
      await registry.sql(`ALTER USER '${user}'@'%' IDENTIFIED BY '${text}'`);
    },
    put,
    cutConnections: async () => {
      const rows = await registry.sql<[number]>(
        'SELECT ID FROM information_schema.PROCESSLIST WHERE USER = ?',
        [user]
      );
      expect(rows.length).toBeGreaterThan(0);
      for (const [id] of rows) await registry.sql(`KILL ${id}`);
    },
    [Symbol.asyncDispose]: () => registry[Symbol.asyncDispose](),
  };
}

const open = (location: RegistryLocation) => openRegistry(location, { purpose: 'write' });
const asked = () => askedSecrets(aws).map(({ stage }) => stage);
const MINTED = { outcome: 'minted' };

async function mint(registry: Registry, ...values: readonly string[]) {
  const { answers } = await registry.mint(values.map(value => ({ source: sierra(value) })));
  return answers;
}

/** The first answer of Secrets Manager is one from before the rotation. */
function answerFirst(setting: Setting, password: string): void {
  const username = setting.secret.slice('rds/'.length);
  const SecretString = JSON.stringify({ username, password });
  aws.proxy.play({
    fault: ({ action }, nth) =>
      action === 'GetSecretValue' && nth === 1
        ? { answer: JSON.stringify({ Name: setting.secret, SecretString }) }
        : undefined,
  });
}

describe.each(servers)('on $kind, the login out of a secret', server => {
  test('is user and password of the stage that holds, and nothing of the variables', async () => {
    await using setting = await openSetting(server);
    await using registry = await open(setting.location);
    expect(await mint(registry, 'b1')).toMatchObject([MINTED]);
    expect(askedSecrets(aws)).toEqual([{ name: setting.secret, stage: 'AWSCURRENT' }]);
    // Of several users the name of the registry names none.
    expect(registry.name).toMatch(/^mysql:\/\/[^@]+$/);
  });

  test('is the new one for new connections when it is rotated in mid-run', async () => {
    await using setting = await openSetting(server);
    await using registry = await open(setting.location);
    const [before] = await mint(registry, 'b1');

    await setting.change('a-second-password');
    await setting.put('a-second-password');
    await setting.cutConnections();

    expect(await mint(registry, 'b1', 'b2')).toMatchObject([
      { ...before, outcome: 'existing' },
      MINTED,
    ]);
    expect(new Set(asked())).toEqual(new Set(['AWSCURRENT']));
  });

  test('is the one that a rotation is about to put in its place, where only that one is let in', async () => {
    await using setting = await openSetting(server);
    await setting.change('a-pending-password');
    await setting.put('a-pending-password', 'AWSPENDING');
    aws.proxy.play({});
    await using registry = await open(setting.location);
    expect(await mint(registry, 'b1')).toMatchObject([MINTED]);
    expect(asked()).toEqual(['AWSCURRENT', 'AWSPENDING']);
  });

  test('is read again where no rotation is staged and the first one was denied', async () => {
    await using setting = await openSetting(server);
    answerFirst(setting, 'from-before');
    await using registry = await open(setting.location);
    expect(await mint(registry, 'b1')).toMatchObject([MINTED]);
    expect(asked()).toEqual(['AWSCURRENT', 'AWSPENDING', 'AWSCURRENT']);
  });

  test('is read again where both stages were denied', async () => {
    await using setting = await openSetting(server);
    await setting.put(`${CANARY}-pending`, 'AWSPENDING');
    answerFirst(setting, 'from-before');
    await using registry = await open(setting.location);
    expect(await mint(registry, 'b1')).toMatchObject([MINTED]);
    expect(asked()).toEqual(['AWSCURRENT', 'AWSPENDING', 'AWSCURRENT']);
  });

  test('that is never let in ends in an error that names the secret and what was tried', async () => {
    await using setting = await openSetting(server);
    await setting.put(CANARY);
    await setting.put(`${CANARY}-pending`, 'AWSPENDING');
    aws.proxy.play({});
    const error = await open(setting.location).catch((error: unknown) => error);
    expect(error).toMatchObject({
      code: 'REGISTRY_ACCESS_DENIED',
      message: expect.stringMatching(
        new RegExp(`${setting.secret} \\(RDS_SECRET_NAME\\).*AWSPENDING.*AWSCURRENT again`)
      ),
    });
    expect(allOf(error)).not.toContain(CANARY);
    expect(asked()).toEqual(['AWSCURRENT', 'AWSPENDING', 'AWSCURRENT']);
  });

  test('is tried once where something else is wrong', async () => {
    await using setting = await openSetting(server, {
      more: { IDENTIFIERS_DATABASE: 'no_such_database' },
    });
    // A user without rights on it is not told that the database is not there.
    await expect(open(setting.location)).rejects.toMatchObject({
      code: expect.stringMatching(/^REGISTRY_(NOT_FOUND|ACCESS_DENIED)$/),
      message: expect.stringContaining('no_such_database'),
    });
    expect(asked()).toEqual(['AWSCURRENT']);
  });

  test('is not asked for where there is none: the password of the environment is tried once', async () => {
    await using setting = await openSetting(server, { more: { RDS_SECRET_NAME: '' } });
    await expect(open(setting.location)).rejects.toMatchObject({
      code: 'REGISTRY_ACCESS_DENIED',
      message: expect.stringContaining('the user nobody'),
    });
    expect(asked()).toEqual([]);
  });

  test('serves migrations in the same way', async () => {
    await using setting = await openSetting(server, { role: 'migrator' });
    await setting.change('a-pending-password');
    await setting.put('a-pending-password', 'AWSPENDING');
    aws.proxy.play({});
    const database = await openForMigrations(setting.location);
    try {
      await migrate(database);
      expect(await migrationStatus(database)).toMatchObject({ pending: [] });
    } finally {
      await database.close();
    }
    expect(asked()).toEqual(['AWSCURRENT', 'AWSPENDING']);
  });

  test('is waited for while Secrets Manager is away in mid-run', async () => {
    await using setting = await openSetting(server);
    await using registry = await open(setting.location);
    await mint(registry, 'b1');
    await setting.cutConnections();
    // As often as AWS's own client asks by itself.
    aws.proxy.play({
      fault: ({ action }, nth) => (action === 'GetSecretValue' && nth <= 3 ? 'cut' : undefined),
    });
    expect(await mint(registry, 'b2')).toMatchObject([MINTED]);
    expect(asked().length).toBeGreaterThan(3);
  });

  test.each([
    ['that is no JSON', CANARY],
    ['that is no object', `"${CANARY}"`],
    ['without a user', `{"password": "${CANARY}"}`],
    ['without a password', `{"username": "${CANARY}"}`],
    ['with a password that is no text', `{"username": "${CANARY}", "password": {}}`],
  ])('%s is refused, and not shown', async (_, text) => {
    await using setting = await openSetting(server);
    await putSecret(aws, setting.secret, text);
    const error = await open(setting.location).catch((error: unknown) => error);
    expect(error).toMatchObject({
      code: 'INVALID_CONFIGURATION',
      message: expect.stringContaining(setting.secret),
    });
    expect(allOf(error)).not.toContain(CANARY);
  });

  test('of which there is no secret is an error that names it', async () => {
    await using setting = await openSetting(server, { more: { RDS_SECRET_NAME: 'rds/none' } });
    await expect(open(setting.location)).rejects.toMatchObject({
      code: 'SECRET_NOT_FOUND',
      message: expect.stringMatching(/rds\/none.*Correct RDS_SECRET_NAME/),
    });
  });

  test.each([
    ['AccessDeniedException', 'SECRET_ACCESS_DENIED', 'secretsmanager:GetSecretValue'],
    ['DecryptionFailure', 'SECRET_ACCESS_DENIED', 'kms:Decrypt'],
    ['UnrecognizedClientException', 'SECRET_ACCESS_DENIED', 'credentials'],
    ['ExpiredTokenException', 'SECRET_ACCESS_DENIED', 'credentials'],
    ['InvalidRequestException', 'SECRET_NOT_FOUND', 'RDS_SECRET_NAME'],
    ['InternalServiceError', 'SECRET_UNAVAILABLE', 'can be reached'],
  ])('that meets %s ends with %s', async (fault, code, remedy) => {
    await using setting = await openSetting(server);
    aws.proxy.play({ fault: () => ({ status: 400, code: fault, message: 'planted' }) });
    await expect(open(setting.location)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(new RegExp(`${setting.secret}.*${remedy}`)),
    });
  });
});

/** An error with all that it stands on, as `--debug` shows it. */
function allOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return `${error.stack}${JSON.stringify(error)}${allOf(error.cause)}`;
}
