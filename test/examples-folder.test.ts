import { randomBytes } from 'node:crypto';
import { chmod, readdir, readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, inject, test } from 'vitest';
import { openCheckout, readBlocks } from './support/checkout.ts';
import type { Desk } from './support/command-line.ts';
import type { TestDatabase } from './support/databases.ts';
import { createDatabase } from './support/databases.ts';

const EXAMPLES = fileURLToPath(new URL('../examples', import.meta.url));
const MYSQL_CLIENT = fileURLToPath(new URL('support/mysql-client.ts', import.meta.url));
const ON_A_SERVER = 'mysql-least-privilege';
const CANONICAL_ID = /\b[a-hjkmnp-z][a-hjkmnp-z2-9]{7}\b/g;

/** What a command of a page prints, and how it ends. */
interface Printed {
  readonly command: string;
  readonly status: number | null;
  readonly output: string;
}

const folders = (await readdir(EXAMPLES, { withFileTypes: true }))
  .filter(entry => entry.isDirectory())
  .map(({ name }) => name);

describe('the page of the example', () => {
  test.each(folders.filter(name => name !== ON_A_SERVER))(
    '%s shows what its commands print',
    { timeout: 120_000 },
    async name => {
      await using checkout = await openCheckout();
      const { shown, printed } = await runPage(checkout, name);
      expect(printed).toEqual(shown);
    }
  );

  test.each(inject('servers'))(
    `${ON_A_SERVER} shows what its commands print on $kind`,
    { timeout: 120_000 },
    async server => {
      await using checkout = await openCheckout();
      await using database = await createDatabase(server);
      await useServer(checkout, database, new URL(server.url));
      const { shown, printed } = await runPage(checkout, ON_A_SERVER);
      expect(printed).toEqual(shown);
    }
  );
});

test('the list of examples names every folder', async () => {
  const list = await readFile(join(EXAMPLES, 'README.md'), 'utf8');
  for (const name of folders) expect(list).toContain(`| [${name}](${name}`);
});

/** Runs every command of a page in its folder, in their order, as a shell does. */
async function runPage(
  checkout: Desk,
  name: string
): Promise<{ readonly shown: Printed[]; readonly printed: Printed[] }> {
  const folder = `examples/${name}`;
  const page = await checkout.read(`${folder}/README.md`);
  const known = await readKnownIds(checkout, folder);
  const blocks = readBlocks(page).filter(({ needs }) => needs === undefined);
  const shown: Printed[] = [];
  const printed: Printed[] = [];
  for (const [i, { language, text: command }] of blocks.entries()) {
    if (language !== 'sh') continue;
    const claimed = blocks[i + 1];
    // A command after which the page shows nothing prints nothing.
    shown.push({ command, status: 0, output: claimed?.language === 'text' ? claimed.text : '' });
    // A terminal shows both streams as one.
    const { status, stdout } = await checkout.shell(`cd ${folder} && exec 2>&1\n${command}`);
    printed.push({ command, status, output: stdout });
  }
  expect(shown.filter(({ output }) => output !== '')).not.toEqual([]);
  return { shown: withoutChance(shown, known), printed: withoutChance(printed, known) };
}

/** IDs that stand in the data of an example: no chance decides them. */
async function readKnownIds(checkout: Desk, folder: string): Promise<Set<string>> {
  const names = await readdir(checkout.path(folder));
  const data = names.filter(name => name !== 'README.md');
  const texts = await Promise.all(data.map(name => checkout.read(`${folder}/${name}`)));
  return new Set(texts.join('\n').match(CANONICAL_ID));
}

/** Numbers new IDs in the order in which a page shows them, so that one that recurs has to recur. */
function withoutChance(lines: readonly Printed[], known: ReadonlySet<string>): Printed[] {
  const numbers = new Map<string, string>();
  const number = (id: string) => {
    if (known.has(id)) return id;
    const given = numbers.get(id) ?? `ID-${numbers.size + 1}`;
    numbers.set(id, given);
    return given;
  };
  return lines.map(({ output, ...line }) => ({
    ...line,
    output: output
      .replaceAll(CANONICAL_ID, number)
      .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, 'TIME')
      .replaceAll(/^Took \d+\.\d s\./gm, 'Took DURATION.')
      .replaceAll(/^ {2}\(the first ones were made in the same second.*\n/gm, ''),
  }));
}

/** Writes a database, users and passwords of the test's own in the place of those of the page, as its reader may. */
async function useServer(checkout: Desk, database: TestDatabase, server: URL): Promise<void> {
  const folder = `examples/${ON_A_SERVER}`;
  const grants = await readdir(checkout.path('migrations/mysql/grants'));
  const secret = randomBytes(12).toString('hex');
  for (const path of [
    ...[`${folder}/README.md`, `${folder}/create-users.sql`],
    ...grants.map(name => `migrations/mysql/grants/${name}`),
  ]) {
    const text = (await checkout.read(path))
      .replaceAll('localhost:3306', server.host)
      .replaceAll(/(?<=:\d+\/)identifiers\b/g, database.name)
      .replaceAll(/(?<=EXISTS |ON )identifiers\b/g, database.name)
      .replaceAll(/\bid_minter(_migrator|_pool_filler|_reader)?\b/g, `${database.name}$1`)
      .replaceAll('change-me', secret);
    await checkout.write(path, text);
  }
  for (const role of ['', '_migrator', '_pool_filler', '_reader']) {
    database.users.push(`${database.name}${role}`);
  }
  const client = await checkout.write(
    'mysql',
    `#!/bin/sh\nexec '${process.execPath}' '${MYSQL_CLIENT}' "$@"\n`
  );
  await chmod(client, 0o755);
  checkout.environment = {
    PATH: `${checkout.folder}${delimiter}${process.env['PATH']}`,
    RDS_PRIMARY_HOST: server.hostname,
    RDS_PORT: server.port,
    IDENTIFIERS_DATABASE: database.name,
    ADMIN: decodeURIComponent(server.username),
    MYSQL_PWD: decodeURIComponent(server.password),
  };
}
