import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { openForWriting } from '../../src/documents/files.ts';
import { readWorks, writeWorks } from '../../src/documents/works-ndjson.ts';
import type { MintedWork } from '../../src/domain/documents.ts';
import { allOf, bytesOf } from '../support/byte-streams.ts';
import { id } from '../support/identifiers.ts';

const worksIn = (content: string | Uint8Array) => allOf(readWorks(bytesOf(content)).works());

async function written(works: readonly MintedWork[]): Promise<string> {
  const out = new PassThrough();
  const target = writeWorks(await openForWriting('-', out));
  expect(await target.write(works)).toEqual(new Map());
  await target.complete();
  out.end();
  return await text(out);
}

describe('reading works as NDJSON', () => {
  test('takes a line for the bare document, or for its wrapper where both members are there', async () => {
    const lines = [
      { state: 1 },
      { _id: 'x', _source: { state: 2 }, _index: 'works', extra: [1] },
      { _source: { state: 3 } },
      { _id: 'y' },
      [{ _id: 'z', _source: {} }],
      null,
      { _id: 4, _source: null },
    ];
    const texts = lines.map(line => JSON.stringify(line));
    const works = await worksIn(texts.map(line => `${line}\n`).join(''));
    const kept = works.map(work => Buffer.from((work.error ? undefined : work.json) ?? []));
    expect(kept.map(String)).toEqual(texts);
    expect(works.map(work => ({ ...work, json: undefined }))).toEqual([
      { place: 'line 1', document: { state: 1 } },
      {
        place: 'line 2',
        document: { state: 2 },
        wrapper: { _id: 'x', _index: 'works', extra: [1] },
      },
      { place: 'line 3', document: { _source: { state: 3 } } },
      { place: 'line 4', document: { _id: 'y' } },
      { place: 'line 5', document: [{ _id: 'z', _source: {} }] },
      { place: 'line 6', document: null },
      { place: 'line 7', document: null, wrapper: { _id: 4 } },
    ]);
  });

  test('names lines that cannot be read, and goes on', async () => {
    const works = await worksIn(
      Buffer.concat([
        Buffer.from('\ufeff{"a":1}\r\n\r\n{"a":\n{"b":"'),
        Buffer.from([0xe4]),
        Buffer.from('"}\n{"c":3}'),
      ])
    );
    expect(works).toMatchObject([
      { place: 'line 1', document: { a: 1 } },
      { place: 'line 3', error: { code: 'INVALID_JSON', details: { column: 6 } } },
      { place: 'line 4', error: { code: 'INVALID_JSON', details: { column: 7 } } },
      { place: 'line 5', document: { c: 3 } },
    ]);
  });

  test('passes a line of 50 MB over, and goes on', async () => {
    const works = await worksIn(`{"a":"${'x'.repeat(50_000_000)}"}\n{"b":2}\n`);
    expect(works).toMatchObject([
      {
        place: 'line 1',
        error: { code: 'LINE_TOO_LONG', message: expect.stringContaining('line 1 is longer than') },
      },
      { place: 'line 2', document: { b: 2 } },
    ]);
  });

  test('refuses a wrapper that is nested too deep to be written again', async () => {
    const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;
    expect(await worksIn(`{"_id":"x","sort":${deep},"_source":{}}\n{"b":2}\n`)).toMatchObject([
      { place: 'line 1', error: { code: 'TOO_DEEP' } },
      { place: 'line 2', document: { b: 2 } },
    ]);
  });

  test('reads nothing ahead, and closes what it reads from when it is left early', async () => {
    const bytes = bytesOf('{"a":1}\n{"a":2}\n{"a":3}\n', 8);
    for await (const { place } of readWorks(bytes).works()) {
      expect(bytes.isOver).toBe(false);
      if (place === 'line 2') break;
    }
    expect(bytes.isOver).toBe(true);
  });
});

describe('writing works as NDJSON', () => {
  const canonicalId = id('a2345678');
  const document = { title: 'line\u2028end\n', size: JSON.rawJSON('1.0'), half: '\ud800' };

  test('takes them as text and as what JSON.stringify makes one of, one a line', async () => {
    const json = Buffer.from('{ "title" : 1.0 }');
    expect(
      await written([
        { place: 'line 1', canonicalId, content: { value: document } },
        { place: 'line 2', canonicalId, content: { json } },
      ])
    ).toBe('{"title":"line\u2028end\\n","size":1.0,"half":"\\ud800"}\n{ "title" : 1.0 }\n');
  });

  test('writes nothing for no works', async () => {
    expect(await written([])).toBe('');
  });
});
