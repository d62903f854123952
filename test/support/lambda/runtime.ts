/**
 * What AWS Lambda's runtime does in the process of a function: `node runtime.ts BUNDLE` imports the bundle, asks the
 * Runtime API for one invocation after the other, and tells it how each ended. It uses nothing that Node 22 lacks.
 */
import { request } from 'node:http';
import { pathToFileURL } from 'node:url';

interface Answer {
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: string;
}

type Handler = (event: unknown, context: object) => Promise<unknown>;

const [bundle = ''] = process.argv.slice(2);
const api = `http://${process.env['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime`;

await main();

async function main(): Promise<void> {
  let handler: Handler;
  try {
    ({ handler } = (await import(pathToFileURL(bundle).href)) as { handler: Handler });
  } catch (error) {
    await ask('POST', '/init/error', describe(error));
    process.exitCode = 1;
    return;
  }
  for (;;) {
    const { headers, body } = await ask('GET', '/invocation/next');
    const id = String(headers['lambda-runtime-aws-request-id']);
    const deadline = Number(headers['lambda-runtime-deadline-ms']);
    const context = {
      awsRequestId: id,
      functionName: process.env['AWS_LAMBDA_FUNCTION_NAME'],
      getRemainingTimeInMillis: () => deadline - Date.now(),
    };
    try {
      const reply = await handler(JSON.parse(body), context);
      await ask('POST', `/invocation/${id}/response`, reply);
    } catch (error) {
      await ask('POST', `/invocation/${id}/error`, describe(error));
    }
  }
}

function describe(error: unknown): object {
  const { name, message, stack = '' } = error instanceof Error ? error : new Error(String(error));
  return { errorType: name, errorMessage: message, trace: stack.split('\n') };
}

function ask(method: 'GET' | 'POST', path: string, body?: unknown): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(`${api}${path}`, { method }, answered => {
      const chunks: Buffer[] = [];
      answered.on('data', (chunk: Buffer) => chunks.push(chunk));
      answered.on('end', () =>
        resolve({ headers: answered.headers, body: Buffer.concat(chunks).toString() })
      );
      answered.on('error', reject);
    });
    asked.on('error', reject);
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
