import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { generateWorks } from '../../scripts/works-generator.ts';
import { LINE_BYTES_MAX } from '../../src/documents/lines.ts';
import { readWorks } from '../../src/documents/works-ndjson.ts';
import { readWorksOnAThread } from '../../src/documents/works-on-a-thread.ts';
import type { Identified } from '../../src/domain/identified-work.ts';
import { identify } from '../../src/domain/identified-work.ts';
import { bytesOf, chunksOf } from '../support/byte-streams.ts';

const OPTIONS = { identifiersPerWork: 20, knownShare: 0.5, predecessorShare: 0.2 };

/** More than is read before a thread starts, and the last of it when the thread has long been there. */
const GOOD = [...generateWorks({ works: 2_500, ...OPTIONS })].map(work => JSON.stringify(work));

/** Lines that are no works with identifiers, each for another reason. */
const ODD = [
  '{"_id": "x", "_source": {"state": {}}}',
  '{"state": {"sourceIdentifier": {"ontologyType": "Work", "identifierType": {"id": "s"}, "value": 12345678901234567890}}}',
  '{"state": {"sourceIdentifier": {"ontologyType": "Work", "identifierType": {"id": "s"}, "value": "b\u{1F4DA}\u2028"}}}',
  '{"not": "closed"',
  '[1, 2.0]',
  'null',
  '',
  '  ',
  '\u00ff',
];

function worksOf(lines: readonly string[]): Buffer {
  const odd = ODD.map((line, index) =>
    Buffer.from(line, index === ODD.length - 1 ? 'latin1' : 'utf8')
  );
  const parts: Buffer[] = [];
  for (const [index, line] of lines.entries()) {
    parts.push(Buffer.from(line), Buffer.from(index % 3 === 0 ? '\r\n' : '\n'));
    if (index % 250 === 0) parts.push(...odd.flatMap(each => [each, Buffer.from('\n')]));
  }
  return Buffer.concat(parts);
}

async function readAll(works: AsyncIterable<Identified>): Promise<Identified[]> {
  const all: Identified[] = [];
  // Slowly, as a run that mints: the thread is ready before the lines are at their end.
  for await (const work of works) {
    if (all.length % 100 === 0) await new Promise(resolve => setTimeout(resolve, 5));
    all.push(work);
  }
  return all;
}

async function readPlainly(bytes: Buffer): Promise<Identified[]> {
  const all: Identified[] = [];
  for await (const work of readWorks(bytesOf(bytes)).works()) all.push(identify(work));
  return all;
}

/** How many groups of lines the thread is asked for. */
function watchThread() {
  return vi.spyOn(Worker.prototype, 'postMessage');
}

describe('works that are read on a thread', () => {
  afterEach(() => vi.restoreAllMocks());

  test('are those that are read without, the faulty ones among them', async () => {
    const asked = watchThread();
    const bytes = worksOf(GOOD);
    const source = readWorksOnAThread(bytesOf(bytes), 2);
    const works = await readAll(source.works());
    expect(works).toEqual(await readPlainly(bytes));
    expect(works.filter(work => 'fault' in work).length).toBeGreaterThan(50);
    expect(source.reading?.().items).toBe(works.length);
    expect(asked.mock.calls.length).toBeGreaterThan(5);
  });

  test('hold lines that are too long, and groups of one large line', async () => {
    const asked = watchThread();
    const large = (GOOD[0] ?? '').replace('{', `{"large":"${'x'.repeat(1024 * 1024)}",`);
    const lines = [...GOOD, large, 'x'.repeat(LINE_BYTES_MAX + 1), large];
    const bytes = Buffer.from(lines.join('\n'));
    const works = await readAll(readWorksOnAThread(bytesOf(bytes), 2).works());
    expect(works.slice(-3)).toEqual((await readPlainly(bytes)).slice(-3));
    expect(works.at(-2)).toMatchObject({ fault: { error: { code: 'LINE_TOO_LONG' } } });
    expect(asked.mock.calls.length).toBeGreaterThan(5);
  });

  test('stand in little memory there, whatever a line becomes', async () => {
    const asked = watchThread();
    const most = 256 * 1024 - 1;
    const worst = [
      `[${'{},'.repeat(most / 3 - 1)}{}]`,
      `[${'[],'.repeat(most / 3 - 1)}[]]`,
      `${'['.repeat(most / 2)}${']'.repeat(most / 2)}`,
      `{${Array.from({ length: most / 12 }, (_, index) => `"${index}":{}`).join(',')}}`,
      `[${'0.1,'.repeat(most / 4 - 1)}1]`,
      `{"state":{"sourceIdentifier":[${'{"ontologyType":{}},'.repeat(most / 20 - 3)}{}]}}`,
    ];
    for (const line of worst) expect(line.length).toBeLessThanOrEqual(most + 1);
    const lines = GOOD.flatMap((line, index) =>
      index > 1_800 && index % 10 === 0 ? [line, worst[(index / 10) % worst.length] ?? ''] : [line]
    );
    const bytes = Buffer.from(lines.join('\n'));
    const works = await readAll(readWorksOnAThread(bytesOf(bytes), 2).works());
    expect(works).toEqual(await readPlainly(bytes));
    expect(asked.mock.calls.length).toBeGreaterThan(5);
  });

  test('come before the failure of what holds them', async () => {
    const ends = new Error('The disk is gone.');
    const source = { ...bytesOf(''), chunks: chunksOf([GOOD.join('\n')], ends) };
    const works: Identified[] = [];
    const reading = (async () => {
      for await (const work of readWorksOnAThread(source, 2).works()) works.push(work);
    })();
    await expect(reading).rejects.toBe(ends);
    expect(works.length).toBe(GOOD.length - 1);
  });

  test('are read all the same where the thread dies', async () => {
    const asked = watchThread().mockImplementation(function (this: Worker) {
      this.emit('error', new Error('out of memory'));
    });
    const bytes = worksOf(GOOD);
    const works = await readAll(readWorksOnAThread(bytesOf(bytes), 2).works());
    expect(works).toEqual(await readPlainly(bytes));
    expect(asked).toHaveBeenCalledOnce();
  });

  test('need no thread where they are few, and have none where there is one core', async () => {
    const asked = watchThread();
    const few = worksOf(GOOD.slice(0, 100));
    expect(await readAll(readWorksOnAThread(bytesOf(few), 2).works())).toEqual(
      await readPlainly(few)
    );
    await readAll(readWorksOnAThread(bytesOf(worksOf(GOOD)), 1).works());
    expect(asked).not.toHaveBeenCalled();
  });

  test('end with whoever reads them, and the thread with them', async () => {
    const ended = vi.spyOn(Worker.prototype, 'terminate');
    let count = 0;
    for await (const _ of readWorksOnAThread(bytesOf(worksOf(GOOD)), 2).works()) {
      count += 1;
      if (count === 2_000) break;
    }
    expect(ended).toHaveBeenCalledOnce();
  });
});
