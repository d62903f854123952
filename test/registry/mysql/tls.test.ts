import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterEach, describe, expect, inject, test } from 'vitest';
import { connector } from '../../../src/registry/mysql/mysql-connection.ts';
import { translateMysqlError } from '../../../src/registry/mysql/mysql-errors.ts';
import type { MysqlSettings } from '../../../src/registry/mysql/mysql-settings.ts';
import { createMysqlRegistry, openStore } from './mysql-registry.ts';
import { AUTHORITY, listen, readGreeting, startTlsServer } from './tls-server.ts';

const servers = inject('servers');
const trusted = getCACertificates('default');

afterEach(() => setDefaultCACertificates(trusted));

describe.each(servers)('an encrypted connection to $kind', server => {
  test('is refused where nobody vouches for the server, and the error says how far to trust', async () => {
    await using registry = await createMysqlRegistry(server);
    const settings: MysqlSettings = { ...registry.minter, host: 'localhost', tls: 'verify' };
    await expect(openStore(settings)).rejects.toMatchObject({
      code: 'INVALID_CONFIGURATION',
      message: expect.stringContaining('?tls=require'),
    });
  });

  test('is what `require` makes, or nothing', async () => {
    await using registry = await createMysqlRegistry(server);
    const settings: MysqlSettings = { ...registry.minter, tls: 'require' };
    const [[cipher] = ['']] = await registry.sql<[string]>("SELECT @@ssl_cert <> ''");
    if (Number(cipher) !== 1) {
      await expect(openStore(settings)).rejects.toMatchObject({ code: 'INVALID_CONFIGURATION' });
      return;
    }
    const connection = await connector(settings)();
    const [[, used] = []] = await connection.rows<[string, string]>(
      "SHOW SESSION STATUS LIKE 'Ssl_cipher'"
    );
    await connection.end();
    expect(used).not.toBe('');
  });

  test('is made where the certificate is trusted and has the host’s name', async () => {
    await using impostor = await startTlsServer(server.url);
    setDefaultCACertificates([...trusted, AUTHORITY]);
    expect(await tryToLogIn(impostor, 'localhost', 'verify')).toBe('REGISTRY_ACCESS_DENIED');
    expect(impostor.logins).toBe(1);
  });

  test.each([
    ['the certificate has another name', 'localhost', 'db.example.org', true],
    ['nobody vouches for the certificate', 'localhost', 'localhost', false],
    [
      'an address is given, which the driver would take for localhost',
      '127.0.0.1',
      'localhost',
      true,
    ],
  ])('is not made where %s: no login is sent', async (_, host, name, isTrusted) => {
    await using impostor = await startTlsServer(server.url, name);
    if (isTrusted) setDefaultCACertificates([...trusted, AUTHORITY]);
    expect(await tryToLogIn(impostor, host, 'verify')).toBe('INVALID_CONFIGURATION');
    expect(impostor.logins).toBe(0);
    expect(await tryToLogIn(impostor, host, 'require')).toBe('REGISTRY_ACCESS_DENIED');
  });
});

test.each(['destroy', 'resetAndDestroy'] as const)(
  'a server that goes away in the middle of TLS is passing (%s)',
  async how => {
    const [server] = servers;
    if (server === undefined) throw new Error('There is no server.');
    const greeting = await readGreeting(server.url);
    await using fleeting = await listen(socket => {
      socket.write(greeting);
      socket.once('data', () => socket[how]());
    });
    expect(await tryToLogIn(fleeting, 'localhost', 'verify')).toBe('REGISTRY_UNAVAILABLE');
  }
);

async function tryToLogIn(
  { port }: { port: number },
  host: string,
  tls: MysqlSettings['tls']
): Promise<string> {
  const settings: MysqlSettings = {
    ...{ host, port, user: 'someone', password: async () => 'secret', database: 'd', tls },
  };
  try {
    await connector(settings)();
    return 'logged in';
  } catch (error) {
    return translateMysqlError(error, settings).error.code;
  }
}
