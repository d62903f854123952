import { execFileSync } from 'node:child_process';
import { openSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import type { Desk } from '../support/command-line.ts';
import { openDesk } from '../support/command-line.ts';
import { folio, sierra } from '../support/identifiers.ts';
import { writeLargeExport } from './large-exports.ts';
import type { Minted } from './works.ts';
import { fromLines, toLines, workOf } from './works.ts';

/** Full disks are made by mounting small ones, which only an administrator of Linux can. */
const whyNoDisk =
  process.platform !== 'linux' || process.getuid?.() !== 0 ? 'they need root on Linux' : undefined;
if (whyNoDisk !== undefined) {
  const what = 'The tests of full disks are not part of this run';
  if (process.env['CI'] === 'true') throw new Error(`CI=true, and ${what}: ${whyNoDisk}.`);
  console.warn(`${what}: ${whyNoDisk}.`);
}

const WORKS = Array.from({ length: 3_000 }, (_, index) => workOf(sierra(`b${index}`)));
const MINT = ['mint', 'works.ndjson'];

/** A disk of 200 KB at `disk` in the desk's folder; disposal takes it away. */
async function mountSmallDisk(desk: Desk): Promise<AsyncDisposable> {
  const path = desk.path('disk');
  await mkdir(path);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=200k', 'tmpfs', path]);
  return {
    async [Symbol.asyncDispose]() {
      execFileSync('umount', ['-l', path]);
    },
  };
}

async function expectNothingOn(desk: Desk): Promise<void> {
  expect(await readdir(desk.path('disk'))).toEqual([]);
  expect(await desk.leftovers()).toEqual([]);
}

describe.each(whyNoDisk === undefined ? ['a full disk'] : [])('%s', () => {
  test.each([
    ['the works', [...MINT, '--target', 'disk/out.ndjson']],
    ['packed works', [...MINT, '--target', 'disk/out.ndjson.gz']],
    ['the report', [...MINT, '--target', 'out.ndjson', '--report', 'disk/report.json']],
    ['answers', ['assign', '--source', 'ids.ndjson', '--target', 'disk/answers.ndjson']],
  ])(
    'under %s ends with 4, leaves nothing behind, and every ID in the registry',
    async (_, args) => {
      await using desk = await openDesk();
      await using _disk = await mountSmallDisk(desk);
      // Gzip makes works that are alike very small.
      const works = WORKS.map((work, index) => ({ ...work, noise: noise(index) }));
      await desk.write('works.ndjson', toLines(works));
      const ids = WORKS.map((_work, index) => ({ source: `Work[sierra-system-number/b${index}]` }));
      await desk.write('ids.ndjson', toLines(ids));

      const { status, stdout, stderr } = await desk.run(args);

      expect({ status, stdout }).toEqual({ status: 4, stdout: '' });
      const errors = stderr.split('\n').filter(line => line.startsWith('error'));
      expect(errors).toEqual([
        expect.stringMatching(/^error TARGET_FAILED: Writing disk\/.* failed: the disk is full\./),
      ]);
      await expectNothingOn(desk);
      const again = await desk.run([...MINT, '--target', 'out.ndjson']);
      expect(again.status).toBe(0);
      expect(again.stderr).not.toContain('Identifiers: 0 existing');
    }
  );

  test.each([
    [
      'the works that wait',
      (value: string) => workOf(folio(value), { predecessor: sierra('404') }),
      [],
    ],
    [
      'the lists of the report',
      (value: string) => workOf(sierra(value)),
      ['--report', 'report.json'],
    ],
  ])('under %s ends with 4 and leaves nothing behind', async (_, make, flags) => {
    await using desk = await openDesk();
    await using _disk = await mountSmallDisk(desk);
    await desk.write('works.ndjson', toLines(WORKS.map((_work, index) => make(`b${index}`))));

    const { status, stderr } = await desk.run([...MINT, '--target', 'out.ndjson', ...flags], {
      environment: { TMPDIR: desk.path('disk') },
    });

    expect(status).toBe(4);
    expect(stderr).toMatch(/^error TARGET_FAILED: Writing a temporary file in .*disk is full/m);
    await expectNothingOn(desk);
    expect(await desk.list()).toEqual(['disk', 'id-minter.sqlite', 'works.ndjson']);
  });

  test('under the tables in which an export is verified ends with 4, and leaves nothing behind', async () => {
    await using desk = await openDesk();
    await using _disk = await mountSmallDisk(desk);
    const folder = await writeLargeExport(desk, 400_000);

    const { status, stdout, stderr } = await desk.run(['export', 'verify', folder], {
      environment: { TMPDIR: desk.path('disk') },
    });

    expect({ status, stdout }).toEqual({ status: 4, stdout: '' });
    expect(stderr).toMatch(/^error TARGET_FAILED: The temporary tables .*disk is full.* TMPDIR/m);
    await expectNothingOn(desk);
  });

  test('under a SQLite registry ends with 4; what was answered is in it, and it goes on when there is room', async () => {
    await using desk = await openDesk();
    await using _disk = await mountSmallDisk(desk);
    await desk.write('works.ndjson', toLines(WORKS));
    const args = [...MINT, '--target', 'out.ndjson', '--registry', 'sqlite:disk/ids.sqlite'];
    await desk.run(['pool', 'top-up', '--target', '500', ...args.slice(-2)]);

    const { status, stderr } = await desk.run(args);

    expect(status).toBe(4);
    expect(stderr).toMatch(/^error REGISTRY_UNAVAILABLE: [^\n]*disk of disk\/ids\.sqlite is full/m);
    expect(await desk.list()).toEqual(['disk', 'works.ndjson']);
    execFileSync('mount', ['-o', 'remount,size=10m', desk.path('disk')]);
    expect((await desk.run(args)).status).toBe(0);
    const minted = fromLines<Minted>(await desk.read('out.ndjson'));
    expect(new Set(minted.map(work => work.state.canonicalId)).size).toBe(WORKS.length);
  });
});

// A device that is always full; other systems have none.
describe.each(process.platform === 'linux' ? ['/dev/full'] : [])(
  'standard output to %s',
  device => {
    test.each([
      ['works', MINT],
      ['one answer', ['assign', 'Work[s/1]']],
      ['a document', ['pool', '--json']],
    ])('ends %s with 4 in one line', async (_, args) => {
      await using desk = await openDesk();
      await desk.write('works.ndjson', toLines(WORKS));
      await desk.run(['migrate']);
      const { status, stderr } = await desk.run(args, { output: openSync(device, 'w') });
      expect(status).toBe(4);
      expect(stderr.split('\n').filter(line => !line.startsWith('Registry: '))).toEqual([
        expect.stringMatching(
          /^error TARGET_FAILED: Writing standard output failed: the disk is full\. .* in the registry\. What came before was written\./
        ),
        '',
      ]);
      await rm(desk.path('works.ndjson'));
    });
  }
);

/** Text that cannot be packed well, the same each time. */
function noise(seed: number): string {
  let state = seed + 1;
  return Array.from({ length: 40 }, () => {
    state = (state * 48_271) % 2_147_483_647;
    return state.toString(36);
  }).join('');
}
