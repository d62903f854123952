import { isWrapped } from '../../domain/work-wrapper.ts';
import { skipValue, walkArray, walkObject } from './json-walk.ts';

interface Span {
  readonly from: number;
  readonly to: number;
}

const NULL = Buffer.from('null');
const [LINE_FEED, CARRIAGE_RETURN, SPACE] = [0x0a, 0x0d, 0x20];

/**
 * Reads an answer of Elasticsearch. The `_source` of each hit of a search, and of each document that was asked for by its
 * ID, stays the bytes that the index holds, on one line: a tree would lose how numbers were written, and take several times the memory while a page waits.
 *
 * @throws SyntaxError where it is not JSON, or not all of it
 */
export function parseAnswer(text: string): unknown {
  const json = Buffer.from(text);
  const { hits, docs } = findDocuments(json);
  // An answer has either.
  const sources = [...hits, ...docs].flatMap(source => source ?? []);
  const answer = JSON.parse(withoutSources(json, sources));
  const restore = (found: readonly (Span | undefined)[], read: (index: number) => Found) => {
    for (const [index, source] of found.entries()) {
      if (source) read(index)._source = onOneLine(json.subarray(source.from, source.to));
    }
  };
  restore(hits, index => answer.hits.hits[index]);
  restore(docs, index => answer.docs[index]);
  return answer;
}

/** The document in the JSON of a work, bare or as `{"_id", "_source", …}`. */
export function documentIn(work: Uint8Array): Buffer {
  const json = Buffer.from(work.buffer, work.byteOffset, work.byteLength);
  const members: Record<string, Span> = Object.create(null);
  walkObject(json, json.indexOf('{'), (name, from) => {
    const to = skipValue(json, from);
    members[name] = { from, to };
    return to;
  });
  const source = members['_source'];
  return isWrapped({ ...members }) && source ? json.subarray(source.from, source.to) : json;
}

interface Found {
  _source: Buffer;
}

/** Where the `_source` of each hit or document stands; undefined for one without. */
function findDocuments(json: Buffer): Record<'hits' | 'docs', (Span | undefined)[]> {
  const found: Record<'hits' | 'docs', (Span | undefined)[]> = { hits: [], docs: [] };
  const readInto = (list: (Span | undefined)[]) => (document: number) => {
    let source: Span | undefined;
    const end = walkObject(json, document, (name, from) => {
      const to = skipValue(json, from);
      if (name === '_source') source = { from, to };
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

function withoutSources(json: Buffer, sources: readonly Span[]): string {
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
function onOneLine(json: Buffer): Buffer {
  if (!json.includes(LINE_FEED) && !json.includes(CARRIAGE_RETURN)) return json;
  return Buffer.from(
    json.map(byte => (byte === LINE_FEED || byte === CARRIAGE_RETURN ? SPACE : byte))
  );
}
