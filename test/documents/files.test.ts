import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, readlink, rm, stat, symlink } from 'node:fs/promises';
import { PassThrough, Readable, Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { TextTarget } from '../../src/documents/files.ts';
import { openForReading, openForWriting } from '../../src/documents/files.ts';
import { allOf } from '../support/byte-streams.ts';
import type { TemporaryFolder } from '../support/temporary-folder.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

let folder: TemporaryFolder;
const warnings: Error[] = [];
const onWarning = (warning: Error) => warnings.push(warning);

beforeEach(async () => {
  folder = await temporaryFolder();
  warnings.length = 0;
  process.on('warning', onWarning);
});

afterEach(async () => {
  await folder[Symbol.asyncDispose]();
  await nextTurn();
  process.off('warning', onWarning);
  expect(warnings).toEqual([]);
});

const noInput = () => Readable.from([]);
const noOutput = () => new PassThrough();
const read = async (path: string, input: Readable = noInput()) =>
  Buffer.concat(await allOf((await openForReading(path, input)).chunks)).toString('utf8');
const openTarget = (name: string) => openForWriting(folder.path(name), noOutput());

describe('reading', () => {
  test('gives the bytes of a file', async () => {
    const text = 'ä\n'.repeat(100_000);
    expect(await read(await folder.write('a.ndjson', text))).toBe(text);
    expect(await read(await folder.write('empty.ndjson', ''))).toBe('');
  });

  test('unpacks a file that is named .gz, also one of several members', async () => {
    const path = await folder.write('a.gz', Buffer.concat([gzipSync('one\n'), gzipSync('two\n')]));
    expect(await read(path)).toBe('one\ntwo\n');
  });

  test('gives standard input, of texts or bytes', async () => {
    expect(await read('-', Readable.from(['ä\n', Buffer.from('b\n')]))).toBe('ä\nb\n');
  });

  test('names what is not there, before anything else is done', async () => {
    const path = folder.path('missing/works.ndjson');
    await expect(openForReading(path, noInput())).rejects.toMatchObject({
      code: 'SOURCE_UNREADABLE',
      message: `${path} cannot be read: there is no such file or folder. Nothing was read or minted. Correct the path or the file.`,
    });
  });

  test('refuses a folder', async () => {
    await expect(openForReading(folder.path(''), noInput())).rejects.toMatchObject({
      code: 'SOURCE_UNREADABLE',
      message: expect.stringContaining('it is a folder'),
    });
  });

  test('opens nothing before it is read, so that nothing can be left open or fail unheard', async () => {
    const path = await folder.write('broken.gz', 'this is not packed');
    const source = await openForReading(path, noInput());
    await nextTurn();
    await rm(path);
    await expect(allOf(source.chunks)).rejects.toMatchObject({
      code: 'SOURCE_UNREADABLE',
      message: expect.stringContaining('there is no such file'),
    });
  });

  test('tells of a .gz that is none, and of one that is cut off, after what could be read', async () => {
    const none = await folder.write('none.gz', 'this is not packed');
    await expect(read(none)).rejects.toMatchObject({
      code: 'SOURCE_UNREADABLE',
      message: expect.stringContaining(`${none} cannot be read: incorrect header check.`),
    });

    const lines = Array.from({ length: 50_000 }, (_, number) => `{"number":${number}}\n`).join('');
    const packed = gzipSync(lines);
    const cut = await folder.write('cut.gz', packed.subarray(0, packed.length - 100));
    const { chunks } = await openForReading(cut, noInput());
    const got: Buffer[] = [];
    const reading = (async () => {
      for await (const chunk of chunks) got.push(chunk);
    })();
    await expect(reading).rejects.toMatchObject({
      code: 'SOURCE_UNREADABLE',
      message: expect.stringMatching(/unexpected end of file\. What came before is minted\./),
    });
    expect(lines.startsWith(Buffer.concat(got).toString('utf8'))).toBe(true);
    expect(got.length).toBeGreaterThan(0);
  });

  test('tells of standard input that fails in mid-run', async () => {
    const input = new PassThrough();
    input.write('{"a":1}\n');
    const { chunks } = await openForReading('-', input);
    expect((await chunks[Symbol.asyncIterator]().next()).value).toEqual(Buffer.from('{"a":1}\n'));
    input.destroy(new Error('the pipe burst'));
    await expect(allOf(chunks)).rejects.toMatchObject({
      code: 'SOURCE_UNREADABLE',
      message: expect.stringContaining('standard input cannot be read: the pipe burst.'),
    });
  });

  test.each(['works.ndjson', 'works.ndjson.gz'])('closes %s when it is left early', async name => {
    const text = 'x'.repeat(1_000_000);
    const path = await folder.write(
      name,
      name.endsWith('.gz') ? gzipSync(text, { level: 0 }) : text
    );
    const open = await filesOpen(path);
    for await (const chunk of (await openForReading(path, noInput())).chunks) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    await expect.poll(() => filesOpen(path)).toBe(open);
  });

  test('can be closed while it waits for more, and ends quietly', async () => {
    const input = new PassThrough();
    input.write('begun');
    const source = await openForReading('-', input);
    const reading = allOf(source.chunks);
    await nextTurn();
    source.close();
    expect(Buffer.concat(await reading).toString()).toBe('begun');
    expect(input.destroyed).toBe(true);
  });

  test('can be closed before it began, and leaves standard input alone', async () => {
    const input = noInput();
    const source = await openForReading('-', input);
    source.close();
    expect(await allOf(source.chunks)).toEqual([]);
    expect(input.destroyed).toBe(false);
  });
});

describe('writing a file', () => {
  test('gives it its name when it is complete, and not before', async () => {
    const target = await openTarget('out.ndjson');
    await target.write('ä\n');
    await target.write('x'.repeat(100_000));
    expect(await folder.list()).toEqual([
      expect.stringMatching(/^\.out\.ndjson\.[0-9a-f]{8}-\d+-[0-9a-f]{8}\.partial$/),
    ]);
    await target.complete();
    expect(await folder.list()).toEqual(['out.ndjson']);
    expect(await read(folder.path('out.ndjson'))).toBe(`ä\n${'x'.repeat(100_000)}`);
    await target.discard();
    expect(await folder.list()).toEqual(['out.ndjson']);
  });

  test('replaces the one that stood there only when it is complete', async () => {
    await folder.write('out.ndjson', 'old');
    const target = await openTarget('out.ndjson');
    await target.write('new'.repeat(100_000));
    expect(await read(folder.path('out.ndjson'))).toBe('old');
    await target.complete();
    expect(await read(folder.path('out.ndjson'))).toBe('new'.repeat(100_000));
  });

  test('can be taken back, however much was written', async () => {
    await folder.write('out.ndjson', 'old');
    for (const name of ['out.ndjson', 'out.gz']) {
      const target = await openTarget(name);
      await target.write('new'.repeat(100_000));
      await target.discard();
      await target.discard();
    }
    expect(await folder.list()).toEqual(['out.ndjson']);
    expect(await read(folder.path('out.ndjson'))).toBe('old');
  });

  test('removes what killed processes were writing there, and nothing else', async () => {
    const target = await openTarget('out');
    const [ownName = ''] = await folder.list();
    const gone = spawn(process.execPath, ['--version']);
    await once(gone, 'exit');
    const ofProcess = (pid: number | undefined, name = ownName) =>
      name
        .replace(`-${process.pid}-`, `-${pid}-`)
        .replace(/[0-9a-f]{8}\.partial$/, '00000000.partial');
    const orphans = [gone.pid, process.pid].map(pid => ofProcess(pid));
    const others = [
      ofProcess(process.ppid),
      ofProcess(gone.pid, ownName.replace('.out.', '.output.')),
      ofProcess(gone.pid).replace(/[0-9a-f]{8}-/, '00000000-'),
      `${ofProcess(gone.pid)}.mine`,
    ];
    for (const name of [...orphans, ...others]) await folder.write(name, '');
    const second = await openTarget('out');
    await second.write('second');
    await target.write('first');
    await second.complete();
    await target.complete();
    expect(await folder.list()).toEqual([...others, 'out'].sort());
    expect(await read(folder.path('out'))).toBe('first');
  });

  test('can be done with two at a time under one name: the last one complete stands', async () => {
    const [first, second] = [await openTarget('out'), await openTarget('out')];
    await first.write('first');
    await second.write('second');
    await second.complete();
    await first.complete();
    expect(await folder.list()).toEqual(['out']);
    expect(await read(folder.path('out'))).toBe('first');
  });

  test.each([
    ['nothing', []],
    ['little', ['ä\n']],
    ['much', Array.from({ length: 50 }, (_, number) => `${number}`.repeat(20_000))],
  ])('packs %s as one member where it is named .gz', async (_how, texts) => {
    const target = await openTarget('out.ndjson.gz');
    for (const text of texts) await target.write(text);
    await target.complete();
    const packed = await readFile(folder.path('out.ndjson.gz'));
    expect(gunzipSync(packed).toString('utf8')).toBe(texts.join(''));
    // Ten bytes head a member, and the first three of them are always these.
    expect(packed.indexOf(Buffer.from([0x1f, 0x8b, 0x08]), 1)).toBe(-1);
    expect(await read(folder.path('out.ndjson.gz'))).toBe(texts.join(''));
  });

  test.each<[why: string, name: string, told: string]>([
    ['a folder that is not there', 'missing/out', 'there is no such file or folder'],
    ['a folder', 'taken', 'it is a folder'],
    ['what can only be a folder', 'new/', 'it names no file'],
    ['what is below a file', 'file/out', 'a part of the path is not a folder'],
  ])('is refused at once under the name of %s', async (_why, name, told) => {
    await mkdir(folder.path('taken'));
    await folder.write('file', '');
    await expect(openTarget(name)).rejects.toMatchObject({
      code: 'TARGET_UNWRITABLE',
      message: expect.stringContaining(`${folder.path(name)} cannot be written: ${told}. Nothing`),
    });
    expect(await folder.list()).toEqual(['file', 'taken']);
  });

  test('is refused under no name', async () => {
    await expect(openForWriting('', noOutput())).rejects.toMatchObject({
      code: 'TARGET_UNWRITABLE',
    });
  });

  test('that cannot get its name fails, stays failed, and leaves what stood there', async () => {
    const target = await openTarget('out');
    await target.write('new');
    await mkdir(folder.path('out'));
    const failure = {
      code: 'TARGET_FAILED',
      message: expect.stringContaining('What stood under that name is untouched.'),
    };
    await expect(target.complete()).rejects.toMatchObject(failure);
    await expect(target.write('more')).rejects.toMatchObject(failure);
    await expect(target.complete()).rejects.toMatchObject(failure);
    await target.discard();
    expect(await folder.list()).toEqual(['out']);
  });
});

// Windows has neither, and its links need rights that users lack.
if (process.platform !== 'win32')
  describe('writing to a link, device or named pipe', () => {
    test('replaces what a link points to, not the link', async () => {
      await mkdir(folder.path('store'));
      await folder.write('store/real', 'old');
      await symlink(folder.path('store/real'), folder.path('link'));
      const target = await openTarget('link');
      await target.write('new');
      await target.complete();
      expect(await readFile(folder.path('store/real'), 'utf8')).toBe('new');
      expect((await stat(folder.path('link'))).isFile()).toBe(true);
      expect(await folder.list()).toEqual(['link', 'store']);
    });

    test('goes straight into a pipe, which stays one', async () => {
      await promisify(execFile)('mkfifo', [folder.path('pipe')]);
      const reading = promisify(execFile)('cat', [folder.path('pipe')]);
      const target = await openTarget('pipe');
      await target.write('one\n');
      await target.complete();
      expect((await reading).stdout).toBe('one\n');
      expect((await stat(folder.path('pipe'))).isFIFO()).toBe(true);
      await target.discard();
      expect(await folder.list()).toEqual(['pipe']);
    });

    test('leaves /dev/null what it is', async () => {
      const target = await openForWriting('/dev/null', noOutput());
      await target.write('x');
      await target.complete();
      await target.discard();
      expect((await stat('/dev/null')).isCharacterDevice()).toBe(true);
    });

    if (existsSync('/dev/full'))
      test.each<[when: string, fill: (target: TextTarget) => Promise<void>]>([
        ['in mid-run', target => target.write('x'.repeat(200_000))],
        ['at the end', target => target.complete()],
      ])('tells of a full disk %s', async (_when, fill) => {
        const target = await openForWriting('/dev/full', noOutput());
        await target.write('x');
        await expect(fill(target)).rejects.toMatchObject({
          code: 'TARGET_FAILED',
          message: expect.stringContaining('Writing /dev/full failed: the disk is full.'),
        });
        await expect(target.complete()).rejects.toMatchObject({ code: 'TARGET_FAILED' });
        await target.discard();
      });
  });

describe('writing to standard output', () => {
  test('waits until more may be written', async () => {
    let releases: (() => void)[] = [];
    const written: string[] = [];
    const out = new Writable({
      highWaterMark: 4,
      write(chunk, _encoding, done) {
        written.push(String(chunk));
        releases.push(done);
      },
    });
    const target = await openForWriting('-', out);
    let isDone = false;
    await target.write('');
    await target.write('a');
    const writing = target.write('bcdef').then(() => {
      isDone = true;
    });
    await nextTurn();
    expect(isDone).toBe(false);
    while (!isDone) {
      for (const release of releases.splice(0)) release();
      await nextTurn();
    }
    await writing;
    releases = [];
    expect(written.join('')).toBe('abcdef');
    expect(out.listenerCount('drain') + out.listenerCount('close')).toBe(0);
    await target.complete();
    await target.discard();
    expect(out.writableEnded).toBe(false);
  });

  test('leaves no listener behind, however often it waits', async () => {
    const out = new PassThrough({ highWaterMark: 1 });
    const gathered = buffer(out);
    const target = await openForWriting('-', out);
    const before = out.eventNames().map(name => [name, out.listenerCount(name)]);
    for (let count = 0; count < 50; count += 1) await target.write('x'.repeat(100));
    expect(out.eventNames().map(name => [name, out.listenerCount(name)])).toEqual(before);
    out.end();
    expect((await gathered).length).toBe(5_000);
  });

  test.each<[how: string, breakIt: (out: Writable) => void, told: string]>([
    ['fails', out => out.destroy(new Error('nobody reads')), 'nobody reads'],
    ['is closed', out => out.destroy(), 'it is closed'],
  ])('that %s while it waits is an error, not a hang', async (_how, breakIt, told) => {
    const out = new Writable({ highWaterMark: 1, write() {} });
    out.on('error', () => undefined);
    const target = await openForWriting('-', out);
    const failure = {
      code: 'TARGET_FAILED',
      message: expect.stringContaining(`Writing standard output failed: ${told}.`),
    };
    const writing = expect(target.write('xx')).rejects.toMatchObject(failure);
    breakIt(out);
    await writing;
    if (!out.closed) await once(out, 'close');
    await expect(target.write('xx')).rejects.toMatchObject(failure);
  });
});

/** How often this process has a file open; where the system does not tell, never. */
async function filesOpen(path: string): Promise<number> {
  if (process.platform !== 'linux') return 0;
  const open = await readdir('/proc/self/fd');
  const paths = await Promise.all(open.map(fd => readlink(`/proc/self/fd/${fd}`).catch(() => '')));
  return paths.filter(candidate => candidate === path).length;
}
