import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** A request as it came in. */
export interface ProxiedRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
  /** Counts the requests from 1. */
  readonly nth: number;
}

/** What a test lets a request meet in the place of its answer. */
export type Fault =
  /** not heard by the cluster */
  | { readonly status: number; readonly body?: object }
  /** heard by the cluster only after a while */
  | { readonly lateMs: number }
  /** the connection breaks before the cluster hears of it, or after */
  | 'reset'
  | 'reset after'
  /** of the answer the first half comes, and then the connection breaks */
  | 'half'
  /** the same, and what came looks like all of it */
  | 'half, said to be whole'
  /** of a bulk request only some items are heard: the status of each other one, by its place */
  | { readonly items: (place: number) => number | undefined };

export type Spoil = (request: ProxiedRequest) => Fault | undefined;

/** Stands before an Elasticsearch, or in the place of one, and sees all requests. */
export interface ElasticsearchProxy extends AsyncDisposable {
  readonly url: string;
  readonly requests: readonly ProxiedRequest[];
}

interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

/** @param cluster - without it every request needs a fault */
export async function openProxy(
  cluster: string | undefined,
  spoil: Spoil
): Promise<ElasticsearchProxy> {
  const requests: ProxiedRequest[] = [];
  const server = createServer(async (incoming, outgoing) => {
    try {
      const { method = '', url: path = '', headers } = incoming;
      const body = await readAll(incoming);
      const request = { method, path, headers, body, nth: requests.length + 1 };
      requests.push(request);
      await answer(request, outgoing, { cluster, fault: spoil(request) });
    } catch (error) {
      outgoing.writeHead(599).end(String(error));
    }
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', resolve);
  await promise;
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function answer(
  request: ProxiedRequest,
  outgoing: ServerResponse,
  { cluster = '', fault }: { cluster: string | undefined; fault: Fault | undefined }
): Promise<void> {
  if (fault === 'reset') return void outgoing.destroy();
  if (typeof fault === 'object' && 'lateMs' in fault) {
    await sleep(fault.lateMs);
    return send(request, outgoing, await forward(cluster, request));
  }
  if (typeof fault === 'object' && 'status' in fault) {
    const { status, body = { error: { type: 'planted', reason: 'planted' }, status } } = fault;
    return send(request, outgoing, { status, body: Buffer.from(JSON.stringify(body)) });
  }
  if (typeof fault === 'object') {
    return send(request, outgoing, await forwardSome(cluster, request, fault.items));
  }
  const whole = await forward(cluster, request);
  if (fault === 'reset after') return void outgoing.destroy();
  const half = whole.body.subarray(0, Math.floor(whole.body.length / 2));
  if (fault === 'half, said to be whole') return send(request, outgoing, { ...whole, body: half });
  if (fault === undefined) return send(request, outgoing, whole);
  outgoing.writeHead(whole.status, headersOf(whole.body.length));
  outgoing.write(half, () => outgoing.destroy());
}

function send(
  { method }: ProxiedRequest,
  outgoing: ServerResponse,
  { status, body }: Answer
): void {
  outgoing.writeHead(status, method === 'HEAD' ? headersOf() : headersOf(body.length));
  outgoing.end(method === 'HEAD' ? undefined : body);
}

function headersOf(length?: number): Record<string, string> {
  return {
    'x-elastic-product': 'Elasticsearch',
    'content-type': 'application/vnd.elasticsearch+json;compatible-with=8',
    ...(length !== undefined && { 'content-length': String(length) }),
  };
}

async function forward(
  cluster: string,
  { method, path, headers, body }: ProxiedRequest
): Promise<Answer> {
  const answered = await fetch(cluster + path, {
    method,
    headers: Object.fromEntries(
      ['content-type', 'accept'].flatMap(name =>
        headers[name] ? [[name, String(headers[name])]] : []
      )
    ),
    ...(body.length > 0 && { body: new Uint8Array(body) }),
  });
  return { status: answered.status, body: Buffer.from(await answered.arrayBuffer()) };
}

async function forwardSome(
  cluster: string,
  request: ProxiedRequest,
  refuse: (place: number) => number | undefined
): Promise<Answer> {
  const lines = request.body.toString().trimEnd().split('\n');
  const pairs = Array.from({ length: lines.length / 2 }, (_, at) =>
    lines.slice(2 * at, 2 * at + 2)
  );
  const statuses = pairs.map((_, place) => refuse(place));
  const heard = pairs.filter((_, place) => statuses[place] === undefined).flat();
  const body = Buffer.from(`${heard.join('\n')}\n`);
  const taken =
    heard.length === 0
      ? []
      : JSON.parse((await forward(cluster, { ...request, body })).body.toString()).items;
  const items = statuses.map(status => {
    if (status === undefined) return taken.shift();
    return { index: { status, error: { type: 'planted', reason: 'no room' } } };
  });
  return { status: 200, body: Buffer.from(JSON.stringify({ errors: true, items })) };
}

async function readAll(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
