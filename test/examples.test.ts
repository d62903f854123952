import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, inject, test } from 'vitest';
import { openCheckout, readBlocks } from './support/checkout.ts';
import type { Ended } from './support/command-line.ts';
import { createDatabase, createUser } from './support/databases.ts';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));

const blocks = readBlocks(await readFile(join(PROJECT, 'README.md'), 'utf8'));
const commands = blocks.filter(({ language }) => language === 'sh');

describe('the README', () => {
  test('shows commands that need nothing, and they work in their order', {
    timeout: 60_000,
  }, async () => {
    await using checkout = await openCheckout();
    const outputs: string[] = [];
    for (const { text } of commands.filter(({ needs }) => needs === undefined)) {
      const { status, stdout, stderr } = await checkout.shell(text);
      expect({ text, status, stderr }).toMatchObject({ status: 0 });
      outputs.push(stdout);
    }
    expect(outputs).toHaveLength(4);
    expect(await checkout.list()).toEqual(
      expect.arrayContaining(['objects-with-ids.csv', 'minted.ndjson', 'report.json'])
    );
    expect(outputs[1]).toMatch(/^Object\[museum\/1987\.22\]\t[a-z2-9]{8}$/m);
  });

  test('shows the first command, which tells the same IDs the second time', {
    timeout: 60_000,
  }, async () => {
    const [first] = commands.filter(({ needs }) => needs === 'a fresh clone');
    const [install, start, ...more] = first?.text.trim().split(' && ') ?? [];
    // `npm ci` was done for this copy, whose node_modules are ours.
    expect([install, more]).toEqual(['npm ci', []]);
    await using checkout = await openCheckout();

    const once = await checkout.shell(start ?? '');
    const twice = await checkout.shell(start ?? '');

    expect({ once, twice }).toMatchObject({ once: { status: 0 }, twice: { status: 0 } });
    const documents = ({ stdout }: Ended) => /^ {2}after .*$/m.exec(stdout)?.[0];
    expect(documents(once)).toMatch(/"canonicalId":"[a-z2-9]{8}"/);
    expect(documents(twice)).toBe(documents(once));
    expect(once.stdout).toMatch(/^- \d+ minted: /m);
    expect(twice.stdout).not.toMatch(/^- \d+ minted: /m);
    const tried = /^ {2}npx (id-minter lookup .*)$/m.exec(once.stdout)?.[1] ?? '';
    expect(await checkout.shell(`npx ${tried}`)).toMatchObject({ status: 0 });
  });

  test.each(inject('servers'))(
    'shows a command that works on $kind',
    { timeout: 60_000 },
    async server => {
      const [block] = commands.filter(({ text }) => text.includes('--apply-migrations'));
      await using checkout = await openCheckout();
      await using database = await createDatabase(server);
      const grants = "GRANT ALL ON identifiers.* TO 'id_minter'@'%';";
      const { user, password } = await createUser(database, grants);
      const { hostname, port } = new URL(server.url);
      checkout.environment = {
        RDS_PRIMARY_HOST: hostname,
        RDS_PORT: port,
        IDENTIFIERS_DATABASE: database.name,
      };

      const { status, stderr } = await checkout.shell(
        (block?.text ?? '')
          .replace('RDS_USERNAME=id_minter', `RDS_USERNAME=${user}`)
          .replace('RDS_PASSWORD=id_minter', `RDS_PASSWORD=${password}`)
      );

      expect({ status, stderr }).toMatchObject({ status: 0 });
      expect(stderr).toContain(`Registry: mysql://${user}@${hostname}:${port}/${database.name}\n`);
      expect(stderr).toContain('Works: 12 succeeded, 0 failed.\n');
    }
  );

  test('shows how to use the library, and it works once it is built', {
    timeout: 120_000,
  }, async () => {
    const [program] = blocks.filter(({ language }) => language === 'ts');
    await using checkout = await openCheckout();
    await writeFile(checkout.path('example.ts'), program?.text ?? '');
    expect(await checkout.shell('npm run build')).toMatchObject({ status: 0 });

    const { status, stdout } = await checkout.shell('npm exec -- node example.ts');

    expect({ status, stdout }).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^[a-z2-9]{8} minted$/m),
    });
  });

  test('says of every other command what it needs', () => {
    expect(new Set(commands.map(({ needs }) => needs))).toEqual(
      new Set([undefined, 'a fresh clone', 'docker', 'Elasticsearch'])
    );
  });
});

describe('the help', () => {
  test('shows examples that work', { timeout: 60_000 }, async () => {
    await using desk = await openCheckout();
    await cp(join(PROJECT, 'examples/works.ndjson'), desk.path('works.ndjson'));
    await cp(join(PROJECT, 'examples/objects.csv'), desk.path('objects.csv'));
    await desk.write(
      'mappings.csv',
      'CanonicalId,OntologyType,SourceSystem,SourceId\na2345678,Work,sierra-system-number,b1000001\n'
    );
    const shown = new Map<string, number | null>();
    for (const command of [
      ...['migrate status', 'mint', 'assign', 'import', 'lookup', 'pool', 'pool top-up'],
      ...['migrate', 'migrate rollback'],
    ]) {
      const { stdout } = await desk.run([...command.split(' '), '--help']);
      const example = /^Example:\n {2}(.*)$/m.exec(stdout)?.[1] ?? '';
      // At this port nobody listens; at that of a MySQL for the desk somebody may.
      const { status } = await desk.shell(`npx ${example.replace('@localhost/', '@127.0.0.1:1/')}`);
      shown.set(example, status);
    }
    const wrong = [...shown].filter(([, status]) => status !== 0);
    expect(wrong).toEqual([
      // There is no registry yet, and in the end it holds mappings that nobody agreed to lose.
      ['id-minter migrate status', 6],
      [expect.stringContaining('id-minter migrate --registry mysql://'), 4],
      ['id-minter migrate rollback', 5],
    ]);
    expect(shown.size).toBe(9);
  });
});
