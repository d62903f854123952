import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, request } from 'node:http';

/** A call of a service, as it came in. */
export interface AwsCall {
  /** `StartExportTask` */
  readonly action: string;
  /**
   * of the query protocol by name; of the JSON protocol under `body`, as text; of `Invoke` under `function` and
   * `body`
   */
  readonly parameters: Readonly<Record<string, string>>;
}

/** What a test lets a call meet instead of its answer, or after it. */
export type Fault =
  | { readonly status: number; readonly code: string; readonly message: string }
  | { readonly answer: string }
  /** the connection breaks before the call is heard, or after */
  | 'cut'
  | 'cut after'
  | 'no answer';

/** What happens to the calls of one execution. */
export interface Scenario {
  /** of the export, at each asking; the last one stays */
  readonly statuses?: readonly string[];
  readonly failureCause?: string;
  /** @param nth - counts the calls of this action from 1 */
  readonly fault?: (call: AwsCall, nth: number) => Fault | undefined;
  /** The functions of Lambda: @returns what one of this name gives back; an Error ends it, its name being the type */
  readonly invoke?: (name: string, payload: unknown) => unknown;
}

/** Stands before moto and sees all calls. */
export interface AwsProxy extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** since the scenario began */
  readonly calls: readonly AwsCall[];
  /** From now on; calls are counted anew. */
  play(scenario: Scenario): void;
}

const INVOCATION = /^\/2015-03-31\/functions\/([^/]+)\/invocations/;

interface Answer {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: Buffer;
}

type Forward = (incoming: IncomingMessage, body: Buffer) => Promise<Answer>;

/** @param motoPort - gives the port of moto, which may start later */
export async function openAwsProxy(motoPort: () => number): Promise<AwsProxy> {
  let scenario: Scenario = {};
  let calls: AwsCall[] = [];
  const forward: Forward = (incoming, body) => askMoto(motoPort(), incoming, body);

  const server = createServer(async (incoming, outgoing) => {
    try {
      const body = await readAll(incoming);
      const call = readCall(incoming, body);
      const missing = answerForMoto(incoming, call);
      if (missing !== undefined) return send(outgoing, missing);
      calls.push(call);
      const nth = calls.filter(({ action }) => action === call.action).length;
      const fault = scenario.fault?.(call, nth);
      if (fault === 'no answer') return;
      if (fault === 'cut') return void incoming.socket.destroy();
      if (fault === 'cut after') {
        await forward(incoming, body);
        return void incoming.socket.destroy();
      }
      if (fault !== undefined) return send(outgoing, answerFault(incoming, call, fault));
      if (call.action === 'Invoke') return send(outgoing, await invoke(scenario, call));
      const answer = await forward(incoming, body);
      send(outgoing, call.action === 'DescribeExportTasks' ? tell(answer, scenario, nth) : answer);
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
    port,
    get calls() {
      return calls;
    },
    play(next) {
      scenario = next;
      calls = [];
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function readAll(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** The JSON protocol names its action in a header, the query protocol in the body, that of Lambda in the path. */
function readCall(incoming: IncomingMessage, body: Buffer): AwsCall {
  const target = incoming.headers['x-amz-target'];
  if (typeof target === 'string') {
    return { action: target.split('.').at(-1) ?? '', parameters: { body: body.toString() } };
  }
  const invoked = INVOCATION.exec(incoming.url ?? '')?.[1];
  if (invoked !== undefined) {
    const name = decodeURIComponent(invoked).split(':').at(-1) ?? '';
    return { action: 'Invoke', parameters: { function: name, body: body.toString() } };
  }
  const parameters = Object.fromEntries(new URLSearchParams(body.toString()));
  return { action: parameters['Action'] ?? `${incoming.method} ${incoming.url}`, parameters };
}

/** moto 5.2 lacks these calls, which Terraform makes. */
function answerForMoto({ method, url = '' }: IncomingMessage, call: AwsCall): Answer | undefined {
  if (call.action === 'ValidateStateMachineDefinition')
    return json({ result: 'OK', diagnostics: [] });
  if (call.action === 'ListStateMachineVersions') return json({ stateMachineVersions: [] });
  if (!/^\/backup\/plans\/[^/]+\/selections/.test(url)) return undefined;
  if (method === 'PUT') return json({ SelectionId: 'selection', BackupPlanId: url.split('/')[3] });
  const selection = {
    SelectionName: 'id-minter-rds',
    IamRoleArn: 'arn:aws:iam::123456789012:role/made-up',
  };
  return json(method === 'GET' ? { SelectionId: 'selection', BackupSelection: selection } : {});
}

/** moto would run functions in Docker: here a test runs them. */
async function invoke(scenario: Scenario, { parameters }: AwsCall): Promise<Answer> {
  const payload: unknown = JSON.parse(parameters['body'] || '{}');
  try {
    return json(await scenario.invoke?.(parameters['function'] ?? '', payload));
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    const answer = json({ errorType: name, errorMessage: message });
    return { ...answer, headers: { ...answer.headers, 'x-amz-function-error': 'Unhandled' } };
  }
}

function answerFault(
  incoming: IncomingMessage,
  call: AwsCall,
  fault: Exclude<Fault, string>
): Answer {
  if ('answer' in fault) return { ...json({}), body: Buffer.from(fault.answer) };
  const { status, code, message } = fault;
  if (call.action === 'Invoke') {
    const answer = json({ Type: 'Service', message });
    const named = { 'x-amzn-errortype': code, 'x-amzn-requestid': 'made-up' };
    return { ...answer, status, headers: { ...answer.headers, ...named } };
  }
  if (incoming.headers['x-amz-target'] !== undefined) {
    const answer = json({ __type: code, message });
    return { ...answer, status, headers: { ...answer.headers, 'x-amzn-requestid': 'made-up' } };
  }
  const xml =
    `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error>` +
    '<RequestId>00000000-0000-0000-0000-000000000000</RequestId></ErrorResponse>';
  return { status, headers: { 'content-type': 'text/xml' }, body: Buffer.from(xml) };
}

/** moto's export tasks are complete at once, in lower case: here they take the course of the scenario. */
function tell(answer: Answer, { statuses = [], failureCause }: Scenario, nth: number): Answer {
  const status = statuses[nth - 1] ?? statuses.at(-1);
  if (status === undefined) return answer;
  const cause = failureCause === undefined ? '' : `<FailureCause>${failureCause}</FailureCause>`;
  const body = answer.body
    .toString()
    .replaceAll('<FailureCause/>', '')
    .replaceAll(/<Status>\w*<\/Status>/g, `<Status>${status}</Status>${cause}`);
  return { ...answer, body: Buffer.from(body) };
}

function askMoto(port: number, incoming: IncomingMessage, body: Buffer): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const { expect: _, 'transfer-encoding': __, ...headers } = incoming.headers;
  const asked = request(
    {
      host: '127.0.0.1',
      port,
      method: incoming.method,
      path: incoming.url,
      headers: { ...headers, 'content-length': String(body.length) },
    },
    answered => {
      readAll(answered).then(
        all =>
          resolve({ status: answered.statusCode ?? 599, headers: answered.headers, body: all }),
        reject
      );
    }
  );
  asked.once('error', reject);
  asked.end(body);
  return promise;
}

function send(outgoing: ServerResponse, { status, headers, body }: Answer): void {
  const { 'transfer-encoding': _, connection: __, ...kept } = headers;
  const given = Object.entries(kept).filter(([, value]) => value !== undefined);
  outgoing.writeHead(status, {
    ...Object.fromEntries(given),
    'content-length': String(body.length),
  });
  outgoing.end(body);
}

function json(value: unknown): Answer {
  const body = Buffer.from(JSON.stringify(value ?? null));
  return { status: 200, headers: { 'content-type': 'application/x-amz-json-1.0' }, body };
}
