import type { CanonicalId } from './canonical-id.ts';
import type { ParsedWork } from './documents.ts';
import { DEPTH_MAX, isDeeperThan, tooDeep } from './work-document.ts';

/**
 * Takes a work out of its wrapper, `{"_id", "_source", …}` as elasticdump writes it; any other value is a bare document.
 *
 * @throws IdMinterError TOO_DEEP where the wrapper's other members are nested deeper than works may be
 */
export function unwrapWork(value: unknown): ParsedWork {
  if (!isWrapped(value)) return { document: value };
  const { _source: document, ...wrapper } = value;
  if (isDeeperThan(DEPTH_MAX, wrapper)) throw tooDeep();
  return { document, wrapper };
}

/** A work in the form in which it came; in a wrapper `_id` is now the canonical ID, and `_index` is gone. */
export function wrapWork({ document, wrapper }: ParsedWork, canonicalId: CanonicalId): unknown {
  if (wrapper === undefined) return document;
  const { _id, _index, ...members } = wrapper;
  return { _id: canonicalId, ...members, _source: document };
}

/** Whether it is `{"_id", "_source", …}`. */
function isWrapped(value: unknown): value is { readonly _id: unknown; readonly _source: unknown } {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.hasOwn(value, '_id') &&
    Object.hasOwn(value, '_source')
  );
}
