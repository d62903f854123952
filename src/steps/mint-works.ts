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
import type { Given, MintAnswer, Registry } from '../domain/registry.ts';
import type { RunReport, RunTally } from '../domain/run-report.ts';
import { isNoteworthy } from '../domain/run-report.ts';
import type { SourceIdentifier } from '../domain/source-identifier.ts';
import { formatSourceIdentifier } from '../domain/source-identifier.ts';
import type { ExtractedWork, WorkFault } from '../domain/work-document.ts';
import { embedCanonicalIds, extractWork, prevails } from '../domain/work-document.ts';
import { inBatches } from './in-batches.ts';

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
  /** Ends the run between two batches. */
  readonly signal?: AbortSignal;
}

/** A work on its way through the run, and how many of its identifiers are counted already. */
export interface ReadWork {
  readonly work: SourceWork;
  readonly counted: number;
}

interface AnsweredWork extends ReadWork {
  readonly extracted: ExtractedWork;
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
 * @throws IdMinterError where the source, the registry or the target fails as a whole
 */
export async function mintWorks(options: MintWorksOptions): Promise<void> {
  const { source, waiting, batchSize, signal } = options;
  for await (const batch of inBatches(source.works(), batchSize, signal)) {
    const readable = await reportUnreadable(batch, options);
    await mintBatch(
      readable.map(work => ({ work, counted: 0 })),
      options,
      { mayWait: true }
    );
  }
  if (signal?.aborted) return;
  for await (const batch of inBatches(waiting.entries(), batchSize, signal)) {
    await mintBatch(batch, options, { mayWait: false });
  }
}

async function mintBatch(
  batch: readonly ReadWork[],
  options: MintWorksOptions,
  { mayWait }: { mayWait: boolean }
): Promise<void> {
  const { registry, waiting } = options;
  const extracted = await reportUnidentified(batch, options);
  const { answers, warnings } = await registry.mint(
    extracted.flatMap(entry => entry.extracted.requests)
  );
  for (const warning of warnings) await warn(warning, options);

  const complete: AnsweredWork[] = [];
  let first = 0;
  for (const entry of extracted) {
    const own = answers.slice(first, first + entry.extracted.requests.length);
    first += own.length;
    const errors = own.flatMap(({ error }) => error ?? []);
    if (mayWait && errors.length > 0 && errors.every(isUnknownPredecessor)) {
      const fresh = { answers: own.filter(isNew), place: entry.work.place, alreadyCounted: 0 };
      const counted = entry.counted + (await count(fresh, options));
      await waiting.put({ work: entry.work, counted });
      continue;
    }
    const { place } = entry.work;
    await count({ answers: own, place, alreadyCounted: entry.counted }, options);
    if (errors.length === 0) complete.push({ ...entry, answers: own });
    else {
      const row = rowOf(entry.work, entry.extracted.root);
      await fail({ row, place }, { stage: 'mint', error: summarise(errors) }, options);
    }
  }
  await write(complete, options);
}

async function reportUnreadable(
  batch: readonly (SourceWork | UnreadableWork)[],
  options: MintWorksOptions
): Promise<SourceWork[]> {
  const readable: SourceWork[] = [];
  for (const work of batch) {
    const { place, error } = work;
    if (error) await fail({ row: place, place }, { stage: 'read', error }, options);
    else readable.push(work);
  }
  return readable;
}

async function reportUnidentified(
  batch: readonly ReadWork[],
  options: MintWorksOptions
): Promise<(ReadWork & { extracted: ExtractedWork })[]> {
  const identified: (ReadWork & { extracted: ExtractedWork })[] = [];
  for (const entry of batch) {
    const { work } = entry;
    const extracted = extractWork(work.document);
    if ('error' in extracted)
      await fail({ row: rowOf(work, extracted.root), place: work.place }, extracted, options);
    else identified.push({ ...entry, extracted });
  }
  return identified;
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
      'it: the first of the two was written. Retire the other one at its source.',
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
function rowOf({ wrapper, place }: SourceWork, root: SourceIdentifier | undefined): string {
  const id = wrapper?.['_id'];
  return root ? formatSourceIdentifier(root) : typeof id === 'string' ? id : place;
}
