import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect, createServer } from 'node:net';

/**
 * What the wire does with a packet: passes it on; cuts the connection before the other end gets it, in its middle,
 * or after (for a packet to the server: once the server has done it and before the client knows); swallows it, as a
 * network does that has gone away; or forgets the connection: nothing of it passes any more, not even its end.
 */
export type Fate = 'pass' | 'cut before' | 'cut half' | 'cut after' | 'swallow' | 'forget';

/** One packet of the protocol. */
export interface Packet {
  readonly to: 'server' | 'client';
  /** The connections of a wire are numbered from 0. */
  readonly connection: number;
  /** Where the packet is a statement. */
  readonly sql: string | undefined;
}

/** A wire to a database server that tells what is sent through it, and can be cut. */
export interface Wire extends AsyncDisposable {
  readonly port: number;
  /** Every statement since the last look, in order. */
  take(): string[];
  /** Decides what becomes of each statement from now on. */
  decide: (sql: string) => Fate | Promise<Fate>;
  /** Decides what becomes of each packet in either direction; a statement asks `decide` as well. */
  decidePacket: (packet: Packet) => Fate | Promise<Fate>;
  /** Cuts all connections that there are. */
  cutAll(): void;
}

/** @param url - of the server; connections through the wire must not be encrypted */
export async function startWire(url: string): Promise<Wire> {
  const { hostname, port } = new URL(url);
  const statements: string[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const wire = {
    decide: (_sql: string): Fate | Promise<Fate> => 'pass',
    decidePacket: (_packet: Packet): Fate | Promise<Fate> => 'pass',
  };
  const server = createServer(client => {
    const connection = connections++;
    const upstream = connect(Number(port || 3306), hostname);
    const state = { isForgotten: false, isCutOnAnswer: false };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        if (state.isForgotten) return;
        client.destroy();
        upstream.destroy();
      });
    }
    void forward(client, upstream, state, async packet => {
      const sql = readSql(packet);
      if (sql !== undefined) statements.push(sql);
      const fate = await wire.decidePacket({ to: 'server', connection, sql });
      const end = fate !== 'pass' || sql === undefined ? fate : await wire.decide(sql);
      if (end !== 'cut after') return end;
      state.isCutOnAnswer = true;
      return 'pass';
    });
    void forward(upstream, client, state, () =>
      state.isCutOnAnswer
        ? 'cut before'
        : wire.decidePacket({ to: 'client', connection, sql: undefined })
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return Object.assign(wire, {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    take: () => statements.splice(0),
    cutAll: () => {
      for (const socket of sockets) socket.destroy();
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  });
}

/** Cuts the stream into the protocol's packets: three bytes of length, a number, and what is in it. */
async function forward(
  from: Socket,
  to: Socket,
  state: { isForgotten: boolean },
  decide: (packet: Buffer) => Fate | Promise<Fate>
): Promise<void> {
  let rest = Buffer.alloc(0);
  let passing: Buffer[] = [];
  const flush = () => {
    if (passing.length > 0 && !to.destroyed && !state.isForgotten) to.write(Buffer.concat(passing));
    passing = [];
  };
  try {
    for await (const data of from) {
      rest = Buffer.concat([rest, data]);
      while (rest.length >= 4 && rest.length >= 4 + rest.readUIntLE(0, 3)) {
        const packet = rest.subarray(0, 4 + rest.readUIntLE(0, 3));
        rest = rest.subarray(packet.length);
        const decided = decide(packet);
        if (typeof decided !== 'string') flush();
        const fate = await decided;
        if (fate === 'forget') state.isForgotten = true;
        if (fate === 'pass' || fate === 'cut after') passing.push(packet);
        if (fate === 'cut half') passing.push(packet.subarray(0, packet.length >> 1));
        if (!fate.startsWith('cut')) continue;
        flush();
        to.end();
        from.destroy();
        return;
      }
      flush();
    }
  } catch {
    // The connection was cut.
  }
}

/** The text of a statement. Servers that know attributes of queries are told first that there are none. */
function readSql(packet: Buffer): string | undefined {
  if (packet[3] !== 0 || packet[4] !== 0x03) return undefined;
  const hasAttributes = packet[5] === 0 && packet[6] === 1;
  return packet.subarray(hasAttributes ? 7 : 5).toString('utf8');
}
