import pMap from 'p-map';
import type {
  ParsedWork,
  SourceWork,
  UnreadableWork,
  WaitingRoom,
  WorkSource,
  WorkTarget,
  WorkText,
} from '../domain/documents.ts';
import type { Warning } from '../domain/errors.ts';
import { IdMinterError } from '../domain/errors.ts';
import type { Identified, IdentifiedWork } from '../domain/identified-work.ts';
import { identify, identifyText, isIdentified } from '../domain/identified-work.ts';
import { planWindow } from '../domain/mint-window.ts';
import type { MintAnswer, Registry } from '../domain/registry.ts';
import type { RunReport, RunTally } from '../domain/run-report.ts';
import { isNoteworthy } from '../domain/run-report.ts';
import { formatSourceIdentifier } from '../domain/source-identifier.ts';
import { readWorkAsWritten } from '../domain/work-text.ts';
import type { AnsweredWork, EmbeddedWork } from './embedded-works.ts';
import { choosePerDocument, embed, sharedDocument } from './embedded-works.ts';
import { inBatches } from './in-batches.ts';
import { inOverlap } from './read-ahead.ts';
import { fail, warn } from './tell-works.ts';
import { WindowWriter } from './window-writer.ts';

/** Of the texts of a window, from which on it gets no further batch: more of them would only wait for the one core. */
const WINDOW_BYTES = 3 * 1024 * 1024;

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder('utf-8', { ignoreBOM: true });

export interface MintWorksOptions {
  readonly registry: Registry;
  readonly source: WorkSource<Arrival>;
  readonly target: WorkTarget;
  readonly report: RunReport;
  readonly tally: RunTally;
  /** Where works wait whose predecessor is unknown so far, to be tried once more at the end; without it they fail. */
  readonly waiting?: WaitingRoom<WaitingWork> | undefined;
  /** Works a batch; the identifiers of a batch are one transaction. */
  readonly batchSize: number;
  /** Batches in the registry at once, which is also how many are read ahead of them. */
  readonly concurrency: number;
  /** Ends the run between two batches. */
  readonly signal?: AbortSignal;
}

/** A work that waits for its predecessor, as data that JSON can hold. */
export interface WaitingWork {
  readonly place: string;
  /** The JSON that it was read from, or else what it holds. */
  readonly content: WaitingText | ParsedWork;
  /** How many of its identifiers are counted already. */
  readonly counted: number;
}

interface WaitingText extends Pick<WorkText, 'hit'> {
  readonly text: string;
}

/**
 * Mints every work of a source into a target: reads it, finds its identifiers, gets their canonical IDs, embeds
 * them, writes it. A work of which any identifier got no ID fails as a whole and is not written; the run goes on.
 * Works stay in order, but those that waited for their predecessor come last.
 *
 * While a window of `concurrency` batches is in the registry, those before are written and the next one is read. Of
 * large works there are fewer batches in a window.
 *
 * @throws IdMinterError where the source, the registry or the target fails as a whole
 */
export async function mintWorks(options: MintWorksOptions): Promise<void> {
  const { source, waiting } = options;
  await mintAll(source.works(), options, { waiting });
  if (waiting === undefined || options.signal?.aborted) return;
  await mintAll(latecomersOf(waiting), options, {});
}

async function* latecomersOf(
  waiting: WaitingRoom<WaitingWork>
): AsyncGenerator<Identified, void, undefined> {
  for await (const { place, content, counted } of waiting.entries()) {
    if (!('text' in content)) yield identify({ place, ...content }, counted);
    else {
      const { text: written, ...rest } = content;
      const text = { ...rest, json: ENCODER.encode(written) };
      yield identifyText(place, text, { counted }) ??
        identify({ place, ...readWorkAsWritten(text), text }, counted);
    }
  }
}

/** What a source gives: works that it has found the identifiers of, or works as they are. */
type Arrival = SourceWork | UnreadableWork | Identified;

async function mintAll(
  arrivals: AsyncIterable<Arrival>,
  options: MintWorksOptions,
  { waiting }: Pick<MintWorksOptions, 'waiting'>
): Promise<void> {
  const { batchSize, concurrency, signal } = options;
  const batches = inBatches(arrivals, batchSize, signal);
  const weigh = (batch: readonly Arrival[]): number =>
    Math.max(1, (concurrency * bytesOf(batch)) / WINDOW_BYTES);
  const writer = new WindowWriter(options);
  try {
    await inOverlap(
      inBatches(batches, concurrency, signal, weigh),
      window => mintWindow(window.flat().map(identifyArrival), options),
      async window => await writer.write(await settleWindow(window, options, { waiting }))
    );
    await writer.end();
  } finally {
    await writer.settled();
  }
}

function identifyArrival(work: Arrival): Identified {
  return 'extracted' in work || 'fault' in work ? work : identify(work);
}

function bytesOf(works: readonly Arrival[]): number {
  return works.reduce((sum, work) => {
    return sum + (isIdentified(work) && 'text' in work.kept ? work.kept.text.json.length : 0);
  }, 0);
}

interface MintedWindow {
  readonly works: readonly Identified[];
  readonly answers: ReadonlyMap<IdentifiedWork, readonly MintAnswer[]>;
  readonly warnings: readonly Warning[];
}

/** @returns undefined where the signal came before all of its batches were minted */
async function mintWindow(
  read: readonly Identified[],
  { registry, batchSize, concurrency, signal }: MintWorksOptions
): Promise<MintedWindow | undefined> {
  const works = read.filter(isIdentified);
  const answers = new Map<IdentifiedWork, readonly MintAnswer[]>();
  const warnings: Warning[] = [];
  const mint = async (positions: readonly number[]): Promise<void> => {
    if (signal?.aborted) return;
    const batch = positions.flatMap(position => works[position] ?? []);
    const result = await registry.mint(batch.flatMap(({ extracted }) => extracted.requests));
    warnings.push(...result.warnings);
    let first = 0;
    for (const work of batch) {
      const own = result.answers.slice(first, first + work.extracted.requests.length);
      first += own.length;
      answers.set(work, own);
    }
  };
  const requests = works.map(({ extracted }) => extracted.requests);
  for (const group of planWindow(requests, batchSize)) await atOnce(group, mint, concurrency);
  return answers.size === works.length ? { works: read, answers, warnings } : undefined;
}

/** Waits for all of them also where one fails, so that nothing goes on behind the caller's back. */
async function atOnce<T>(
  items: readonly T[],
  work: (item: T) => Promise<void>,
  concurrency: number
): Promise<void> {
  try {
    await pMap(items, work, { concurrency, stopOnError: false });
  } catch (error) {
    throw error instanceof AggregateError ? error.errors[0] : error;
  }
}

/**
 * Tells what became of the works, in the order of the source.
 *
 * @returns the documents to be written, chosen batch by batch: two works of one may end on one document
 */
async function settleWindow(
  { works, answers, warnings }: MintedWindow,
  options: MintWorksOptions,
  { waiting }: Pick<MintWorksOptions, 'waiting'>
): Promise<EmbeddedWork[]> {
  for (const warning of warnings) await warn(warning, options);
  const toWrite: EmbeddedWork[] = [];
  for (let start = 0; start < works.length; start += options.batchSize) {
    const complete: AnsweredWork[] = [];
    for (const work of works.slice(start, start + options.batchSize)) {
      if (!isIdentified(work)) {
        await fail(work, work.fault, options);
        continue;
      }
      const answered = { ...work, answers: answers.get(work) ?? [] };
      if (await hasAllIds(answered, options, { waiting })) complete.push(answered);
    }
    toWrite.push(...choosePerDocument(complete.map(embed)));
  }
  for (const work of toWrite) {
    for (const lost of work.standingBack) {
      await warn(sharedDocument(work, lost), options, lost.place);
    }
  }
  return toWrite;
}

/** Counts and reports what a work's identifiers came to. A work that lacks any waits, or fails. */
async function hasAllIds(
  { place, kept, extracted, answers, counted }: AnsweredWork,
  options: MintWorksOptions,
  { waiting }: Pick<MintWorksOptions, 'waiting'>
): Promise<boolean> {
  const errors = errorsIn(answers);
  if (waiting && errors.length > 0 && errors.every(isUnknownPredecessor)) {
    const fresh = { answers: answers.filter(isNew), place, alreadyCounted: 0 };
    const content = 'text' in kept ? waitingText(kept.text) : kept;
    const countedNow = await count(fresh, options);
    await waiting.put({ place, content, counted: counted + countedNow });
    return false;
  }
  await count({ answers, place, alreadyCounted: counted }, options);
  if (errors.length === 0) return true;
  const row = formatSourceIdentifier(extracted.root);
  await fail({ row, place }, { stage: 'mint', error: summarise(errors) }, options);
  return false;
}

const NO_ERRORS: readonly IdMinterError[] = [];

/** As a rule there is none, of all answers of a run. */
function errorsIn(answers: readonly MintAnswer[]): readonly IdMinterError[] {
  const isWhole = answers.every(({ error }) => error === undefined);
  return isWhole ? NO_ERRORS : answers.flatMap(({ error }) => error ?? []);
}

function waitingText({ json, ...rest }: WorkText): WaitingText {
  return { text: DECODER.decode(json), ...rest };
}

/** Counts each request once: what an earlier try of the same work counted as new is found existing now. */
async function count(
  {
    answers,
    place,
    alreadyCounted,
  }: { answers: readonly MintAnswer[]; place: string; alreadyCounted: number },
  { tally, report }: MintWorksOptions
): Promise<number> {
  let toPassOver = alreadyCounted;
  let counted = 0;
  for (const answer of answers) {
    if (toPassOver > 0 && answer.outcome === 'existing' && !answer.warning) {
      toPassOver -= 1;
      continue;
    }
    tally.answered(answer);
    counted += 1;
    if (isNoteworthy(answer)) await report.answered(answer, place);
  }
  return counted;
}

/** One error for a work of which several identifiers got no ID: the first, and how many more there are. */
function summarise([first, ...more]: readonly IdMinterError[]): IdMinterError {
  if (first === undefined) throw new Error('A work without errors has none to summarise.');
  if (more.length === 0) return first;
  const rest = more.length === 1 ? 'One more identifier' : `${more.length} more identifiers`;
  return new IdMinterError(first.code, `${first.message} ${rest} of this work got no ID either.`, {
    ...first.details,
    cause: first,
  });
}

function isUnknownPredecessor({ code }: IdMinterError): boolean {
  return code === 'PREDECESSOR_NOT_FOUND';
}

function isNew({ outcome }: MintAnswer): boolean {
  return outcome === 'minted' || outcome === 'inherited';
}
