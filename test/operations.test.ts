import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { openCheckout, readBlocks } from './support/checkout.ts';

const PAGE = await readFile(new URL('../docs/operations.md', import.meta.url), 'utf8');

test('the restore drill works as docs/operations.md says it, step by step', {
  timeout: 120_000,
}, async () => {
  await using checkout = await openCheckout();
  const commands = readBlocks(PAGE).filter(({ needs }) => needs === undefined);
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
