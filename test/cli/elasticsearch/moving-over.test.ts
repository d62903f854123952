/** docs/moving-over.md, command by command, on a database and an index as the Python minter leaves them. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createConnection } from 'mysql2/promise';
import { expect, inject, test } from 'vitest';
import { mintAsOriginal } from '../../../bench/original-sequence.ts';
import { keyOf } from '../../../src/domain/source-identifier.ts';
import { openCheckout, readBlocks } from '../../support/checkout.ts';
import { createDatabase } from '../../support/databases.ts';
import { indexName } from '../../support/elasticsearch/open-elasticsearch.ts';
import { openTestIndex } from '../../support/elasticsearch/test-index.ts';
import { sierra, someIds } from '../../support/identifiers.ts';
import { openServers } from '../../support/servers/open-servers.ts';
import { workOf } from '../works.ts';

const { url } = inject('elasticsearch');

const PAGE = await readFile(new URL('../../../docs/moving-over.md', import.meta.url), 'utf8');
const TABLES = await readFile(
  new URL('../../../migrations/mysql/0001_create_identifiers_schema.sql', import.meta.url),
  'utf8'
);
const MIGRATION = '0001_create_identifiers_schema';
/** As yoyo records that it has run the one migration of the Python minter. */
const YOYO = `
  CREATE TABLE _yoyo_migration (migration_hash VARCHAR(64) NOT NULL PRIMARY KEY, migration_id VARCHAR(255) NULL,
    applied_at_utc TIMESTAMP NULL);
  INSERT INTO _yoyo_migration VALUES ('${createHash('sha256').update(MIGRATION).digest('hex')}', '${MIGRATION}', '2026-01-02 03:04:05');`;

/** What the Python minter has minted. */
const HELD = { same: 'a2345678', planted: 'b2345678', absent: 'c2345678' } as const;
const FREE = someIds(50);

const documentId = (value: string) => `Work[sierra-system-number/${value}]`;
const indexedAt = '2026-08-20T03:00:00Z';

/** With spaces, and what is new at the end, as Python writes it. */
function asPythonWrites(value: keyof typeof HELD, more: object = {}): string {
  const { state, ...work } = workOf(sierra(value));
  const minted = { ...work, state: { ...state, canonicalId: HELD[value] }, indexed_at: indexedAt };
  return JSON.stringify({ ...minted, ...more }, null, 1).replaceAll(/\n */g, ' ');
}

test('moving over works as docs/moving-over.md says it, step by step, and so does the way back', {
  timeout: 600_000,
}, async () => {
  await using servers = await openServers();
  const [server = { url: '' }] = servers.servers;
  await using database = await createDatabase(server);
  await using checkout = await openCheckout();
  const date = indexName('moving');
  await using source = await openTestIndex({ index: `works-source-${date}` });
  await using target = await openTestIndex({ index: `works-identified-${date}` });
  const { hostname, port, username, password } = new URL(database.adminUrl);
  checkout.environment = {
    ...{ RDS_PRIMARY_HOST: hostname, RDS_PORT: port, RDS_USERNAME: username },
    ...{ RDS_PASSWORD: password, IDENTIFIERS_DATABASE: database.name },
    ...{ ES_URL: url, PIPELINE_DATE: date },
  };
  const connection = await createConnection({ uri: database.adminUrl, multipleStatements: true });
  await using resources = new AsyncDisposableStack();
  resources.defer(() => connection.end());
  await connection.query(TABLES + YOYO);
  const rows = [
    ...Object.values(HELD).map(id => [id, 'assigned']),
    ...FREE.map(id => [id, 'free']),
  ];
  await connection.query('INSERT INTO canonical_ids (CanonicalId, Status) VALUES ?', [rows]);
  await connection.query(
    'INSERT INTO identifiers (OntologyType, SourceSystem, SourceId, CanonicalId) VALUES ?',
    [Object.entries(HELD).map(([value, id]) => ['Work', 'sierra-system-number', value, id])]
  );
  await source.put(
    [...Object.keys(HELD), 'fresh'].map(value => ({
      _id: documentId(value),
      json: JSON.stringify({ ...workOf(sierra(value)), indexed_at: indexedAt }),
    }))
  );
  await target.put([
    { _id: HELD.same, json: asPythonWrites('same') },
    { _id: HELD.planted, json: asPythonWrites('planted', { type: 'Deleted' }) },
  ]);
  const before = await describeDatabase(connection);

  const said: string[] = [];
  for (const { text } of readBlocks(PAGE).filter(({ needs }) => needs === undefined)) {
    const { status, stdout, stderr } = await checkout.shell(`set -e\n${text}`);
    expect({ text, status, stderr }).toMatchObject({ status: 0 });
    said.push(stdout + stderr);
  }

  const [, adopted = '', , compared = '', minted = ''] = said;
  expect(said).toHaveLength(6);
  expect(adopted).toContain(`Found in place: ${MIGRATION}`);
  expect(compared).toContain('Against the index: 1 same, 1 different, 1 absent, 0 newly failing.');
  expect(compared).toMatch(/^warning DOCUMENT_DIFFERS: .*b2345678 differs .* at type: /m);
  expect(compared).toMatch(/^warning DOCUMENT_ABSENT: .*no document c2345678/m);
  expect(minted).toContain('Works: 4 succeeded, 0 failed.');
  expect(await target.read()).toHaveLength(4);
  expect(await describeDatabase(connection)).toEqual(before);

  // The way back: the Python minter finds what it had, and what we have minted since.
  const values = [...Object.keys(HELD), 'fresh', 'later'];
  const answers = await mintAsOriginal(connection, values.map(sierra));
  await connection.query('COMMIT');
  const idOf = (value: string) => answers.get(keyOf(sierra(value)));
  expect([idOf('same'), idOf('planted'), idOf('absent')]).toEqual(Object.values(HELD));
  expect((await target.read()).map(({ _id }) => _id)).toContain(idOf('fresh'));
  expect(FREE).toContain(idOf('later'));
});

/** How the tables of RFC 083 were made, and what yoyo has recorded. */
async function describeDatabase(
  connection: Awaited<ReturnType<typeof createConnection>>
): Promise<unknown[]> {
  const told: unknown[] = [];
  for (const table of ['canonical_ids', 'identifiers', '_yoyo_migration']) {
    told.push((await connection.query(`SHOW CREATE TABLE ${table}`))[0]);
  }
  told.push((await connection.query('SELECT * FROM _yoyo_migration'))[0]);
  return told;
}
