import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect, createServer } from 'node:net';

/**
 * What the wire does with a statement: passes it on; cuts the connection before the server gets it, or after the
 * server has done it and before the client knows; or swallows it, as a network does that has gone away.
 */
export type Fate = 'pass' | 'cut before' | 'cut after' | 'swallow';

/** A wire to a database server that tells what is sent through it, and can be cut. */
export interface Wire extends AsyncDisposable {
  readonly port: number;
  /** Every statement since the last look, in order. */
  take(): string[];
  /** Decides what becomes of each statement from now on. */
  decide: (sql: string) => Fate | Promise<Fate>;
}

/** @param url - of the server; connections through the wire must not be encrypted */
export async function startWire(url: string): Promise<Wire> {
  const { hostname, port } = new URL(url);
  const statements: string[] = [];
  const sockets = new Set<Socket>();
  const wire = { decide: (_sql: string): Fate | Promise<Fate> => 'pass' };
  const server = createServer(client => {
    const upstream = connect(Number(port || 3306), hostname);
    const isSwallowing = { answers: false };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    upstream.on('data', data => {
      if (isSwallowing.answers) client.destroy();
      else client.write(data);
    });
    void forward(client, async (packet, sql) => {
      if (sql !== undefined) statements.push(sql);
      const fate = sql === undefined ? 'pass' : await wire.decide(sql);
      if (fate === 'swallow') return;
      if (fate === 'cut before') client.destroy();
      if (fate === 'cut after') isSwallowing.answers = true;
      if (!client.destroyed) upstream.write(packet);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return Object.assign(wire, {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    take: () => statements.splice(0),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  });
}

/** Cuts the stream into the protocol's packets: three bytes of length, a number, and what is in it. */
async function forward(
  client: Socket,
  each: (packet: Buffer, sql: string | undefined) => Promise<void>
): Promise<void> {
  let rest = Buffer.alloc(0);
  try {
    for await (const data of client) {
      rest = Buffer.concat([rest, data]);
      while (rest.length >= 4 && rest.length >= 4 + rest.readUIntLE(0, 3)) {
        const length = 4 + rest.readUIntLE(0, 3);
        const packet = rest.subarray(0, length);
        rest = rest.subarray(length);
        const isQuery = packet[3] === 0 && packet[4] === 0x03;
        await each(packet, isQuery ? readSql(packet) : undefined);
      }
    }
  } catch {
    // The connection was cut.
  }
}

/** Servers that know attributes of queries are told first that there are none. */
function readSql(packet: Buffer): string {
  const hasAttributes = packet[5] === 0 && packet[6] === 1;
  return packet.subarray(hasAttributes ? 7 : 5).toString('utf8');
}
