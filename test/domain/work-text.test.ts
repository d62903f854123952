import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CanonicalId } from '../../src/domain/canonical-id.ts';
import { readAsWritten } from '../../src/domain/json-tree.ts';
import { embedCanonicalIds, extractWork } from '../../src/domain/work-document.ts';
import {
  findIdentifiers,
  insertCanonicalIds,
  readWorkAsWritten,
  unwrapText,
} from '../../src/domain/work-text.ts';
import { wrapWork } from '../../src/domain/work-wrapper.ts';
import { someIds } from '../support/identifiers.ts';

const IDS = someIds(500);
const NODE = '"sourceIdentifier":{"ontologyType":"Work","identifierType":{"id":"s"},"value":"1"}';

/** What the two ways to the same end make of a text; of one of which the walk is not sure the first is a tree as well. */
function bothWays(
  written: string,
  hit?: string
): { inText: string; inTree: string; isSure: boolean } {
  const text = { json: Buffer.from(written), ...(hit !== undefined && { hit }) };
  const { document, wrapper } = unwrapText(text, JSON.parse(written));
  const extracted = extractWork(document);
  if ('error' in extracted) throw extracted.error;
  const found = findIdentifiers(text);
  if (found) {
    expect(found.extracted).toEqual(extracted);
    const id = wrapper?.['_id'];
    expect(found.id).toBe(typeof id === 'string' ? id : undefined);
  }
  const ids = IDS.slice(0, extracted.requests.length);
  const canonicalId = ids[extracted.rootIndex];
  if (canonicalId === undefined) throw new Error('The work itself has an ID.');
  const made = insertCanonicalIds(text, found?.places, { ids, canonicalId });
  expect(text.json.toString()).toBe(written);
  const asWritten = readWorkAsWritten(text);
  const embedded = { ...asWritten, document: embedCanonicalIds(asWritten.document, ids) };
  expect(readAsWritten(Buffer.from(made.document).toString())).toEqual(
    readAsWritten(JSON.stringify(embedded.document))
  );
  return {
    inText: Buffer.from(made.json).toString(),
    inTree: JSON.stringify(wrapWork(embedded, canonicalId)),
    isSure: found !== undefined,
  };
}

describe('canonical IDs put into a text', () => {
  test('leave names in escapes as they are, whatever names were met before', () => {
    const workWith = (name: string) =>
      Buffer.from(`{"state":{${NODE}},"notes":{"a":1,"${name}":2}}`);
    for (const name of ['\\\\', '\\n', '\\u0017', '\\"']) {
      const text = { json: workWith(name) };
      const { json } = insertCanonicalIds(text, findIdentifiers(text)?.places, {
        ids: IDS.slice(0, 1),
        canonicalId: IDS[0] as CanonicalId,
      });
      expect(Buffer.from(json).toString()).toContain(`"notes":{"a":1,"${name}":2}`);
    }
  });

  // First of all, while no list is long from an earlier work.
  test.each([100, 43, 44, 300, 1, 450])('stand in each node of a work of %i others', count => {
    const types = ['', ',"type":"Identifiable"', ',"type":"Identifiable","identifiedType":"Agent"'];
    const nodes = Array.from({ length: count }, (_, at) => `{${NODE}${types[at % 3]}}`);
    const { inText, inTree } = bothWays(`{"state":{${NODE}},"data":[${nodes.join(',')}]}`);
    expect(JSON.parse(inText)).toEqual(JSON.parse(inTree));
    expect(inText.match(/"canonicalId":"[a-z2-9]{8}"/g)).toHaveLength(count + 1);
  });

  test.each<[what: string, text: string]>([
    ['a work alone', `{"state":{${NODE}}}`],
    ['a type that becomes another', `{"state":{${NODE},"type":"Identifiable"}}`],
    ['a type that stays', `{"state":{"type":"Subject",${NODE},"label":"x"}}`],
    ['a type that is null', `{"state":{"type":null,${NODE}}}`],
    ['a type to come, last', `{"state":{"type":"Identifiable",${NODE},"identifiedType":"Agent"}}`],
    ['a type to come, first', `{"state":{"identifiedType":"Agent",${NODE},"type":"Identifiable"}}`],
    ['a type to come, and none before', `{"state":{${NODE},"identifiedType":"A\\"gent","x":1}}`],
    [
      'a type to come that is no text',
      `{"state":{${NODE},"identifiedType":7,"type":"Identifiable"}}`,
    ],
    ['an ID that stands there', `{"state":{"canonicalId":"old",${NODE},"x":[]}}`],
    ['objects with a type and no identifier', `{"x":{"type":"Identifiable"},"state":{${NODE}}}`],
    ['a name of wrappers before the rest', `{"_index":"w","_id":"y","state":{${NODE}}}`],
    [
      'names of wrappers within',
      `{"x":{"_id":"y"},"_source":{"state":{${NODE}}},"state":{${NODE}}}`,
    ],
    ['names in another order', `{"state":{"a":{${NODE}},${NODE}},"data":[{${NODE}},{${NODE}}]}`],
    ['text that looks like names', `{"state":{"x":"\\"sourceIdentifier\\":","y":"}{][,",${NODE}}}`],
    ['numbers as they were written', `{"n":[1.0,-0,1e400,12345678901234567890],"state":{${NODE}}}`],
    ['other languages', `{"title":"Größe 書籍 😀 \u2028","state":{${NODE}}}`],
    ['empty ones', `{"a":{},"b":[],"c":"","state":{${NODE}},"d":[[],{}]}`],
  ])('stand as in the tree, and nothing else is touched: %s', (_, text) => {
    const { inText, inTree, isSure } = bothWays(text);
    expect(isSure).toBe(true);
    expect(inText).toBe(inTree);
    expect(bothWays(text, 'x').inText).toBe(bothWays(text, 'x').inTree);
  });

  test.each<[what: string, text: string]>([
    [
      'a name that stands twice',
      `{"a":1,"b":{${NODE}},"a":{${NODE.replace('"1"', '"2"')}},"state":{${NODE}}}`,
    ],
    ['a node that is overwritten', `{"b":{${NODE}},"b":1,"state":{${NODE}}}`],
    ['a node that is overwritten by another', `{"b":{${NODE}},"b":{${NODE}},"state":{${NODE}}}`],
    [
      'names that are numbers',
      `{"b":{${NODE}},"10":{${NODE.replace('"1"', '"2"')}},"2":1,"state":{${NODE}}}`,
    ],
    ['a name in escapes', `{"state":{${NODE.replace('source', '\\u0073ource')}},"b":{${NODE}}}`],
    ['a type in escapes', `{"state":{${NODE},"\\u0074ype":"Identifiable"}}`],
    ['a type whose text is in escapes', `{"state":{${NODE},"type":"Identifi\\u0061ble"}}`],
    [
      'a name of the wrapper that stands twice',
      `{"_id":"x","_id":"y","_source":{"state":{${NODE}}}}`,
    ],
    [
      'a document that stands twice',
      `{"_id":"x","_source":{"state":{${NODE}}},"_source":{"state":{${NODE}},"a":1}}`,
    ],
  ])('stand as in the tree where the text is odd: %s', (_, text) => {
    const { inText, inTree, isSure } = bothWays(text);
    expect(isSure).toBe(false);
    expect(JSON.parse(inText)).toEqual(JSON.parse(inTree));
  });

  test('stand in the document of a hit, though it looks like a wrapper', () => {
    const text = `{"_id":"y","_source":{"state":{${NODE}}},"state":{${NODE}}}`;
    const { inText, inTree, isSure } = bothWays(text, 'x');
    expect(isSure).toBe(true);
    expect(inText).toBe(inTree);
  });

  test.each<[what: string, text: string, made: string]>([
    [
      'blanks',
      `\t{ "state" : {\r${NODE} , "type" : "Identifiable" } } `,
      `\t{ "state" : {\r${NODE} , "type" : "Identified" ,"canonicalId":"${IDS[0]}"} } `,
    ],
    [
      'blanks round a type to come',
      `{"state":{ "identifiedType" : "A" , ${NODE} }}`,
      `{"state":{ ${NODE} ,"canonicalId":"${IDS[0]}","type":"A"}}`,
    ],
    [
      'escapes',
      `{"a\\/b":0,"t":"\\u00e9","state":{${NODE}}}`.replace('a\\/b', 'ab'),
      `{"ab":0,"t":"\\u00e9","state":{${NODE},"canonicalId":"${IDS[0]}"}}`,
    ],
    [
      'a wrapper',
      `{"_index":"w","_id":4,"sort":[1.0],"_source":{"state":{${NODE}}},"_score":null}`,
      `{"_id":"${IDS[0]}","sort":[1.0],"_source":{"state":{${NODE},"canonicalId":"${IDS[0]}"}},"_score":null}`,
    ],
    [
      'a wrapper whose index is last',
      `{"_id":"x","_source":{"state":{${NODE}}}, "_index":"w"}`,
      `{"_id":"${IDS[0]}","_source":{"state":{${NODE},"canonicalId":"${IDS[0]}"}}}`,
    ],
  ])('leave %s as they were written', (_, text, made) => {
    expect(bothWays(text).inText).toBe(made);
  });

  const name = fc.oneof(
    fc.constantFrom(
      'type',
      'identifiedType',
      'canonicalId',
      'a',
      '7',
      '__proto__',
      'constructor',
      ''
    ),
    fc.string({ unit: 'binary', maxLength: 3 })
  );
  const leaf = fc.oneof(
    fc.constantFrom(
      '"Identifiable"',
      '"Agent"',
      '1.0',
      '-0',
      'null',
      'true',
      '"\\u0041"',
      '""',
      '"\\\\"'
    ),
    fc.string({ unit: 'binary', maxLength: 5 }).map(text => JSON.stringify(text))
  );
  const blank = fc.constantFrom('', '', '', ' ', '\t\r');
  const { tree } = fc.letrec<{ tree: string }>(tie => ({
    tree: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      leaf,
      fc
        .tuple(blank, fc.array(tie('tree'), { maxLength: 3 }))
        .map(([b, items]) => `[${b}${items.join(`${b},`)}${b}]`),
      fc
        .tuple(
          blank,
          fc.boolean(),
          fc.nat(4),
          fc.array(fc.tuple(name, tie('tree')), { maxLength: 4 })
        )
        .map(([b, isNode, at, pairs]) => {
          const members = pairs.map(([key, value]) => `${JSON.stringify(key)}${b}:${b}${value}`);
          if (isNode) members.splice(at, 0, NODE);
          return `{${b}${members.join(`${b},${b}`)}${b}}`;
        })
    ),
  }));

  const form = fc.constantFrom('bare', 'wrapped', 'hit');

  test('stand as in the tree in every text', () => {
    let inPlace = 0;
    fc.assert(
      fc.property(tree, tree, form, (before, after, form) => {
        const work = `{"before":${before},"state":{${NODE}},"after":${after}}`;
        const text = form === 'wrapped' ? `{"_index":"w","_id":"x","_source":${work}}` : work;
        const { inText, inTree, isSure } = bothWays(text, form === 'hit' ? '"\u2028' : undefined);
        if (isSure) inPlace += 1;
        expect(JSON.parse(inText)).toEqual(JSON.parse(inTree));
        expect(JSON.stringify(readAsWritten(inText)).length).toBe(inTree.length);
      }),
      { numRuns: 3_000 }
    );
    expect(inPlace).toBeGreaterThan(100);
  });
});
