/**
 * Reads works on a second core: parsing takes as long as all else that a run does with a work that is known. A thread of
 * its own gets the bytes of some lines and answers with the identifiers that it found; the bytes stay here as well.
 *
 * This module is both sides. A line in which the thread finds no identifiers is read again here, so that errors need not
 * travel.
 */
import { on } from 'node:events';
import { availableParallelism } from 'node:os';
import type { MessagePort } from 'node:worker_threads';
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { certain } from '../domain/certain.ts';
import type { WorkSource } from '../domain/documents.ts';
import type { Identified, IdentifiedWork } from '../domain/identified-work.ts';
import { identify, isIdentified } from '../domain/identified-work.ts';
import type { MintRequest } from '../domain/registry.ts';
import type { SourceIdentifier } from '../domain/source-identifier.ts';
import type { ByteSource } from './files.ts';
import type { Line } from './lines.ts';
import { readWork, readWorksBy } from './works-ndjson.ts';

/** Of the lines that travel together. */
const GROUP_BYTES = 128 * 1024;
/** What is read here first, each line as it comes: a thread takes as long to start, and a pipe may pause. */
const BYTES_ALONE = 4 * 1024 * 1024;
/** Groups on their way, 2 MiB of text: what the thread reads while this one mints and writes what came before. */
const GROUPS_AHEAD = 16;
/** Longer lines are read here: a heap that is full ends the process, and not the thread alone. */
const LINE_BYTES_THERE = 256 * 1024;
/** The worst of lines make trees of 25 times their length. A larger heap would only be collected later. */
const LIMITS = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 64 };

const THREAD = 'id-minter reads works';

/** Works as `readWorks` has them, their identifiers found. On one core, and for small files, all is read here. */
export function readWorksOnAThread(
  source: ByteSource,
  cores = availableParallelism()
): WorkSource<Identified> {
  return readWorksBy(lines => readGroups(lines, cores > 1), source);
}

async function* readGroups(
  lines: AsyncIterable<Line>,
  mayStart: boolean
): AsyncGenerator<Identified, void, undefined> {
  let thread: ReadingThread | undefined;
  const ahead: Promise<Identified[]>[] = [];
  let group: Line[] = [];
  let bytes = 0;
  let failure: { readonly error: unknown } | undefined;
  // What came before a failure is given first.
  async function* upToFailure(all: AsyncIterable<Line>): AsyncGenerator<Line> {
    try {
      yield* all;
    } catch (error) {
      failure = { error };
    }
  }
  const send = (): void => {
    const read = thread?.isReady && group.every(isShort) ? thread.read(group) : readHere(group);
    // Met when its turn comes.
    read.catch(() => {});
    ahead.push(read);
    group = [];
    bytes = 0;
  };
  try {
    for await (const line of upToFailure(lines)) {
      bytes += line.bytes?.length ?? 0;
      if (thread === undefined && (!mayStart || bytes < BYTES_ALONE)) {
        yield identify(await readWork(line));
        continue;
      }
      thread ??= new ReadingThread();
      group.push(line);
      if (bytes < GROUP_BYTES) continue;
      send();
      if (ahead.length === GROUPS_AHEAD || !thread.isReady) yield* await takeFirst(ahead);
    }
    if (group.length > 0) send();
    while (ahead.length > 0) yield* await takeFirst(ahead);
    if (failure) throw failure.error;
  } finally {
    await thread?.end();
  }
}

function takeFirst<T>(queue: T[]): T {
  return certain(queue.shift(), 'The group that was read first');
}

type ShortLine = Line & { readonly bytes: Buffer };

function isShort(line: Line): line is ShortLine {
  return line.bytes !== undefined && line.bytes.length <= LINE_BYTES_THERE;
}

async function readHere(group: readonly Line[]): Promise<Identified[]> {
  const works: Identified[] = [];
  for (const line of group) works.push(identify(await readWork(line)));
  return works;
}

/** Lines on their way to the thread. */
interface Question {
  readonly bytes: Uint8Array;
  readonly lengths: readonly number[];
}

/** What the thread found in each line, as JSON; null where it is no work with identifiers. */
type Answer = readonly (Found | null)[];

/** Identifiers in threes of type, system and value; a predecessor follows the position of its request. */
interface Found {
  readonly rootIndex: number;
  readonly members: number;
  readonly wrapperMembers?: number | undefined;
  readonly sources: readonly string[];
  readonly predecessors: readonly (readonly [position: number, ...parts: string[]])[];
}

/** The other side, as it is seen from here. */
class ReadingThread {
  isReady = false;
  readonly #worker: Worker;
  /** Those who wait for an answer, in the order of their questions. */
  readonly #waiting: PromiseWithResolvers<string>[] = [];

  constructor() {
    this.#worker = new Worker(new URL(import.meta.url), {
      workerData: THREAD,
      resourceLimits: LIMITS,
    });
    this.#worker.once('online', () => {
      this.isReady = true;
    });
    this.#worker.on('message', (answer: string) => this.#waiting.shift()?.resolve(answer));
    this.#worker.on('error', error => {
      this.isReady = false;
      for (const { reject } of this.#waiting.splice(0)) reject(error);
    });
  }

  async read(group: readonly ShortLine[]): Promise<Identified[]> {
    const answered = Promise.withResolvers<string>();
    this.#waiting.push(answered);
    const question = pack(group);
    this.#worker.postMessage(question, [question.bytes.buffer as ArrayBuffer]);
    let found: Answer;
    try {
      found = JSON.parse(await answered.promise);
    } catch {
      // The thread is gone, for want of memory mostly. What it would have found is found here.
      return await readHere(group);
    }
    const works: Identified[] = [];
    for (const [index, line] of group.entries()) {
      const own = found[index];
      works.push(own ? unpack(own, line) : identify(await readWork(line)));
    }
    return works;
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}

function pack(group: readonly ShortLine[]): Question {
  const lengths = group.map(({ bytes }) => bytes.length);
  const bytes = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
  let at = 0;
  for (const line of group) {
    bytes.set(line.bytes, at);
    at += line.bytes.length;
  }
  return { bytes, lengths };
}

function unpack(found: Found, { number, bytes: json }: ShortLine): IdentifiedWork {
  const place = `line ${number}`;
  const { rootIndex, members, wrapperMembers, sources, predecessors } = found;
  const requests: MintRequest[] = [];
  for (let at = 0; at < sources.length; at += 3) requests.push({ source: join(sources, at) });
  for (const [position, ...parts] of predecessors) {
    const { source } = certain(requests[position], 'The request that names a predecessor');
    requests[position] = { source, predecessor: join(parts, 0) };
  }
  const { source: root } = certain(requests[rootIndex], 'The request of the work itself');
  const extracted = { root, rootIndex, requests, members };
  return { place, kept: { json, wrapperMembers }, counted: 0, extracted };
}

function join(parts: readonly string[], at: number): SourceIdentifier {
  const [ontologyType = '', sourceSystem = '', value = ''] = parts.slice(at, at + 3);
  return { ontologyType, sourceSystem, value };
}

async function find({ bytes, lengths }: Question): Promise<Answer> {
  const answer: (Found | null)[] = [];
  let start = 0;
  for (const length of lengths) {
    const json = Buffer.from(bytes.buffer, start, length);
    start += length;
    const work = identify(await readWork({ number: 0, bytes: json }));
    answer.push(isIdentified(work) ? describe(work) : null);
  }
  return answer;
}

function describe({ kept, extracted }: IdentifiedWork): Found {
  const { rootIndex, members, requests } = extracted;
  const sources: string[] = [];
  const predecessors: [number, ...string[]][] = [];
  for (const [position, { source, predecessor }] of requests.entries()) {
    sources.push(source.ontologyType, source.sourceSystem, source.value);
    if (!predecessor) continue;
    const { ontologyType, sourceSystem, value } = predecessor;
    predecessors.push([position, ontologyType, sourceSystem, value]);
  }
  const wrapperMembers = 'json' in kept ? kept.wrapperMembers : undefined;
  return { rootIndex, members, wrapperMembers, sources, predecessors };
}

/** One question after the other: what is wrong with a line is looked up in a module that has to be loaded first. */
async function answerAll(port: MessagePort): Promise<void> {
  for await (const [question] of on(port, 'message') as AsyncIterable<[Question]>) {
    port.postMessage(JSON.stringify(await find(question)));
  }
}

if (workerData === THREAD && parentPort) void answerAll(parentPort);
