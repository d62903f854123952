import { createHash } from 'node:crypto';
import { describe, expect, inject, test } from 'vitest';
import { migrate, migrationStatus, rollback } from '../../../src/registry/migrate.ts';
import { openMysqlMigrations } from '../../../src/registry/mysql/mysql-migrations.ts';
import type { MysqlSettings } from '../../../src/registry/mysql/mysql-settings.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import { outcomes, requests } from '../../support/answers.ts';
import { id, sierra } from '../../support/identifiers.ts';
import type { MysqlRegistry } from './mysql-registry.ts';
import { createMysqlRegistry, openStore } from './mysql-registry.ts';

const servers = inject('servers');
const FIRST = '0001_create_identifiers_schema';
const TABLES = ['canonical_ids', 'identifiers', 'id_minter_migrations'];

describe.each(servers)('the schema on $kind', server => {
  // `npx vitest -u` writes the file anew after a migration was added.
  test('is the one that migrations/mysql/schema.sql shows', async () => {
    await using registry = await createMysqlRegistry(server);
    const statements: string[] = [];
    for (const table of TABLES) statements.push(await describeTable(registry, table));
    const head =
      '-- What the migrations make, as the database describes it. Made by test/registry/mysql.\n';
    await expect(head + statements.join('')).toMatchFileSnapshot(
      '../../../migrations/mysql/schema.sql'
    );
  });

  test('is exact where that was asked for, with a collation that this server has', async () => {
    await using registry = await createMysqlRegistry(server, { exact: true });
    const collations = await registry.sql<[string]>(
      `SELECT DISTINCT COLLATION_NAME FROM information_schema.COLUMNS
       WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'identifiers'
         AND COLUMN_NAME IN ('OntologyType', 'SourceSystem', 'SourceId')`
    );
    const expected = { mysql: 'utf8mb4_0900_bin', mariadb: 'utf8mb4_nopad_bin' };
    expect(collations).toEqual([[expected[server.kind]]]);
  });

  test('is not made exact over tables that this run did not make', async () => {
    await using registry = await createMysqlRegistry(server);
    const before = await describeTable(registry, 'identifiers');
    await onMigrations(registry.admin, async migrations => {
      await expect(migrations.makeExact()).rejects.toMatchObject({ code: 'INVALID_CONFIGURATION' });
    });
    expect(await describeTable(registry, 'identifiers')).toBe(before);
  });
});

describe.each(servers)('beside yoyo on $kind', server => {
  const yoyoRow = [createHash('sha256').update(FIRST).digest('hex'), FIRST];

  test('a new registry is recorded for it as well, so that the Python minter finds nothing to do', async () => {
    await using registry = await createMysqlRegistry(server);
    expect(await yoyoRows(registry)).toEqual([yoyoRow]);
    expect(await registry.sql('SELECT version FROM _yoyo_version')).toEqual([[2]]);
    expect(await registry.sql('SELECT COUNT(*) FROM _yoyo_log')).toEqual([[0]]);
  });

  test('an exact one is not: the Python minter cannot work there, and shall not start', async () => {
    await using registry = await createMysqlRegistry(server, { exact: true });
    expect(await registry.sql("SHOW TABLES LIKE '\\_yoyo%'")).toEqual([]);
  });

  test('a database that yoyo manages is taken over: its record and its tables stay as they are', async () => {
    await using registry = await createMysqlRegistry(server);
    await registry.sql('DROP TABLE id_minter_migrations');
    await registry.sql("UPDATE _yoyo_migration SET applied_at_utc = '2026-01-02 03:04:05'");
    await registry.sql('INSERT INTO _yoyo_log (id, operation) VALUES (1, "apply")');
    const yoyo = () =>
      registry.sql(
        'SELECT migration_hash, migration_id, UNIX_TIMESTAMP(applied_at_utc) FROM _yoyo_migration'
      );
    const [tables, before] = [await describeTable(registry, 'identifiers'), await yoyo()];
    await onMigrations(registry.admin, async migrations => {
      expect(await migrate(migrations)).toEqual({ applied: [], adopted: [FIRST] });
      expect((await migrationStatus(migrations)).pending).toEqual([]);
    });
    expect(await yoyo()).toEqual(before);
    expect(await registry.sql('SELECT COUNT(*) FROM _yoyo_log')).toEqual([[1]]);
    expect(await describeTable(registry, 'identifiers')).toBe(tables);
  });

  test('what is rolled back is pending for both', async () => {
    await using registry = await createMysqlRegistry(server);
    await onMigrations(registry.admin, async migrations => {
      expect((await rollback(migrations)).rolledBack).toBe(FIRST);
      expect(await yoyoRows(registry)).toEqual([]);
      expect((await migrate(migrations)).applied).toEqual([FIRST]);
    });
    expect(await yoyoRows(registry)).toEqual([yoyoRow]);
  });

  test('tables that yoyo has dropped behind our back are missed, not taken for up to date', async () => {
    await using registry = await createMysqlRegistry(server);
    await registry.sql('DROP TABLE identifiers, canonical_ids');
    await onMigrations(registry.admin, async migrations => {
      await expect(migrate(migrations)).rejects.toMatchObject({ code: 'SCHEMA_UNSUPPORTED' });
    });
  });

  test('tables of another minter can be minted into before anything is recorded', async () => {
    await using registry = await createMysqlRegistry(server, { free: 3 });
    await registry.sql('DROP TABLE id_minter_migrations');
    await registry.sql('GRANT SELECT, INSERT, UPDATE ON * TO ?', [registry.minter.user]);
    await using minter = createRegistry(await openStore(registry.minter));
    const [person, place] = ['Person', 'Place'].map(ontologyType => ({
      ...sierra('x'),
      ontologyType,
    }));
    const { answers } = await minter.mint(requests(person ?? sierra(''), place ?? sierra('')));
    expect(outcomes(answers)).toEqual(['minted', 'existing']);
  });
});

describe.each(servers)('two starters on $kind', server => {
  test('wait for each other on one database, and not on two', async () => {
    await using one = await createMysqlRegistry(server);
    await using two = await createMysqlRegistry(server);
    const order: string[] = [];
    const inside = Promise.withResolvers<void>();
    const leave = Promise.withResolvers<void>();
    const first = onMigrations(one.admin, migrations =>
      migrations.withLock(async () => {
        inside.resolve();
        await leave.promise;
        order.push('first');
      })
    );
    await inside.promise;
    const second = onMigrations(one.admin, migrations =>
      migrations.withLock(async () => {
        order.push('second');
      })
    );
    await onMigrations(two.admin, migrations =>
      migrations.withLock(async () => {
        order.push('elsewhere');
      })
    );
    leave.resolve();
    await Promise.all([first, second]);
    expect(order).toEqual(['elsewhere', 'first', 'second']);
  });

  test('whose first one is killed: the lock is free again', async () => {
    await using registry = await createMysqlRegistry(server);
    const [migrations, after] = [
      await openMysqlMigrations(registry.admin),
      await openMysqlMigrations(registry.admin),
    ];
    const never = Promise.withResolvers<void>();
    void migrations.withLock(() => never.promise);
    await expect
      .poll(() =>
        registry.sql('SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE DB = DATABASE()')
      )
      .toEqual([[3]]);
    await migrations.close();
    await expect(after.withLock(async () => 'in')).resolves.toBe('in');
    await after.close();
    never.resolve();
  });
});

describe.each(servers)('the rights of each role on $kind', server => {
  test('a migrator makes, rolls back and makes again', async () => {
    await using registry = await createMysqlRegistry(server);
    await onMigrations(await registry.as('migrator'), async migrations => {
      expect((await rollback(migrations)).rolledBack).toBe(FIRST);
      expect((await migrate(migrations, { exact: true })).applied).toEqual([FIRST]);
    });
  });

  test('a minter mints, imports, looks up and counts, and can say that nothing is pending', async () => {
    await using registry = await createMysqlRegistry(server, { free: 5 });
    await onMigrations(registry.minter, async migrations => {
      expect(await migrate(migrations)).toEqual({ applied: [], adopted: [] });
    });
    await using minter = createRegistry(await openStore(registry.minter));
    expect(outcomes((await minter.mint(requests(sierra('b1')))).answers)).toEqual(['minted']);
    const imported = [
      { source: sierra('b2'), canonicalId: id('z2345678') },
      { source: sierra('b3'), canonicalId: id('z2345678') },
    ];
    expect(outcomes(await minter.importMappings(imported))).toEqual(['added', 'added']);
    expect((await minter.sourcesOf([id('z2345678')])).get(id('z2345678'))).toHaveLength(2);
    expect(await minter.countPool()).toEqual({ free: 4, assigned: 2 });
  });

  test('a minter can change and delete no mapping', async () => {
    await using registry = await createMysqlRegistry(server, { free: 5 });
    await onMigrations(registry.minter, async minter => {
      for (const statement of [
        "UPDATE identifiers SET CanonicalId = 'a2345678'",
        'DELETE FROM identifiers',
        "UPDATE canonical_ids SET CanonicalId = 'a2345678'",
        'DELETE FROM canonical_ids',
        "UPDATE id_minter_migrations SET OldestCode = '0'",
      ]) {
        const refused = minter.execute(statement);
        await expect(refused).rejects.toMatchObject({ code: 'REGISTRY_ACCESS_DENIED' });
      }
    });
  });

  test('a pool filler fills, and mints nothing', async () => {
    await using registry = await createMysqlRegistry(server);
    await using filler = createRegistry(await openStore(await registry.as('pool-filler')));
    expect(await filler.topUp(50)).toEqual({ free: 50, added: 50 });
    expect(await filler.countPool()).toEqual({ free: 50, assigned: 0 });
    const refused = filler.mint(requests(sierra('b1')));
    await expect(refused).rejects.toMatchObject({ code: 'REGISTRY_ACCESS_DENIED' });
  });

  test('a reader looks up and runs dry, and changes nothing', async () => {
    await using registry = await createMysqlRegistry(server, { free: 5 });
    await using reader = createRegistry(await openStore(await registry.as('reader')));
    expect(await reader.lookUp([sierra('b1')])).toEqual([undefined]);
    const { answers } = await reader.dryRun().mint(requests(sierra('b1')));
    expect(outcomes(answers)).toEqual(['minted']);
    const refused = reader.topUp(50);
    await expect(refused).rejects.toMatchObject({ code: 'REGISTRY_ACCESS_DENIED' });
    expect(await reader.countPool()).toEqual({ free: 5, assigned: 0 });
  });
});

async function onMigrations(
  settings: MysqlSettings,
  work: (migrations: Awaited<ReturnType<typeof openMysqlMigrations>>) => Promise<void>
): Promise<void> {
  const migrations = await openMysqlMigrations(settings);
  try {
    await work(migrations);
  } finally {
    await migrations.close();
  }
}

function yoyoRows({ sql }: MysqlRegistry): Promise<unknown[][]> {
  return sql('SELECT migration_hash, migration_id FROM _yoyo_migration');
}

/** As MySQL writes it; MariaDB says two things of it in other words. */
async function describeTable({ sql }: MysqlRegistry, table: string): Promise<string> {
  const [[, statement] = []] = await sql<[string, string]>(`SHOW CREATE TABLE ${table}`);
  const inOneWay = statement
    ?.replaceAll('current_timestamp()', 'CURRENT_TIMESTAMP')
    .replace(' COLLATE=latin1_swedish_ci', '');
  return `${inOneWay};\n`;
}
