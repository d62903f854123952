import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keep, release } from '../servers/caretaker.ts';
import { answersDocker } from '../servers/docker-engine.ts';
import type { Launched, NotHere } from '../servers/launcher.ts';
import { findFreePort, poll, run } from '../servers/processes.ts';
import { findJarNode } from './jar-node.ts';

const URL_VARIABLE = 'ID_MINTER_TEST_ELASTICSEARCH_URL';
const IMAGE = 'docker.elastic.co/elasticsearch/elasticsearch';
/** What a container runs where no version is asked for. */
const IMAGE_VERSION = '8.19.0';

/** The Elasticsearch that all tests of a run share; each test makes indexes of its own in it. */
export interface TestElasticsearch {
  /** `http://127.0.0.1:9200` */
  readonly url: string;
  readonly version: string;
  /** how it was found, for people */
  readonly chosen: string;
}

interface Way {
  readonly chosen: string;
  /** undefined where it runs already */
  readonly launch?: (dataDir: string, port: number) => Promise<Launched>;
  readonly url?: string;
}

/** @param version - the one that it has to be; without it the usual one of the way */
type FindWay = (version?: string) => Promise<Way | NotHere>;

/** In the order in which they are tried. */
const WAYS: readonly FindWay[] = [findUrl, findDocker, findJarNode];

/** @returns why no test can have an Elasticsearch on this machine; undefined where one can be had */
export async function whyNoElasticsearch(): Promise<string | undefined> {
  const found = await findWay();
  return 'whyNot' in found ? found.whyNot : undefined;
}

/**
 * Finds an Elasticsearch or starts one.
 *
 * @param wanted - starts one of exactly this version
 * @throws Error that says what to do where none can be had: no test passes by being left out
 */
export async function openElasticsearch(
  wanted?: string
): Promise<TestElasticsearch & AsyncDisposable> {
  const way = await findWay(wanted);
  if ('whyNot' in way) throw new Error(`The tests need an Elasticsearch. ${way.whyNot}`);
  if (way.url !== undefined) {
    const version = await readVersion(way.url).catch((error: unknown) => {
      throw new Error(`The server in ${URL_VARIABLE} does not answer: ${error}`, { cause: error });
    });
    const { url, chosen } = way;
    return { url, version, chosen, [Symbol.asyncDispose]: async () => {} };
  }
  return await start(way);
}

async function findWay(wanted?: string): Promise<Way | NotHere> {
  const reasons: string[] = [];
  for (const find of WAYS) {
    const found = await find(wanted);
    if (!('whyNot' in found)) return found;
    reasons.push(found.whyNot);
  }
  return {
    whyNot:
      `There is none: ${reasons.join('; ')}. Name one for tests in ${URL_VARIABLE} (http://HOST:PORT, without ` +
      'security), start Docker, or install a JDK of 21 or later and Maven.',
  };
}

async function findUrl(version?: string): Promise<Way | NotHere> {
  if (version !== undefined) return { whyNot: `${version} is wanted` };
  const url = process.env[URL_VARIABLE];
  if (!url) return { whyNot: `${URL_VARIABLE} names no server` };
  return { chosen: `the server in ${URL_VARIABLE}`, url: url.replace(/\/$/, '') };
}

async function findDocker(version = IMAGE_VERSION): Promise<Way | NotHere> {
  if (!(await answersDocker())) return { whyNot: 'no Docker engine answers' };
  const image = `${IMAGE}:${version}`;
  return {
    chosen: `the image ${image} in Docker`,
    launch: (dataDir, port) => launchContainer(image, dataDir, port),
  };
}

async function launchContainer(image: string, dataDir: string, port: number): Promise<Launched> {
  const hash = createHash('sha256').update(dataDir).digest('hex').slice(0, 12);
  const container = `id-minter-test-elasticsearch-${hash}`;
  keep(`container ${container}`);
  const settings = ['discovery.type=single-node', 'xpack.security.enabled=false'];
  const args = [
    ...['run', '--detach', '--name', container, '--publish', `127.0.0.1:${port}:9200`],
    ...[...settings, 'ES_JAVA_OPTS=-Xms512m -Xmx512m'].flatMap(setting => ['--env', setting]),
    image,
  ];
  await run('docker', args, { seconds: 600 });
  const docker = (...words: string[]) => run('docker', words, { seconds: 60 });
  return {
    url: `http://127.0.0.1:${port}`,
    pid: undefined,
    isRunning: async () =>
      (await docker('ps', '--quiet', '--filter', `name=^${container}$`)).trim() !== '',
    log: () => docker('logs', '--tail', '20', container),
    async end() {
      await docker('rm', '--force', container);
      release(`container ${container}`);
    },
  };
}

async function start({ chosen, launch }: Way): Promise<TestElasticsearch & AsyncDisposable> {
  if (launch === undefined) throw new Error('There is nothing to start.');
  const folder = await mkdtemp(join(tmpdir(), 'id-minter-elasticsearch-'));
  keep(`folder ${folder}`);
  const launched = await launch(join(folder, 'data'), await findFreePort());
  const version = await waitUntilItAnswers(launched);
  return {
    url: launched.url,
    version,
    chosen,
    async [Symbol.asyncDispose]() {
      await launched.end('at once');
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
      release(`folder ${folder}`);
    },
  };
}

async function waitUntilItAnswers(launched: Launched): Promise<string> {
  try {
    return await poll('The first answer of Elasticsearch', 120, async () => {
      if (!(await launched.isRunning())) throw new Error('Elasticsearch ended by itself.');
      return await readVersion(launched.url).catch(() => undefined);
    });
  } catch (error) {
    const log = await launched.log().catch(() => 'There is no log.');
    await launched.end('at once').catch(() => {});
    throw new Error(`${error instanceof Error ? error.message : error}\n${log}`, { cause: error });
  }
}

/** `9.5.3` */
async function readVersion(url: string): Promise<string> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(5_000) });
  const { version } = (await answer.json()) as { version: { number: string } };
  return version.number;
}

/** A name that no other test has. */
export function indexName(what: string): string {
  return `${what}-${randomUUID().slice(0, 8)}`;
}
