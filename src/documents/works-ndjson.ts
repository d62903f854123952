import type {
  MintedWork,
  SourceWork,
  UnreadableWork,
  WorkSource,
  WorkTarget,
} from '../domain/documents.ts';
import { IdMinterError } from '../domain/errors.ts';
import { DEPTH_MAX, isDeeperThan, tooDeep } from '../domain/work-document.ts';
import type { ByteSource, TextTarget } from './files.ts';
import { parseJson } from './json-text.ts';
import type { Line } from './lines.ts';
import { lineTooLong, readLines } from './lines.ts';

/**
 * Works as NDJSON, one a line: the bare document, or `{"_id", "_source"}` as elasticdump writes it. A line that
 * cannot be read is named, and the next one follows.
 */
export function readWorks({ name, chunks }: ByteSource): WorkSource {
  return {
    name,
    async *works() {
      for await (const line of readLines(chunks)) {
        if (line.bytes?.length === 0) continue;
        yield await readWork(line);
      }
    },
  };
}

/** Works in the form in which they came; in the wrapped form `_id` is now the canonical ID, and `_index` is gone. */
export function writeWorks(target: TextTarget): WorkTarget {
  return {
    name: target.name,
    async write(works) {
      await target.write(works.map(toLine).join(''));
      return new Map();
    },
    complete: () => target.complete(),
    discard: () => target.discard(),
  };
}

async function readWork({ number, bytes }: Line): Promise<SourceWork | UnreadableWork> {
  const place = `line ${number}`;
  if (bytes === undefined) return { place, error: lineTooLong(place) };
  try {
    const value = await parseJson(bytes, place);
    if (!isWrapped(value)) return { place, document: value };
    const { _source: document, ...wrapper } = value;
    if (isDeeperThan(DEPTH_MAX, wrapper)) throw tooDeep();
    return { place, document, wrapper };
  } catch (error) {
    if (error instanceof IdMinterError) return { place, error };
    throw error;
  }
}

function toLine({ canonicalId, document, wrapper }: MintedWork): string {
  if (wrapper === undefined) return `${JSON.stringify(document)}\n`;
  const { _id, _index, ...members } = wrapper;
  return `${JSON.stringify({ _id: canonicalId, ...members, _source: document })}\n`;
}

function isWrapped(value: unknown): value is { readonly _id: unknown; readonly _source: unknown } {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.hasOwn(value, '_id') &&
    Object.hasOwn(value, '_source')
  );
}
