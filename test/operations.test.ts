import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { openCheckout, readBlocks } from './support/checkout.ts';
import { findFreePort } from './support/servers/processes.ts';

const PAGE = await readFile(new URL('../docs/operations.md', import.meta.url), 'utf8');
const [DRILL = '', ALARMS = ''] = PAGE.split('\n## When an alarm rings\n');

test('the restore drill works as docs/operations.md says it, step by step', {
  timeout: 120_000,
}, async () => {
  await using checkout = await openCheckout();
  const commands = readBlocks(DRILL).filter(({ needs }) => needs === undefined);
  const before = await checkout.list();
  const said: string[] = [];
  for (const { text } of commands) {
    const { status, stdout, stderr } = await checkout.shell(`set -e\n${text}`);
    expect({ text, status, stderr }).toMatchObject({ status: 0 });
    said.push(stdout + stderr);
  }
  expect(said).toHaveLength(6);
  expect(said[3]).toContain('Restored 12 mappings, 12 assigned and 0 free canonical IDs.');
  expect(said[4]).toMatch(/^Object\[museum\/1987\.22\]\t[a-z2-9]{8}$/m);
  const left = (await checkout.list()).filter(name => !before.includes(name));
  expect(left.filter(name => /^drill/.test(name))).toEqual([]);
  expect(left).toContain('id-minter.sqlite');
});

/** The entry of each alarm, and how its commands end that need a registry and nothing else. */
const ENTRIES: Readonly<Record<string, readonly number[]>> = {
  'works-failed': [0],
  // the source has another ID than its predecessor: that is what the check is for
  'inheritance-lost': [0, 6],
  'pool-low': [0],
  'no-run': [],
  'run-failed': [],
  'requests-failed': [],
  'function-failed': [0],
};

const entries = ALARMS.split('\n### ').slice(1);

test('each alarm has its entry in docs/operations.md, and no entry is without commands', () => {
  expect(entries.map(entry => entry.split('\n')[0])).toEqual(Object.keys(ENTRIES));
  for (const entry of entries) expect(readBlocks(entry).length, entry).toBeGreaterThan(0);
});

test.each(entries.map(entry => [entry.split('\n')[0] ?? '', entry] as const))(
  'what the entry %s says to do about a registry can be done',
  async (alarm, entry) => {
    await using checkout = await openCheckout();
    const objects = '--source examples/objects.csv --type Object --system museum';
    checkout.environment = { ID_MINTER_REGISTRY: 'sqlite:id-minter.sqlite' };
    await checkout.write('predecessors.csv', LOST_INHERITANCE);
    const filled = await checkout.shell(`npx id-minter assign ${objects} --value-column ObjectID`);
    expect(filled).toMatchObject({ status: 0 });

    const ends: (number | null)[] = [];
    for (const { text } of readBlocks(entry).filter(({ needs }) => needs === undefined)) {
      const { status, stderr } = await checkout.shell(`set -e\n${text}`);
      // not refused as a command that nobody knows
      expect({ text, stderr, wrong: status === 2 }).toMatchObject({ wrong: false });
      ends.push(status);
    }
    expect(ends).toEqual(ENTRIES[alarm]);
  },
  120_000
);

const LOST_INHERITANCE = [
  'OntologyType,SourceSystem,SourceId',
  'PredecessorOntologyType,PredecessorSourceSystem,PredecessorSourceId\nObject,museum,1987.22',
  'Object,museum,1991.3\n',
].join(',');

test('what an entry says to mint from an index is understood, and only lacks the index', async () => {
  await using checkout = await openCheckout();
  checkout.environment = {
    ID_MINTER_REGISTRY: 'sqlite:id-minter.sqlite',
    ES_URL: `http://127.0.0.1:${await findFreePort()}`,
  };
  await checkout.write('failed.txt', 'Work[sierra-system-number/b1000001]\n');
  expect(await checkout.shell('npx id-minter migrate')).toMatchObject({ status: 0 });
  const commands = readBlocks(ALARMS).filter(({ needs }) => needs === 'an index');
  expect(commands).toHaveLength(3);
  const ended = await Promise.all(commands.map(({ text }) => checkout.shell(text)));
  for (const { status, stderr } of ended) {
    expect({ status, stderr }).toMatchObject({ status: 4 });
    expect(stderr).toContain(checkout.environment['ES_URL']);
  }
}, 180_000);

test('what an entry says to do with an account is a command of the shell', async () => {
  await using checkout = await openCheckout();
  const commands = readBlocks(ALARMS).filter(({ needs }) => needs === 'an account');
  expect(commands.length).toBeGreaterThan(8);
  for (const { text } of commands) {
    const path = await checkout.write('command.sh', text);
    expect(await checkout.shell(`sh -n '${path}'`)).toMatchObject({ status: 0, stderr: '' });
  }
});
