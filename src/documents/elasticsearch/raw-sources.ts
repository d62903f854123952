import type { Scanned } from '../../domain/work-scan.ts';
import { scanFirst } from '../../domain/work-scan.ts';
import { plainBytes } from '../work-texts.ts';
import { skipValue, walkArray, walkObject } from './json-walk.ts';

/** A document as an answer holds it. */
export interface RawSource {
  /** on one line */
  readonly json: Uint8Array;
  /** What the walk over it has found, which had to be made to know where it ends. */
  readonly scanned: Scanned | undefined;
}

interface Found extends RawSource {
  readonly from: number;
  readonly to: number;
}

const NULL = Buffer.from('null');
const [LINE_FEED, CARRIAGE_RETURN, SPACE] = [0x0a, 0x0d, 0x20];

/**
 * Reads an answer of Elasticsearch. The `_source` of each hit of a search, and of each document that was asked for by its
 * ID, stays the bytes that the index holds (a RawSource): a tree would lose how numbers were written, and take several
 * times the memory while a page waits.
 *
 * @param json - the caller's no more: documents are parts of it
 * @throws SyntaxError where it is not JSON, or not all of it
 */
export function parseAnswer(json: Buffer): unknown {
  putOnOneLine(json);
  const { hits, docs } = findDocuments(json);
  // An answer has either.
  const sources = [...hits, ...docs].flatMap(source => source ?? []);
  const answer = JSON.parse(withoutSources(json, sources));
  const restore = (found: typeof hits, read: (index: number) => { _source: RawSource }) => {
    for (const [index, source] of found.entries()) if (source) read(index)._source = source;
  };
  restore(hits, index => answer.hits.hits[index]);
  restore(docs, index => answer.docs[index]);
  return answer;
}

/** The `_source` of each hit or document; undefined for one without. */
function findDocuments(json: Buffer): Record<'hits' | 'docs', (Found | undefined)[]> {
  const found: Record<'hits' | 'docs', (Found | undefined)[]> = { hits: [], docs: [] };
  const bytes = plainBytes(json);
  const readInto = (list: (Found | undefined)[]) => (document: number) => {
    let source: Found | undefined;
    const end = walkObject(json, document, (name, from) => {
      if (name !== '_source') return skipValue(json, from);
      const scanned = scanFirst(bytes.subarray(from));
      const to = scanned ? from + scanned.end : skipValue(json, from);
      source = { json: bytes.subarray(from, to), scanned, from, to };
      return to;
    });
    list.push(source);
    return end;
  };
  walkObject(json, 0, (name, at) => {
    if (name === 'docs') return walkArray(json, at, readInto(found.docs));
    if (name !== 'hits') return skipValue(json, at);
    return walkObject(json, at, (inner, below) =>
      inner === 'hits' ? walkArray(json, below, readInto(found.hits)) : skipValue(json, below)
    );
  });
  return found;
}

function withoutSources(json: Buffer, sources: readonly Found[]): string {
  if (sources.length === 0) return json.toString('utf8');
  const parts: Buffer[] = [];
  let at = 0;
  for (const { from, to } of sources) {
    parts.push(json.subarray(at, from), NULL);
    at = to;
  }
  parts.push(json.subarray(at));
  return Buffer.concat(parts).toString('utf8');
}

/** Strings hold no line ends, so each one stands between the parts. */
function putOnOneLine(json: Buffer): void {
  for (const lineEnd of [LINE_FEED, CARRIAGE_RETURN]) {
    for (let at = json.indexOf(lineEnd); at >= 0; at = json.indexOf(lineEnd, at)) json[at] = SPACE;
  }
}
