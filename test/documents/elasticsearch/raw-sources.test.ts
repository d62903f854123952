import { describe, expect, test } from 'vitest';
import type { RawSource } from '../../../src/documents/elasticsearch/raw-sources.ts';
import { parseAnswer } from '../../../src/documents/elasticsearch/raw-sources.ts';
import { NODE_LENGTH, scanWork } from '../../../src/domain/work-scan.ts';

const answerOf = (...hits: readonly string[]) =>
  `{"took":1,"_source":{"no":1},"hits":{"total":{"value":2},"hits":[${hits.join(' , ')}]},"pit_id":"p"}`;

interface Answer {
  readonly hits: { readonly hits: readonly { _source?: RawSource }[] };
}
const parse = (text: string) => parseAnswer(Buffer.from(text));
const sourcesIn = (text: string) =>
  (parse(text) as Answer).hits.hits.map(({ _source }) => _source && textOf(_source.json));
const textOf = (json: Uint8Array) => new TextDecoder().decode(json);

describe('an answer of Elasticsearch', () => {
  test.each([
    ['numbers', '{"a":12345678901234567890,"b":[1.0,-0,1e400]}'],
    ['brackets and quotes in strings', '{"a":"}],\\"{\\\\","b":{"_source":{"hits":[1]}}}'],
    ['what is no object', '[1,"two",null]'],
    ['nothing at all', '{}'],
    ['spaces', '{ "a" :\t[ 1 , 2 ] }'],
  ])('keeps the text of a document: %s', (_, source) => {
    const text = answerOf(
      `{"_id":"1","_source":${source},"sort":[7]}`,
      `{"_id":"2","sort":[8]}`,
      `{"_source" : ${source} ,"_id":"3"}`
    );
    expect(sourcesIn(text)).toEqual([source, undefined, source]);
    expect(parse(text)).toMatchObject({
      _source: { no: 1 },
      pit_id: 'p',
      hits: { total: { value: 2 }, hits: [{ _id: '1', sort: [7] }, { sort: [8] }, { _id: '3' }] },
    });
  });

  test('says of a document what the walk over it alone would find, if it is sure of it', () => {
    const node =
      '"sourceIdentifier":{"identifierType":{"id":"s"},"ontologyType":"Work","value":"1"}';
    const sources = [
      `{ "a" : 1, "state":{${node}}} `,
      `{"items":[{${node}},{${node}}]}`,
      '{"a":1,"a":2}',
    ];
    const text = answerOf(...sources.map(source => `{"_id":"1","_source":${source},"sort":[7]}`));
    const found = (parse(text) as Answer).hits.hits.map(({ _source }) => _source);
    expect(found.map(source => source && textOf(source.json))).toEqual(
      sources.map(source => source.trim())
    );
    expect(found.map(source => source?.scanned)).toEqual(
      sources.map(source => scanWork(Buffer.from(source.trim())))
    );
    expect(found.map(source => source?.scanned?.nodes.length)).toEqual([
      NODE_LENGTH,
      2 * NODE_LENGTH,
      undefined,
    ]);
  });

  test('puts a document of several lines on one', () => {
    expect(sourcesIn(answerOf('{"_id":"1","_source":{\n"a":\r\n"b\\n"}}'))).toEqual([
      '{ "a":  "b\\n"}',
    ]);
  });

  test.each([
    '{"took":1,"errors":false}',
    'null',
    '[1]',
    '"text"',
    '{"hits":3}',
    '{"hits":{"hits":{}}}',
  ])('is as it is where it has no hits: %s', text => {
    expect(parse(text)).toEqual(JSON.parse(text));
  });

  test('is refused wherever it breaks off', () => {
    const text = answerOf('{"_id":"1","_source":{"a":"b\\"c","d":[1,{"e":null}]},"sort":[7]}');
    for (let length = 0; length < text.length; length += 1) {
      expect(() => parse(text.slice(0, length)), text.slice(0, length)).toThrow(SyntaxError);
    }
  });
});
