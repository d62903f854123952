import type { ParsedWork, SourceWork, UnreadableWork, WorkText } from './documents.ts';
import type { SourceIdentifier } from './source-identifier.ts';
import { formatSourceIdentifier } from './source-identifier.ts';
import type { ExtractedWork, WorkFault } from './work-document.ts';
import { DEPTH_MAX, extractWork, isDeeperThan } from './work-document.ts';
import type { Scanned } from './work-scan.ts';
import type { Places } from './work-text.ts';
import { findIdentifiers, readWorkAsWritten } from './work-text.ts';

/** A work whose identifiers are known, or that fails before they are. */
export type Identified = IdentifiedWork | FaultyWork;

export interface IdentifiedWork {
  readonly place: string;
  /** The `_id` that it came with. */
  readonly id?: string;
  readonly kept: Kept;
  /** How many of its identifiers are counted already. */
  readonly counted: number;
  readonly extracted: ExtractedWork;
}

export interface FaultyWork {
  readonly place: string;
  readonly id?: string;
  /** What a report calls it. */
  readonly row: string;
  readonly fault: WorkFault;
}

/** What is kept of a work while its identifiers are in the registry: a text is a third of the tree that it becomes. */
export type Kept = KeptText | ParsedWork;

export interface KeptText {
  readonly text: WorkText;
  /** undefined where the IDs have to be put in by way of the tree. */
  readonly places: Places | undefined;
}

/**
 * Finds the identifiers of a work in its text alone.
 *
 * @param text - valid UTF-8, which need not be JSON
 * @param known - how many of its identifiers are counted already, and what the walk over the text has found
 * @returns undefined where the text has to be parsed, for `identify`
 */
export function identifyText(
  place: string,
  text: WorkText,
  { counted = 0, scanned }: { counted?: number; scanned?: Scanned | undefined } = {}
): IdentifiedWork | undefined {
  const found = findIdentifiers(text, scanned);
  if (found === undefined) return undefined;
  const { extracted, places, id } = found;
  return { place, ...(id !== undefined && { id }), kept: { text, places }, counted, extracted };
}

/** Finds the identifiers of a work, and lets go of its tree where there is a text. */
export function identify(work: SourceWork | UnreadableWork, counted = 0): Identified {
  const { place } = work;
  if (work.error) return { place, row: place, fault: { stage: 'read', error: work.error } };
  const { document, wrapper, text } = work;
  const id = idOf(work);
  const named = { place, ...(id !== undefined && { id }) };
  const extracted = extractWork(document);
  if ('error' in extracted) {
    const fault = text ? extractAsWritten(text, document, extracted) : extracted;
    return { ...named, row: rowOf(named, fault.root), fault };
  }
  const kept = text ? { text, places: undefined } : { document, ...(wrapper && { wrapper }) };
  return { ...named, kept, counted, extracted };
}

export function isIdentified(work: object): work is IdentifiedWork {
  return 'extracted' in work;
}

/** The same fault, which tells of a number in an identifier as it stands in the text. */
function extractAsWritten(text: WorkText, document: unknown, fault: WorkFault): WorkFault {
  if (fault.error.code !== 'INVALID_IDENTIFIER' || isDeeperThan(DEPTH_MAX, document)) return fault;
  // What is no identifier with a number is none with the text of the number.
  return extractWork(readWorkAsWritten(text).document) as WorkFault;
}

function idOf({ wrapper }: SourceWork): string | undefined {
  const id = wrapper?.['_id'];
  return typeof id === 'string' ? id : undefined;
}

/** Its source identifier, else the `_id` it came with, else its place. */
function rowOf(
  { place, id }: Pick<FaultyWork, 'place' | 'id'>,
  root: SourceIdentifier | undefined
): string {
  return root ? formatSourceIdentifier(root) : (id ?? place);
}
