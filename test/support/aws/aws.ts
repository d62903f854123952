import { spawn } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { launchedProcess } from '../servers/launcher.ts';
import { findFreePort, poll } from '../servers/processes.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import type { AwsProxy } from './proxy.ts';
import { openAwsProxy } from './proxy.ts';
import type { PythonModule } from './tools.ts';
import { findPython } from './tools.ts';

const START_MOTO = fileURLToPath(new URL('start_moto.py', import.meta.url));
const REGION = 'eu-west-1';

const MOTO: PythonModule = {
  name: 'moto',
  fit: "__import__('moto.server') and __import__('antlr4') and __import__('moto').__version__ >= '5.2'",
  requirement: 'moto[server,all]==5.2.5',
};

/** AWS on this machine: moto, with a proxy before it that sees all calls and can spoil them. */
export interface TestAws extends AsyncDisposable {
  readonly proxy: AwsProxy;
  readonly region: string;
  readonly account: string;
  /** with which programs find it and are let in */
  readonly env: NodeJS.ProcessEnv;
  /** A call of the JSON protocol: `json('sqs', 'AmazonSQS.CreateQueue', { QueueName: 'alerts' })` */
  json(service: string, target: string, parameters: object): Promise<Record<string, unknown>>;
  /** A call of a service that is spoken to by paths: `fetch('s3', '/bucket/key', { method: 'PUT', body })` */
  fetch(service: string, path: string, init: RequestInit): Promise<Response>;
  /** A call of the query protocol: `query('rds', { Action: 'CreateDBCluster', … })` */
  query(service: string, parameters: Readonly<Record<string, string>>): Promise<string>;
}

export async function openAws(): Promise<TestAws> {
  const python = await findPython(MOTO);
  const folder = await temporaryFolder();
  const port = await findFreePort();
  const proxy = await openAwsProxy(() => port);
  const log = await open(folder.path('moto.log'), 'w');
  const child = spawn(python, [START_MOTO, String(port), String(proxy.port)], {
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
  });
  await log.close();
  const moto = launchedProcess(child.pid ?? -1, `http://127.0.0.1:${port}`, () =>
    readFile(folder.path('moto.log'), 'utf8')
  );
  child.unref();
  await poll('The first answer of moto', 120, async () => {
    if (!(await moto.isRunning())) throw new Error(`moto ended by itself:\n${await moto.log()}`);
    const answer = await fetch(`${moto.url}/moto-api/`).catch(() => undefined);
    return answer?.ok ? true : undefined;
  });

  const ask = async (service: string, path: string, init: RequestInit) => {
    const headers = { ...init.headers, authorization: authorization(service) };
    const answer = await fetch(`${proxy.url}${path}`, { ...init, headers });
    if (!answer.ok) {
      throw new Error(`${service} answered ${answer.status}: ${await answer.text()}`);
    }
    return answer;
  };
  const call = async (service: string, headers: Record<string, string>, body: string) => {
    const answer = await ask(service, '', { method: 'POST', headers, body });
    return answer.text();
  };
  return {
    proxy,
    region: REGION,
    account: '123456789012',
    env: {
      AWS_ENDPOINT_URL: proxy.url,
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
    },
    json: async (service, target, parameters) => {
      const headers = { 'x-amz-target': target, 'content-type': 'application/x-amz-json-1.0' };
      return JSON.parse((await call(service, headers, JSON.stringify(parameters))) || '{}');
    },
    fetch: ask,
    query: (service, parameters) => {
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      return call(service, headers, new URLSearchParams(parameters).toString());
    },
    async [Symbol.asyncDispose]() {
      await moto.end('at once');
      await proxy[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** moto looks at nothing of it but the service and region. */
function authorization(service: string): string {
  const scope = `test/20260101/${REGION}/${service}/aws4_request`;
  return `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0`;
}
