import { execFile } from 'node:child_process';
import { cp, mkdtempDisposable, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));
const run = promisify(execFile);

/** Runs a script or the program in a folder that has the examples, as the project's own folder has. */
async function inCheckout(
  folder: string,
  { script, args = [] }: { script: string; args?: string[] }
) {
  return await run(process.execPath, [join(PROJECT, script), ...args], { cwd: folder });
}

const start = (folder: string) => inCheckout(folder, { script: 'scripts/start.ts' });

async function openCheckout() {
  const folder = await mkdtempDisposable(join(tmpdir(), 'id-minter-start-'));
  await cp(join(PROJECT, 'examples'), join(folder.path, 'examples'), { recursive: true });
  return folder;
}

describe('npm start', () => {
  test('says which identifiers were minted and which one inherited from which', async () => {
    await using folder = await openCheckout();
    const { stdout } = await start(folder.path);
    expect(stdout).toContain('12 works were read, and 11 documents written');
    expect(stdout).toMatch(/43 minted/);
    expect(stdout).toMatch(
      /1 inherited.*\n\s+[a-z2-9]{8} {2}Work\[saltmere-catalogue\/SM-1005\] from Work\[card-catalogue\/C-117\]/
    );
    expect(stdout).toMatch(/SHARED_DOCUMENT_ID.*\n.*SM-1005\] was written.*C-117/);
    expect(stdout.trimEnd().split('\n').length).toBeLessThanOrEqual(30);
  });

  test('shows one document as it was and with the IDs that the target has', async () => {
    await using folder = await openCheckout();
    const { stdout } = await start(folder.path);
    const target = await readFile(join(folder.path, '.try/minted.ndjson'), 'utf8');
    const after =
      /after {3}\{"_id":"([a-z2-9]{8})".*"type":"Identified".*"canonicalId":"([a-z2-9]{8})"/;
    const [, work = '', item = ''] = after.exec(stdout) ?? [];
    expect(stdout).toContain('before  {"_id":"Work[saltmere-catalogue/SM-1005]"');
    expect(target).toContain(`{"_id": "${work}"`);
    expect(target).toContain(`"canonicalId":"${item}"`);
  });

  test('prints commands that work as they stand', async () => {
    await using folder = await openCheckout();
    const { stdout } = await start(folder.path);
    const commands = [...stdout.matchAll(/^ {2}npx id-minter (.*)$/gm)].map(
      ([, line = '']) => line
    );
    expect(commands).toHaveLength(2);
    for (const line of commands) {
      const told = await inCheckout(folder.path, {
        script: 'bin/id-minter.js',
        args: line.split(' '),
      });
      expect(told.stdout).toMatch(/Work\[card-catalogue\/C-117\]|Figurehead.*,minted,,/);
    }
  });

  test('said again mints nothing and changes no ID', async () => {
    await using folder = await openCheckout();
    await start(folder.path);
    const first = await readFile(join(folder.path, '.try/minted.ndjson'), 'utf8');
    const { stdout } = await start(folder.path);
    expect(stdout).toContain('75 existing');
    expect(stdout).not.toMatch(/minted:|inherited:/);
    expect(await readFile(join(folder.path, '.try/minted.ndjson'), 'utf8')).toBe(first);
  });

  test('leaves nothing that git would show', async () => {
    expect(await readFile(join(PROJECT, '.gitignore'), 'utf8')).toMatch(/^\.try\/$/m);
  });

  test('passes on how the command failed', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'id-minter-start-'));
    await expect(start(folder.path)).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringMatching(
        /SOURCE_UNREADABLE.*examples\/works\.ndjson.*delete the folder \.try/s
      ),
    });
  });
});
