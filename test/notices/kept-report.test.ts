import { readFile } from 'node:fs/promises';
import { PassThrough } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { WaitingFile } from '../../src/documents/waiting-file.ts';
import { IdMinterError } from '../../src/domain/errors.ts';
import type { ReportHead, ReportPlace } from '../../src/domain/notices.ts';
import { KeptReport } from '../../src/notices/kept-report.ts';
import { openReportFile } from '../../src/runtime/open-notices.ts';
import { id, sierra, someIds } from '../support/identifiers.ts';
import type { TemporaryFolder } from '../support/temporary-folder.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const HEAD: ReportHead = {
  job_id: 'job-1',
  window: null,
  pipeline_date: null,
  dry_run: false,
  works: { succeeded: 1, failed: 2 },
  identifiers: { existing: 1, inherited: 2, minted: 3 },
  warnings: { EMPTY_VALUE: 1 },
  elapsed_ms: 12,
};

const NEVER = new AbortController().signal;

const openReport = (): KeptReport => new KeptReport(() => new WaitingFile());

const openFile = (folder: TemporaryFolder): Promise<ReportPlace & AsyncDisposable> =>
  openReportFile(folder.path('report.json'), { stdout: new PassThrough() });

/** Whatever flags this process was started with. */
function garbageCollection(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc');
}

/** Writes it into a file, as a run does at its end. */
async function write(report: KeptReport, folder: TemporaryFolder): Promise<void> {
  await using file = await openFile(folder);
  await file.write(report.texts(HEAD), NEVER);
}

const readReport = async (folder: TemporaryFolder) =>
  JSON.parse(await readFile(folder.path('report.json'), 'utf8'));

describe('the report of a run', () => {
  test('holds the counts first, then every list, each in its order', async () => {
    await using folder = await temporaryFolder();
    const report = openReport();
    const warning = { code: 'EMPTY_VALUE', message: 'Empty.', details: { n: 1 } } as const;
    const error = new IdMinterError('PREDECESSOR_NOT_FOUND', 'None "there"\n.', { secret: 'kept' });
    const failure = { row_id: 'Work[a/b]', stage: 'mint', code: error.code, detail: 'x' } as const;

    await report.answered({ source: sierra('b1'), canonicalId: id('a2345678'), outcome: 'minted' });
    await report.failed(failure);
    await report.succeeded([id('a2345678'), id('b2345678')]);
    await report.warned(warning);
    await report.answered({ source: sierra('b2'), error });
    await report.answered({
      ...{ source: sierra(''), canonicalId: id('c2345678'), outcome: 'existing', warning },
    });
    await report.succeeded([id('c2345678')]);
    await report.unconfirmed([id('b2345678')]);
    await report.unannounced(id('a2345678'));
    await write(report, folder);
    await report.close();

    const told = await readReport(folder);
    expect(told).toStrictEqual({
      ...HEAD,
      successful_ids: ['a2345678', 'b2345678', 'c2345678'],
      errors: [failure],
      outcomes: [
        { source: 'Work[sierra-system-number/b1]', canonicalId: 'a2345678', outcome: 'minted' },
        {
          source: 'Work[sierra-system-number/b2]',
          error: { code: 'PREDECESSOR_NOT_FOUND', message: 'None "there"\n.' },
        },
        {
          ...{ source: 'Work[sierra-system-number/]', canonicalId: 'c2345678' },
          ...{ outcome: 'existing', warning },
        },
      ],
      warned: [warning],
      unannounced_ids: ['b2345678', 'a2345678'],
    });
    expect(Object.keys(told).slice(-5)).toEqual([
      ...['successful_ids', 'errors', 'outcomes', 'warned', 'unannounced_ids'],
    ]);
    expect(await folder.list()).toEqual(['report.json']);
  });

  test('of a run without works is whole too', async () => {
    await using folder = await temporaryFolder();
    const report = openReport();
    await write(report, folder);
    await report.close();
    expect(await readReport(folder)).toMatchObject({
      ...{ successful_ids: [], errors: [], outcomes: [], warned: [], unannounced_ids: [] },
    });
  });

  test('holds 10,000 failures as it holds one, and writes it piece by piece', async () => {
    await using folder = await temporaryFolder();
    const report = openReport();
    const ids = someIds(10_000);
    for (const [number, canonicalId] of ids.entries()) {
      await report.failed({
        ...{ row_id: `Work[a/${number}]`, stage: 'embed', code: 'INVALID_IDENTIFIER' },
        detail: `line ${number}: ${'x'.repeat(500)}`,
      });
      await report.succeeded([canonicalId]);
    }
    let longest = 0;
    for await (const text of report.texts(HEAD)) longest = Math.max(longest, text.length);
    await write(report, folder);
    await report.close();
    const told = await readReport(folder);
    expect(told.successful_ids).toEqual(ids);
    expect(told.errors.map(({ row_id }: { row_id: string }) => row_id)).toEqual(
      ids.map((_, number) => `Work[a/${number}]`)
    );
    expect(longest).toBeLessThan(100_000);
  });

  test('of 1,000,000 documents takes no more memory than one of a few', async () => {
    const [collect, report] = [garbageCollection(), openReport()];
    await report.succeeded(someIds(1_000));
    collect();
    const before = process.memoryUsage().heapUsed;
    for (let thousand = 0; thousand < 1_000; thousand += 1) {
      await report.succeeded(
        Array.from({ length: 1_000 }, (_, one) => id(`a${thousand * 1_000 + one}`.padEnd(8, 'b')))
      );
    }
    let [most, characters] = [0, 0];
    for await (const text of report.texts(HEAD)) {
      characters += text.length;
      collect();
      most = Math.max(most, process.memoryUsage().heapUsed);
    }
    await report.close();

    expect(characters).toBeGreaterThan(15_000_000);
    // The IDs alone would take over 30 MB.
    expect((most - before) / 1024 / 1024).toBeLessThan(8);
  }, 300_000);

  test('can be read again, with what came to be known since', async () => {
    const report = openReport();
    const read = async () => JSON.parse((await Array.fromAsync(report.texts(HEAD))).join(''));
    await report.succeeded(someIds(2));
    const first = await read();
    for (const missed of someIds(2)) await report.unannounced(missed);

    expect(await read()).toEqual({ ...first, unannounced_ids: someIds(2) });
    expect(await Array.fromAsync(report.succeededIds())).toEqual(someIds(2));
    await report.close();
  });

  test('that is never written leaves nothing behind', async () => {
    await using folder = await temporaryFolder();
    const report = openReport();
    await report.succeeded(someIds(20_000));
    await report.close();
    await (await openFile(folder))[Symbol.asyncDispose]();
    expect(await folder.list()).toEqual([]);
  });

  test('that breaks off in its midst is an error, and what stood under its name stays', async () => {
    await using folder = await temporaryFolder();
    await folder.write('report.json', 'old');
    const file = await openFile(folder);
    async function* breakOff() {
      yield '{"job_id"';
      throw new IdMinterError('TARGET_FAILED', 'The disk is full.');
    }
    await expect(file.write(breakOff(), NEVER)).rejects.toMatchObject({ code: 'TARGET_FAILED' });
    await file[Symbol.asyncDispose]();
    expect(await folder.list()).toEqual(['report.json']);
    expect(await readFile(folder.path('report.json'), 'utf8')).toBe('old');
  });
});
