import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { getCACertificates, setDefaultCACertificates, TLSSocket } from 'node:tls';
import { afterEach, describe, expect, inject, test } from 'vitest';
import { connector } from '../../../src/registry/mysql/mysql-connection.ts';
import { translateMysqlError } from '../../../src/registry/mysql/mysql-errors.ts';
import type { MysqlSettings } from '../../../src/registry/mysql/mysql-settings.ts';
import { createMysqlRegistry, openStore } from './mysql-registry.ts';

const servers = inject('servers');
const read = (name: string) =>
  readFileSync(new URL(`certificates/${name}`, import.meta.url), 'utf8');
const trusted = getCACertificates('default');
/** The packet in which a client asks for TLS; the handshake of TLS follows at once. */
const TLS_REQUEST_LENGTH = 36;

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
    setDefaultCACertificates([...trusted, read('authority.pem')]);
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
    if (isTrusted) setDefaultCACertificates([...trusted, read('authority.pem')]);
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

interface TlsServer extends AsyncDisposable {
  readonly port: number;
  /** How many clients trusted it with a login. */
  logins: number;
}

/**
 * A server with a certificate for a name. It greets as the real one does, goes over to TLS, and
 * refuses every login: what matters is whether a client comes that far.
 */
async function startTlsServer(url: string, name = 'localhost'): Promise<TlsServer> {
  const greeting = await readGreeting(url);
  const clients = { logins: 0 };
  const listening = await listen(socket => {
    socket.write(greeting);
    socket.once('readable', () => {
      socket.read(TLS_REQUEST_LENGTH);
      const secure = new TLSSocket(socket, {
        ...{ isServer: true, cert: read(`${name}.pem`), key: read('key.pem') },
      });
      secure.on('error', () => {});
      secure.once('data', () => {
        clients.logins += 1;
        secure.end(refusal());
      });
    });
  });
  return Object.assign(clients, listening);
}

async function listen(
  greet: (socket: Socket) => void
): Promise<AsyncDisposable & { readonly port: number }> {
  const sockets = new Set<Socket>();
  const server = createServer(socket => {
    sockets.add(socket.on('error', () => {}));
    greet(socket);
  });
  server.listen(0);
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** The first packet of the real server, which says what it can; that it can do TLS is added. */
async function readGreeting(url: string): Promise<Buffer> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port || 3306), hostname);
  const [greeting] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  const endOfVersion = greeting.indexOf(0, 5);
  const capabilities = endOfVersion + 1 + 4 + 8 + 1;
  greeting.writeUInt16LE(greeting.readUInt16LE(capabilities) | 0x0800, capabilities);
  return greeting;
}

/** The packet that says that user or password are wrong. */
function refusal(): Buffer {
  const text = Buffer.from('\xff\x15\x04#28000Access denied', 'latin1');
  return Buffer.concat([Buffer.from([text.length, 0, 0, 3]), text]);
}
