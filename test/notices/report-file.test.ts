import { readFile } from 'node:fs/promises';
import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { openForWriting } from '../../src/documents/files.ts';
import { WaitingFile } from '../../src/documents/waiting-file.ts';
import { IdMinterError } from '../../src/domain/errors.ts';
import type { ReportHead } from '../../src/notices/report-file.ts';
import { ReportFile } from '../../src/notices/report-file.ts';
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
  report: 'report.json',
};

async function openReport(folder: TemporaryFolder, name = 'report.json'): Promise<ReportFile> {
  const target = await openForWriting(folder.path(name), new PassThrough());
  return new ReportFile(target, () => new WaitingFile());
}

const readReport = async (folder: TemporaryFolder) =>
  JSON.parse(await readFile(folder.path('report.json'), 'utf8'));

describe('the report of a run', () => {
  test('holds the counts first, then every list, each in its order', async () => {
    await using folder = await temporaryFolder();
    const report = await openReport(folder);
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
    await report.complete(HEAD);
    await report.close();

    const { report: _, ...head } = HEAD;
    const told = await readReport(folder);
    expect(told).toStrictEqual({
      ...head,
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
    });
    expect(Object.keys(told).slice(-4)).toEqual(['successful_ids', 'errors', 'outcomes', 'warned']);
    expect(await folder.list()).toEqual(['report.json']);
  });

  test('of a run without works is whole too', async () => {
    await using folder = await temporaryFolder();
    const report = await openReport(folder);
    await report.complete(HEAD);
    await report.close();
    expect(await readReport(folder)).toMatchObject({
      ...{ successful_ids: [], errors: [], outcomes: [], warned: [] },
    });
  });

  test('holds 10,000 failures as it holds one, and writes it piece by piece', async () => {
    await using folder = await temporaryFolder();
    const target = await openForWriting(folder.path('report.json'), new PassThrough());
    let longest = 0;
    const write = target.write.bind(target);
    target.write = text => {
      longest = Math.max(longest, text.length);
      return write(text);
    };
    const report = new ReportFile(target, () => new WaitingFile());
    const ids = someIds(10_000);
    for (const [number, canonicalId] of ids.entries()) {
      await report.failed({
        ...{ row_id: `Work[a/${number}]`, stage: 'embed', code: 'INVALID_IDENTIFIER' },
        detail: `line ${number}: ${'x'.repeat(500)}`,
      });
      await report.succeeded([canonicalId]);
    }
    await report.complete(HEAD);
    await report.close();
    const told = await readReport(folder);
    expect(told.successful_ids).toEqual(ids);
    expect(told.errors.map(({ row_id }: { row_id: string }) => row_id)).toEqual(
      ids.map((_, number) => `Work[a/${number}]`)
    );
    expect(longest).toBeLessThan(1_000);
  });

  test('that is never completed leaves nothing behind', async () => {
    await using folder = await temporaryFolder();
    const report = await openReport(folder);
    await report.succeeded(someIds(20_000));
    await report.close();
    expect(await folder.list()).toEqual([]);
  });

  test('that cannot be written is an error, and what stood under its name stays', async () => {
    await using folder = await temporaryFolder();
    await folder.write('report.json', 'old');
    const target = await openForWriting(folder.path('report.json'), new PassThrough());
    target.write = async () => {
      throw new IdMinterError('TARGET_FAILED', 'The disk is full.');
    };
    const report = new ReportFile(target, () => new WaitingFile());
    await expect(report.complete(HEAD)).rejects.toMatchObject({ code: 'TARGET_FAILED' });
    await report.close();
    expect(await folder.list()).toEqual(['report.json']);
    expect(await readFile(folder.path('report.json'), 'utf8')).toBe('old');
  });
});
