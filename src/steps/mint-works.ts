import pMap from 'p-map';
import type { CanonicalId } from '../domain/canonical-id.ts';
import { certain } from '../domain/certain.ts';
import type {
  MintedWork,
  ParsedWork,
  SourceWork,
  UnreadableWork,
  WaitingRoom,
  WorkSource,
  WorkTarget,
  WorkText,
} from '../domain/documents.ts';
import { TargetBroken } from '../domain/documents.ts';
import type { Warning } from '../domain/errors.ts';
import { IdMinterError } from '../domain/errors.ts';
import type { Identified, IdentifiedWork, Kept } from '../domain/identified-work.ts';
import { identify, identifyText, isIdentified } from '../domain/identified-work.ts';
import { planWindow } from '../domain/mint-window.ts';
import type { Given, MintAnswer, Registry } from '../domain/registry.ts';
import type { RunReport, RunTally } from '../domain/run-report.ts';
import { isNoteworthy } from '../domain/run-report.ts';
import type { SourceIdentifier } from '../domain/source-identifier.ts';
import { formatSourceIdentifier } from '../domain/source-identifier.ts';
import type { Contender, WorkFault } from '../domain/work-document.ts';
import { embedCanonicalIds, prevails } from '../domain/work-document.ts';
import { insertCanonicalIds, readWorkAsWritten } from '../domain/work-text.ts';
import { wrapWork } from '../domain/work-wrapper.ts';
import { inBatches } from './in-batches.ts';
import { inOverlap } from './read-ahead.ts';

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

interface AnsweredWork extends IdentifiedWork {
  readonly answers: readonly MintAnswer[];
}

/** A document that will be written, and the works of the batch that have to stand back for it. */
interface EmbeddedWork extends MintedWork {
  readonly root: SourceIdentifier;
  readonly kept: Kept;
  readonly standingBack: EmbeddedWork[];
}

/**
 * Mints every work of a source into a target: reads it, finds its identifiers, gets their canonical IDs, embeds
 * them, writes it. A work of which any identifier got no ID fails as a whole and is not written; the run goes on.
 * Works stay in order, but those that waited for their predecessor come last.
 *
 * While a window of `concurrency` batches is in the registry, the one before is written and the next one is read. Of
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
      yield identifyText(place, text, counted) ??
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
  await inOverlap(
    inBatches(batches, concurrency, signal, weigh),
    window => mintWindow(window.flat().map(identifyArrival), options),
    window => settleWindow(window, options, { waiting })
  );
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

/** In the order of the source, batch by batch: two works of a batch may end on one document. */
async function settleWindow(
  { works, answers, warnings }: MintedWindow,
  options: MintWorksOptions,
  { waiting }: Pick<MintWorksOptions, 'waiting'>
): Promise<void> {
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
  await write(toWrite, options);
}

/** Counts and reports what a work's identifiers came to. A work that lacks any waits, or fails. */
async function hasAllIds(
  { place, kept, extracted, answers, counted }: AnsweredWork,
  options: MintWorksOptions,
  { waiting }: Pick<MintWorksOptions, 'waiting'>
): Promise<boolean> {
  const errors = answers.flatMap(({ error }) => error ?? []);
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

/** A window at a time, so that a target can do several things at once. */
async function write(works: readonly EmbeddedWork[], options: MintWorksOptions): Promise<void> {
  const { target, report, tally } = options;
  for (const work of works) {
    for (const lost of work.standingBack) {
      await warn(sharedDocument(work, lost), options, lost.place);
    }
  }
  const { refused, unknown, failure } = await writeAll(target, works);
  const written = works.filter((_, index) => !refused.has(index) && !unknown.has(index));
  for (const [index, error] of refused) {
    const work = works[index];
    if (!work) continue;
    for (const lost of [work, ...work.standingBack]) {
      await fail({ row: nameOf(lost), place: lost.place }, { stage: 'index', error }, options);
    }
  }
  for (const work of written) tally.works.succeeded += 1 + work.standingBack.length;
  await report.succeeded(written.map(({ canonicalId }) => canonicalId));
  if (failure === undefined) return;
  const unconfirmed = works.filter((_, index) => unknown.has(index));
  await report.unconfirmed?.(unconfirmed.map(({ canonicalId }) => canonicalId));
  throw failure;
}

interface Written {
  readonly refused: TargetBroken['refused'];
  readonly unknown: TargetBroken['unknown'];
  /** Set where the target as a whole failed. */
  readonly failure?: unknown;
}

async function writeAll(target: WorkTarget, works: readonly MintedWork[]): Promise<Written> {
  try {
    return { refused: await target.write(works), unknown: new Set() };
  } catch (error) {
    if (!(error instanceof TargetBroken)) {
      return { refused: new Map(), unknown: new Set(works.keys()), failure: error };
    }
    const { refused, unknown, cause } = error;
    return { refused, unknown, failure: cause };
  }
}

function embed({ place, kept, extracted, answers }: AnsweredWork): EmbeddedWork {
  const { root, rootIndex } = extracted;
  const ids = answers.map(answer => (answer as MintAnswer & Given).canonicalId);
  const canonicalId = certain(ids[rootIndex], 'The ID of the work itself');
  const content =
    'text' in kept
      ? insertCanonicalIds(kept.text, kept.places, { ids, canonicalId })
      : {
          value: wrapWork(
            { ...kept, document: embedCanonicalIds(kept.document, ids) },
            canonicalId
          ),
        };
  return { place, canonicalId, content, root, kept, standingBack: [] };
}

/** One document can stand under one canonical ID; the works keep their order. */
function choosePerDocument(works: readonly EmbeddedWork[]): EmbeddedWork[] {
  const standing = new Map<CanonicalId, EmbeddedWork>();
  for (const work of works) {
    const other = standing.get(work.canonicalId);
    const isLater = other === undefined || prevails(contender(work), contender(other));
    const [winner, loser] = isLater ? [work, other] : [other, work];
    if (loser) winner.standingBack.push(loser, ...loser.standingBack.splice(0));
    standing.set(work.canonicalId, winner);
  }
  return works.filter(work => standing.get(work.canonicalId) === work);
}

function contender({ root, kept }: EmbeddedWork): Contender {
  const { document } = 'text' in kept ? readWorkAsWritten(kept.text) : kept;
  return { root, document };
}

function sharedDocument(winner: EmbeddedWork, loser: EmbeddedWork): Warning {
  return {
    code: 'SHARED_DOCUMENT_ID',
    message:
      `${nameOf(winner)} and ${nameOf(loser)} share the canonical ID ${winner.canonicalId}, so one document stands under ` +
      'it: that of the first. Retire the other one at its source.',
    details: {
      canonicalId: winner.canonicalId,
      written: nameOf(winner),
      notWritten: nameOf(loser),
    },
  };
}

async function fail(
  { row, place }: { row: string; place: string },
  { stage, error }: WorkFault,
  { report, tally }: MintWorksOptions
): Promise<void> {
  tally.works.failed += 1;
  // At stage `mint` each refused identifier was counted already.
  if (stage !== 'mint') tally.met(error.code);
  const detail = error.message.startsWith(place) ? error.message : `${place}: ${error.message}`;
  await report.failed({ row_id: row, stage, code: error.code, detail }, place);
}

async function warn(
  warning: Warning,
  { report, tally }: MintWorksOptions,
  place?: string
): Promise<void> {
  tally.warned(warning);
  await report.warned(warning, place);
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

function nameOf({ root }: EmbeddedWork): string {
  return formatSourceIdentifier(root);
}
