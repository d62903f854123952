import type { SourceWork, UnreadableWork } from './documents.ts';
import type { SourceIdentifier } from './source-identifier.ts';
import { formatSourceIdentifier } from './source-identifier.ts';
import type { ExtractedWork, WorkFault } from './work-document.ts';
import { DEPTH_MAX, extractWork, isDeeperThan } from './work-document.ts';
import { readAsWritten } from './work-text.ts';
import { unwrapWork } from './work-wrapper.ts';

/** A work whose identifiers are known, or that fails before they are. */
export type Identified = IdentifiedWork | FaultyWork;

export interface IdentifiedWork {
  readonly place: string;
  readonly kept: Kept;
  /** How many of its identifiers are counted already. */
  readonly counted: number;
  readonly extracted: ExtractedWork;
}

export interface FaultyWork {
  readonly place: string;
  /** What a report calls it. */
  readonly row: string;
  readonly fault: WorkFault;
}

/** What is kept of a work while its identifiers are in the registry: a text is a third of the tree that it becomes. */
export type Kept =
  | { readonly json: Uint8Array; readonly wrapperMembers: number | undefined }
  | ParsedWork;

export type ParsedWork = Pick<SourceWork, 'document' | 'wrapper'>;

/** Finds the identifiers of a work, and lets go of its tree where there is a text. */
export function identify(work: SourceWork | UnreadableWork, counted = 0): Identified {
  const { place } = work;
  if (work.error) return { place, row: place, fault: { stage: 'read', error: work.error } };
  const { document, wrapper, json } = work;
  const extracted = extractWork(document);
  if ('error' in extracted) {
    const fault = json ? extractAsWritten(json, document, extracted) : extracted;
    return { place, row: rowOf(work, fault.root), fault };
  }
  const kept = json
    ? { json, wrapperMembers: wrapper && Object.keys(wrapper).length }
    : { document, ...(wrapper && { wrapper }) };
  return { place, kept, counted, extracted };
}

export function isIdentified(work: object): work is IdentifiedWork {
  return 'extracted' in work;
}

/** The same fault, which tells of a number in an identifier as it stands in the text. */
function extractAsWritten(json: Uint8Array, document: unknown, fault: WorkFault): WorkFault {
  if (fault.error.code !== 'INVALID_IDENTIFIER' || isDeeperThan(DEPTH_MAX, document)) return fault;
  // What is no identifier with a number is none with the text of the number.
  return extractWork(unwrapWork(readAsWritten(json)).document) as WorkFault;
}

/** Its source identifier, else the `_id` it came with, else its place. */
function rowOf({ wrapper, place }: SourceWork, root: SourceIdentifier | undefined): string {
  const id = wrapper?.['_id'];
  return root ? formatSourceIdentifier(root) : typeof id === 'string' ? id : place;
}
