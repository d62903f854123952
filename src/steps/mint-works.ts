import pMap from 'p-map';
import type { CanonicalId } from '../domain/canonical-id.ts';
import type {
  MintedWork,
  SourceWork,
  UnreadableWork,
  WaitingRoom,
  WorkSource,
  WorkTarget,
} from '../domain/documents.ts';
import type { Warning } from '../domain/errors.ts';
import { IdMinterError } from '../domain/errors.ts';
import { planWindow } from '../domain/mint-window.ts';
import type { Given, MintAnswer, Registry } from '../domain/registry.ts';
import type { RunReport, RunTally } from '../domain/run-report.ts';
import { isNoteworthy } from '../domain/run-report.ts';
import type { SourceIdentifier } from '../domain/source-identifier.ts';
import { formatSourceIdentifier } from '../domain/source-identifier.ts';
import type { ExtractedWork, WorkFault } from '../domain/work-document.ts';
import { embedCanonicalIds, extractWork, prevails } from '../domain/work-document.ts';
import { inBatches } from './in-batches.ts';
import { inOverlap } from './read-ahead.ts';

export interface MintWorksOptions {
  readonly registry: Registry;
  readonly source: WorkSource;
  readonly target: WorkTarget;
  readonly report: RunReport;
  readonly tally: RunTally;
  /** Where works wait whose predecessor is unknown so far; they are tried once more at the end. */
  readonly waiting: WaitingRoom<ReadWork>;
  /** Works a batch; the identifiers of a batch are one transaction. */
  readonly batchSize: number;
  /** Batches in the registry at once, which is also how many are read ahead of them. */
  readonly concurrency: number;
  /** Ends the run between two batches. */
  readonly signal?: AbortSignal;
}

/** A work on its way through the run, and how many of its identifiers are counted already. */
export interface ReadWork {
  readonly work: SourceWork;
  readonly counted: number;
}

interface IdentifiedWork extends ReadWork {
  readonly extracted: ExtractedWork;
}

interface AnsweredWork extends IdentifiedWork {
  readonly answers: readonly MintAnswer[];
}

/** A document that will be written, and the works of the batch that have to stand back for it. */
interface EmbeddedWork extends MintedWork {
  readonly root: SourceIdentifier;
  readonly standingBack: EmbeddedWork[];
}

/**
 * Mints every work of a source into a target: reads it, finds its identifiers, gets their canonical IDs, embeds
 * them, writes it. A work of which any identifier got no ID fails as a whole and is not written; the run goes on.
 * Works stay in order, but those that waited for their predecessor come last.
 *
 * While a window of `concurrency` batches is in the registry, the next one is read and the one before is written.
 *
 * @throws IdMinterError where the source, the registry or the target fails as a whole
 */
export async function mintWorks(options: MintWorksOptions): Promise<void> {
  const { source, waiting } = options;
  await mintAll(arrivalsOf(source), options, { mayWait: true });
  if (options.signal?.aborted) return;
  await mintAll(waiting.entries(), options, { mayWait: false });
}

/** What arrives: a work, or the reason why it could not be read. */
interface Arrival {
  readonly work: SourceWork | UnreadableWork;
  readonly counted: number;
}

async function* arrivalsOf(source: WorkSource): AsyncGenerator<Arrival, void, undefined> {
  for await (const work of source.works()) yield { work, counted: 0 };
}

async function mintAll(
  arrivals: AsyncIterable<Arrival>,
  options: MintWorksOptions,
  { mayWait }: { mayWait: boolean }
): Promise<void> {
  const { batchSize, concurrency, signal } = options;
  await inOverlap(
    inBatches(arrivals, batchSize * concurrency, signal),
    window => mintWindow(window.map(identify), options),
    window => settleWindow(window, options, { mayWait })
  );
}

/** A work whose identifiers are found, or the fault for which it fails. */
type Identified = IdentifiedWork | (Arrival & { readonly fault: WorkFault });

function identify(arrival: Arrival): Identified {
  const { work, counted } = arrival;
  if (work.error) return { work, counted, fault: { stage: 'read', error: work.error } };
  const extracted = extractWork(work.document);
  return 'error' in extracted ? { work, counted, fault: extracted } : { work, counted, extracted };
}

function isIdentified(work: Identified): work is IdentifiedWork {
  return 'extracted' in work;
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
  { mayWait }: { mayWait: boolean }
): Promise<void> {
  for (const warning of warnings) await warn(warning, options);
  for (let start = 0; start < works.length; start += options.batchSize) {
    const complete: AnsweredWork[] = [];
    for (const work of works.slice(start, start + options.batchSize)) {
      const { place } = work.work;
      if (!isIdentified(work)) {
        await fail({ row: rowOf(work.work, work.fault.root), place }, work.fault, options);
        continue;
      }
      const answered = { ...work, answers: answers.get(work) ?? [] };
      if (await hasAllIds(answered, options, { mayWait })) complete.push(answered);
    }
    await write(complete, options);
  }
}

/** Counts and reports what a work's identifiers came to. A work that lacks any waits, or fails. */
async function hasAllIds(
  { work, extracted, answers, counted }: AnsweredWork,
  options: MintWorksOptions,
  { mayWait }: { mayWait: boolean }
): Promise<boolean> {
  const { place } = work;
  const errors = answers.flatMap(({ error }) => error ?? []);
  if (mayWait && errors.length > 0 && errors.every(isUnknownPredecessor)) {
    const fresh = { answers: answers.filter(isNew), place, alreadyCounted: 0 };
    await options.waiting.put({ work, counted: counted + (await count(fresh, options)) });
    return false;
  }
  await count({ answers, place, alreadyCounted: counted }, options);
  if (errors.length === 0) return true;
  const row = rowOf(work, extracted.root);
  await fail({ row, place }, { stage: 'mint', error: summarise(errors) }, options);
  return false;
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

async function write(answered: readonly AnsweredWork[], options: MintWorksOptions): Promise<void> {
  const { target, report, tally } = options;
  const works = choosePerDocument(answered.map(embed));
  for (const work of works) {
    for (const lost of work.standingBack) {
      await warn(sharedDocument(work, lost), options, lost.place);
    }
  }
  const refused = await target.write(works);
  const written = works.filter((_, index) => !refused.has(index));
  for (const [index, error] of refused) {
    const work = works[index];
    if (!work) continue;
    for (const lost of [work, ...work.standingBack]) {
      await fail({ row: nameOf(lost), place: lost.place }, { stage: 'index', error }, options);
    }
  }
  for (const work of written) tally.works.succeeded += 1 + work.standingBack.length;
  await report.succeeded(written.map(({ canonicalId }) => canonicalId));
}

function embed({ work, extracted, answers }: AnsweredWork): EmbeddedWork {
  const ids = answers.map(answer => (answer as MintAnswer & Given).canonicalId);
  const canonicalId = ids[extracted.rootIndex];
  if (canonicalId === undefined) throw new Error('The work itself is not among its identifiers.');
  const document = embedCanonicalIds(work.document, ids);
  return { ...work, document, canonicalId, root: extracted.root, standingBack: [] };
}

/** One document can stand under one canonical ID; the works keep their order. */
function choosePerDocument(works: readonly EmbeddedWork[]): EmbeddedWork[] {
  const standing = new Map<CanonicalId, EmbeddedWork>();
  for (const work of works) {
    const other = standing.get(work.canonicalId);
    const [winner, loser] = other && !prevails(work, other) ? [other, work] : [work, other];
    if (loser) winner.standingBack.push(loser, ...loser.standingBack.splice(0));
    standing.set(work.canonicalId, winner);
  }
  return works.filter(work => standing.get(work.canonicalId) === work);
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

/** What a report calls a work: its source identifier, else the `_id` it came with, else its place. */
function rowOf(work: SourceWork | UnreadableWork, root: SourceIdentifier | undefined): string {
  const id = work.error ? undefined : work.wrapper?.['_id'];
  return root ? formatSourceIdentifier(root) : typeof id === 'string' ? id : work.place;
}
