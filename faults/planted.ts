/**
 * Shows that the gate can fail: each bug of `planted-bugs.ts` is planted by itself in a copy of the project, and the
 * campaigns have to find it. `npm run test:planted`, or `npm run test:planted -- 'no retry'` for one.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { TestServer } from '../test/support/servers/open-servers.ts';
import { openServers } from '../test/support/servers/open-servers.ts';
import type { PlantedBug } from './planted-bugs.ts';
import { PLANTED_BUGS } from './planted-bugs.ts';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));
const COPIED = [
  ...[
    'package.json',
    'src',
    'bin',
    'migrations',
    'schemas',
    'scripts',
    'test',
    'bench',
    'faults',
    'examples',
  ],
];

process.exitCode = await main(process.argv.slice(2));

async function main(names: readonly string[]): Promise<number> {
  const unknown = names.filter(name => !PLANTED_BUGS.some(bug => bug.name === name));
  if (unknown.length > 0) {
    console.error(
      `There is no planted bug ${unknown.join(', ')}. There are:\n${PLANTED_BUGS.map(({ name }) => name).join('\n')}`
    );
    return 2;
  }
  const bugs = PLANTED_BUGS.filter(({ name }) => names.length === 0 || names.includes(name));
  await using open = await openServers();
  const [server] = open.servers;
  if (server === undefined) throw new Error('A server was opened, and is not there.');
  let missed = 0;
  for (const bug of bugs) {
    const finder = await whoFinds(bug, server);
    if (finder === undefined) missed += 1;
    console.log(finder === undefined ? `MISSED ${bug.name}` : `${bug.name}: found by ${finder}`);
  }
  console.log(`${bugs.length - missed} passed, ${missed} failed`);
  return missed === 0 ? 0 : 1;
}

/** @returns the first of its campaigns that ends with a broken promise */
async function whoFinds(bug: PlantedBug, server: TestServer): Promise<string | undefined> {
  const copy = await mkdtemp(join(tmpdir(), 'id-minter-planted-'));
  try {
    for (const name of COPIED) await cp(join(PROJECT, name), join(copy, name), { recursive: true });
    await symlink(join(PROJECT, 'node_modules'), join(copy, 'node_modules'), 'junction');
    for (const edit of bug.edits) await plant(join(copy, edit.file), edit);
    for (const campaign of bug.foundBy) {
      const { status, said } = await wage(campaign, copy, server);
      if (status === 1 && said.includes('\nBROKEN ')) return campaign;
      if (status !== 0)
        throw new Error(`${campaign} could not be run with “${bug.name}”:\n${said}`);
    }
    return undefined;
  } finally {
    await rm(copy, { recursive: true });
  }
}

async function plant(file: string, edit: PlantedBug['edits'][number]): Promise<void> {
  const parts = (await readFile(file, 'utf8')).split(edit.text);
  if (parts.length !== 2) {
    throw new Error(
      `${edit.file} holds ${parts.length - 1} times, not once, what the bug is planted in:\n${edit.text}`
    );
  }
  await writeFile(file, parts.join(edit.becomes));
}

async function wage(campaign: string, copy: string, { kind, url }: TestServer) {
  const child = spawn(process.execPath, ['faults/run.ts', campaign], {
    cwd: copy,
    env: {
      ...process.env,
      ID_MINTER_TEST_SERVERS: kind,
      [`ID_MINTER_TEST_${kind.toUpperCase()}_URL`]: url,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said, [status]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  return { status: status as number | null, said };
}
