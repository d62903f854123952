import { describe, expect, inject, test } from 'vitest';
import { createHeldReading } from '../../../src/registry/held-reading.ts';
import { connector } from '../../../src/registry/mysql/mysql-connection.ts';
import { readSchema } from '../../../src/registry/mysql/mysql-schema.ts';
import { createMysqlRegistry } from './mysql-registry.ts';

const LIMIT = 100;
/** IDs with a mapping each, and mappings that one further ID has. */
const MANY = 5_000;

describe.each(inject('servers'))('reading a registry for an audit on $kind', server => {
  test('walks along its indexes: no statement reads much more than it answers', async () => {
    await using registry = await createMysqlRegistry(server, { free: MANY });
    await registry.sql(
      "INSERT INTO identifiers (OntologyType, SourceSystem, SourceId, CanonicalId) SELECT 'Work', 's', CanonicalId, CanonicalId FROM canonical_ids"
    );
    await registry.sql("INSERT INTO canonical_ids (CanonicalId) VALUES ('n2345678')");
    await registry.sql(
      "INSERT INTO identifiers (OntologyType, SourceSystem, SourceId, CanonicalId) SELECT 'Image', 's', SourceId, 'n2345678' FROM identifiers"
    );
    await registry.sql('ANALYZE TABLE canonical_ids, identifiers');
    const connection = await connector(registry.admin)();
    const { mappingIndexHint } = await readSchema(connection);
    const read: number[] = [];
    const reading = createHeldReading({
      poolHint: 'FORCE INDEX (PRIMARY)',
      mappingHint: mappingIndexHint,
      rows: async <Row extends readonly unknown[]>(
        sql: string,
        values: readonly (string | number)[]
      ) => {
        await connection.change('FLUSH STATUS');
        const rows = await connection.rows<Row>(sql, values);
        const counts = await connection.rows<[string, string]>(
          "SHOW SESSION STATUS WHERE Variable_name LIKE 'Handler_read%' OR Variable_name = 'Sort_rows'"
        );
        read.push(counts.reduce((sum, [, count]) => sum + Number(count), 0));
        return rows;
      },
    });

    const first = await reading.pooled(undefined, LIMIT);
    const from = first.at(-1)?.canonicalId;
    const page = await reading.pooled(from, LIMIT);
    expect(await reading.strays(from, page.at(-1)?.canonicalId, LIMIT)).toEqual([]);
    let last = (await reading.mappingsOf('n2345678', undefined, LIMIT)).at(-1)?.mapping?.source;
    for (let pages = 1; pages < MANY / LIMIT; pages += 1) {
      const rows = await reading.mappingsOf('n2345678', last, LIMIT);
      expect(rows).toHaveLength(LIMIT);
      last = rows.at(-1)?.mapping?.source;
    }
    await connection.end();

    expect(read).toHaveLength(3 + MANY / LIMIT);
    // A row of each table, and the next one, by which a search ends.
    expect(Math.max(...read)).toBeLessThanOrEqual(3 * LIMIT + 20);
  });
});
