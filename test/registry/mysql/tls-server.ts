import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { TLSSocket } from 'node:tls';

const read = (name: string) =>
  readFileSync(new URL(`certificates/${name}`, import.meta.url), 'utf8');

/** Who vouches for the servers of {@link startTlsServer}. */
export const AUTHORITY = read('authority.pem');
/** The packet in which a client asks for TLS; the handshake of TLS follows at once. */
const TLS_REQUEST_LENGTH = 36;
const PACKET_HEAD_LENGTH = 4;
/** Packets are numbered. */
const AFTER_LOGIN = 3;
const AFTER_ANSWER = 5;

export interface TlsServer extends AsyncDisposable {
  readonly port: number;
  /** How many clients trusted it with a login. */
  logins: number;
  /** What clients sent when they were asked for their passwords as they are. */
  readonly inClear: string[];
}

/**
 * A server with a certificate for a name. It greets as the real one does, goes over to TLS, and
 * refuses every login: what matters is whether a client comes that far.
 *
 * @param asksInClear - whether it asks for the password as it is before it refuses, as RDS does for tokens
 */
export async function startTlsServer(
  url: string,
  name = 'localhost',
  { asksInClear = false } = {}
): Promise<TlsServer> {
  const greeting = await readGreeting(url);
  const clients = { logins: 0, inClear: [] as string[] };
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
        if (!asksInClear) return void secure.end(refusal());
        secure.write(askInClear());
        secure.once('data', packet => {
          // Its length and number, and the zero at its end.
          clients.inClear.push(packet.subarray(PACKET_HEAD_LENGTH, -1).toString());
          secure.end(refusal(AFTER_ANSWER));
        });
      });
    });
  });
  return Object.assign(clients, listening);
}

/** A server that does with each connection what it is told to. */
export async function listen(
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
export async function readGreeting(url: string): Promise<Buffer> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port || 3306), hostname);
  const [greeting] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  const endOfVersion = greeting.indexOf(0, 5);
  const capabilities = endOfVersion + 1 + 4 + 8 + 1;
  greeting.writeUInt16LE(greeting.readUInt16LE(capabilities) | 0x0800, capabilities);
  return greeting;
}

/** The packet that asks for the password once more, as it is. */
function askInClear(): Buffer {
  const text = Buffer.from('\xfemysql_clear_password\0', 'latin1');
  return Buffer.concat([Buffer.from([text.length, 0, 0, AFTER_LOGIN]), text]);
}

/** The packet that says that user or password are wrong. */
function refusal(number = AFTER_LOGIN): Buffer {
  const text = Buffer.from('\xff\x15\x04#28000Access denied', 'latin1');
  return Buffer.concat([Buffer.from([text.length, 0, 0, number]), text]);
}
