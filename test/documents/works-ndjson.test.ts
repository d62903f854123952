import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { openForWriting } from '../../src/documents/files.ts';
import { readWorks, writeWorks } from '../../src/documents/works-ndjson.ts';
import type { MintedWork } from '../../src/domain/documents.ts';
import type { IdentifiedWork } from '../../src/domain/identified-work.ts';
import { isIdentified } from '../../src/domain/identified-work.ts';
import { workOf } from '../cli/works.ts';
import { allOf, bytesOf } from '../support/byte-streams.ts';
import { id, sierra } from '../support/identifiers.ts';

const WORK = JSON.stringify(workOf(sierra('b1')));

const textOf = ({ kept }: IdentifiedWork) =>
  'text' in kept ? Buffer.from(kept.text.json).toString() : undefined;

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
    const [one, two] = [workOf(sierra('b1')), workOf(sierra('b2'))];
    const lines = [
      one,
      { _id: 'x', _source: two, _index: 'works', extra: [1] },
      { ...one, _source: two },
      { ...one, _id: 'y' },
      { _id: 4, _source: two },
      { _id: 'z', _source: null },
      [{ _id: 'z', _source: two }],
      null,
    ];
    const texts = lines.map(line => JSON.stringify(line));
    const works = await worksIn(texts.map(line => `${line}\n`).join(''));
    const kept = works.map(work => (isIdentified(work) ? textOf(work) : work.fault.stage));
    expect(kept).toEqual([...texts.slice(0, 5), 'extract_id', 'extract_id', 'extract_id']);
    expect(works).toMatchObject([
      { place: 'line 1', extracted: { root: sierra('b1') } },
      { place: 'line 2', id: 'x', extracted: { root: sierra('b2') } },
      { place: 'line 3', extracted: { root: sierra('b1') } },
      { place: 'line 4', extracted: { root: sierra('b1') } },
      { place: 'line 5', extracted: { root: sierra('b2') } },
      { place: 'line 6', id: 'z', row: 'z' },
      { place: 'line 7', row: 'line 7' },
      { place: 'line 8', row: 'line 8' },
    ]);
    expect(works.map(({ id }) => id)).toEqual([undefined, 'x', ...Array(3), 'z', ...Array(2)]);
  });

  test('names lines that cannot be read, and goes on', async () => {
    const works = await worksIn(
      Buffer.concat([
        Buffer.from(`\ufeff${WORK}\r\n\r\n{"a":\n{"b":"`),
        Buffer.from([0xe4]),
        Buffer.from(`"}\n${WORK}`),
      ])
    );
    const notJson = (column: number) => ({
      ...{ stage: 'read', error: { code: 'INVALID_JSON', details: { column } } },
    });
    expect(works).toMatchObject([
      { place: 'line 1', extracted: {} },
      { place: 'line 3', fault: notJson(6) },
      { place: 'line 4', fault: notJson(7) },
      { place: 'line 5', extracted: {} },
    ]);
  });

  test('passes a line of 50 MB over, and goes on', async () => {
    const works = await worksIn(`{"a":"${'x'.repeat(50_000_000)}"}\n${WORK}\n`);
    expect(works).toMatchObject([
      {
        place: 'line 1',
        fault: {
          error: {
            code: 'LINE_TOO_LONG',
            message: expect.stringContaining('line 1 is longer than'),
          },
        },
      },
      { place: 'line 2', extracted: {} },
    ]);
  });

  test('refuses a wrapper that is nested too deep to be written again', async () => {
    const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;
    expect(await worksIn(`{"_id":"x","sort":${deep},"_source":${WORK}}\n${WORK}\n`)).toMatchObject([
      { place: 'line 1', fault: { stage: 'read', error: { code: 'TOO_DEEP' } } },
      { place: 'line 2', extracted: {} },
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
        { place: 'line 2', canonicalId, content: { json, document: json } },
      ])
    ).toBe('{"title":"line\u2028end\\n","size":1.0,"half":"\\ud800"}\n{ "title" : 1.0 }\n');
  });

  test('writes nothing for no works', async () => {
    expect(await written([])).toBe('');
  });
});
