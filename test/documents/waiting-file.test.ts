import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { describe, expect, test, vi } from 'vitest';
import { WaitingFile } from '../../src/documents/waiting-file.ts';
import { allOf } from '../support/byte-streams.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

describe('what waits in a file', () => {
  test('comes back as it was, in its order', async () => {
    const room = new WaitingFile<unknown>();
    const entries = [
      { text: 'a\nb\u2028\r\n', half: '\ud800', nothing: null },
      'bare',
      7,
      [{ deep: [{}] }],
      JSON.parse('{"__proto__":{"a":1}}'),
    ];
    for (const entry of entries) await room.put(entry);
    expect(await allOf(room.entries())).toEqual(entries);
    expect(await allOf(room.entries())).toEqual(entries);
    await room.close();
  });

  test('holds numbers as they were written, in documents of any depth that can be minted', async () => {
    let document: unknown = { size: JSON.rawJSON('1.0') };
    for (let level = 1; level < 1_000; level += 1) document = [document];
    const room = new WaitingFile<unknown>();
    await room.put({ work: { document }, counted: 1 });
    const [entry] = await allOf(room.entries());
    expect(JSON.stringify(entry)).toBe(JSON.stringify({ work: { document }, counted: 1 }));
    await room.close();
  });

  test('may be nothing', async () => {
    const room = new WaitingFile<unknown>();
    expect(await allOf(room.entries())).toEqual([]);
    await room.close();
    await room.close();
  });

  test('may be more than memory holds, and leaves no file behind, not even while it waits', async () => {
    const before = new Set(await readdir(tmpdir()));
    const room = new WaitingFile<{ number: number; text: string }>();
    for (let number = 0; number < 5_000; number += 1) {
      await room.put({ number, text: 'x'.repeat(1_000) });
    }
    const made = (await readdir(tmpdir())).filter(name => !before.has(name));
    expect(made.filter(name => name.endsWith('.ndjson'))).toEqual([]);
    let next = 0;
    for await (const { number } of room.entries()) {
      expect(number).toBe(next);
      next += 1;
      if (next === 4_000) break;
    }
    expect((await allOf(room.entries())).length).toBe(5_000);
    await room.close();
  });

  test('says where there is no room for it', async () => {
    await using folder = await temporaryFolder();
    for (const name of ['TMPDIR', 'TEMP', 'TMP']) vi.stubEnv(name, folder.path('missing'));
    const failure = {
      code: 'TARGET_FAILED',
      message: expect.stringContaining(
        `a temporary file in ${folder.path('missing')} failed: there is no`
      ),
    };
    const room = new WaitingFile<string>();
    await room.put('little');
    await expect(allOf(room.entries())).rejects.toMatchObject(failure);
    await expect(room.put('x'.repeat(100_000))).rejects.toMatchObject(failure);
    await room.close();
  });
});
