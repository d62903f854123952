import { createServer } from 'node:net';

/** A server that takes connections and never says a word. */
export interface SilentServer extends AsyncDisposable {
  readonly port: number;
  /** Resolves when the next one has come. */
  connected(): Promise<void>;
}

export async function openSilentServer(): Promise<SilentServer> {
  const server = createServer(socket => socket.on('error', () => undefined));
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', resolve);
  await promise;
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    connected: () => new Promise(whenConnected => server.once('connection', () => whenConnected())),
    async [Symbol.asyncDispose]() {
      server.close();
    },
  };
}
