import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { migrate } from '../../src/registry/migrate.ts';
import { openMysqlMigrations } from '../../src/registry/mysql/mysql-migrations.ts';
import type { MysqlSettings } from '../../src/registry/mysql/mysql-settings.ts';
import { createDatabase } from '../../test/support/databases.ts';
import { openDuck } from '../../test/support/parquet.ts';
import { createBenchRegistry } from '../bench-registry.ts';
import type { Program, Ran } from '../children.ts';
import type { Cost } from '../figures.ts';
import { figureOf, figuresOf, scaleOf } from '../figures.ts';
import type { Side } from '../pairs.ts';
import { demand, ratioOf, runOnce, wallOf } from '../pairs.ts';
import type { Database, Workload } from '../workload.ts';

const RUNS = 3;
const FREE = { full: 100_000, short: 5_000 };
const PEAK = { atMost: 200 };

/** In the order in which they are run. */
const STEPS = ['write', 'verify', 'restore to the server', 'restore to SQLite'] as const;
type Step = (typeof STEPS)[number];

/** What `export write --json` says. */
interface Told {
  readonly canonicalIds: { readonly rows: number; readonly digest: string };
  readonly mappings: { readonly rows: number; readonly digest: string };
}

export const exportAndBack: Workload = {
  name: 'export',
  question: 'What does a backup take, its proof, and the way back?',
  run:
    '`id-minter export write` to a folder, `export verify --against` the registry, `export restore --with-free` into an ' +
    'empty database and into a new SQLite file; both then hold what the registry holds, by the digests of their tables.',
  against: 'the floor: DuckDB reading every column of every row of the same files',
  server: true,
  async *measure({ database, folder, isShort, pairs, program, usualRows }) {
    await using registry = await createBenchRegistry(database, usualRows);
    await keepFree(registry.admin, database, isShort ? FREE.short : FREE.full);
    const built = await program();
    const path = join(folder, 'backup');
    const given = { built, path, source: registry.admin };
    const costs: Record<Step | 'DuckDB', Cost[]> = {
      ...{ write: [], verify: [], 'restore to the server': [], 'restore to SQLite': [] },
      DuckDB: [],
    };
    let told: Told | undefined;
    for (let run = 0; run < pairs(RUNS); run += 1) {
      await rm(path, { recursive: true, force: true });
      const measure = async (name: keyof typeof costs, side: Side): Promise<void> => {
        costs[name].push(await runOnce(side, database.meter));
      };
      await measure('write', async () => {
        let said = '';
        return {
          run: async () => {
            const ran = await onRegistry(given, ['write', path], registry.admin);
            said = ran.stdout;
            return ran;
          },
          verify: async () => {
            told = JSON.parse(said) as Told;
          },
        };
      });
      if (told === undefined) throw new Error('What was written is known.');
      const written = told;
      await measure('DuckDB', floorSide(path, written));
      await measure('verify', async () => ({
        run: () => onRegistry(given, ['verify', path], registry.admin, '--against'),
        verify: async () => {},
      }));
      await measure('restore to the server', serverSide(given, database, written));
      await measure('restore to SQLite', sqliteSide(given, folder, written));
    }
    const ratios = STEPS.map(step => {
      const runs = costs[step].map((ours, index) => ({
        ours,
        theirs: costs.DuckDB[index] ?? ours,
      }));
      return [`${step}, wall`, ratioOf(runs, wallOf)] as const;
    });
    const seconds = STEPS.map(step => [
      `${step}, seconds`,
      figureOf(costs[step].map(({ wallMs }) => wallMs / 1000)),
    ]);
    const peaks = STEPS.map(step => [
      `${step}, peak MiB above bare Node`,
      figureOf(
        costs[step].flatMap(({ peakMib }) => peakMib ?? []),
        PEAK
      ),
    ]);
    yield {
      at: { mappings: told?.mappings.rows ?? 0, 'pool IDs': isShort ? FREE.short : FREE.full },
      pairs: costs.write.length,
      figures: figuresOf(Object.fromEntries([...ratios, ...seconds, ...peaks])),
      scale: Object.fromEntries(Object.entries(costs).map(([name, runs]) => [name, scaleOf(runs)])),
    };
    await rm(path, { recursive: true });
  },
};

interface Given {
  readonly built: Program;
  readonly path: string;
  readonly source: MysqlSettings;
}

/** Registries of benchmarks are filled with more free IDs. */
async function keepFree(
  { database: name }: MysqlSettings,
  { admin }: Database,
  count: number
): Promise<void> {
  await admin.query(
    `DELETE FROM ??.canonical_ids WHERE Status = 'free' AND CanonicalId NOT IN (
       SELECT CanonicalId FROM (
         SELECT CanonicalId FROM ??.canonical_ids WHERE Status = 'free' ORDER BY CanonicalId LIMIT ?
       ) AS kept)`,
    [name, name, count]
  );
}

async function onRegistry(
  { built }: Given,
  args: readonly string[],
  settings: MysqlSettings,
  flag = '--registry'
): Promise<Ran> {
  return await built.idMinter(['export', ...args, '--json', flag, urlOf(settings)], {
    RDS_PASSWORD: await settings.password(),
  });
}

function urlOf({ user, host, port, database }: MysqlSettings): string {
  return `mysql://${user}@${host}:${port}/${database}`;
}

/** In this process: DuckDB is a library. */
function floorSide(path: string, { canonicalIds, mappings }: Told): Side {
  return async () => {
    const duck = await openDuck();
    const counted: string[] = [];
    return {
      run: async () => {
        for (const table of ['canonical_ids', 'identifiers']) {
          const [[rows] = []] = await duck.rows(
            `SELECT count(*), sum(hash(COLUMNS(*)))
             FROM read_parquet('${path}/identifiers/${table}/*/*.parquet')`
          );
          counted.push(rows ?? '');
        }
        return undefined;
      },
      verify: async () => {
        await duck[Symbol.asyncDispose]();
        demand(
          counted.join() === `${canonicalIds.rows},${mappings.rows}`,
          () => `DuckDB read ${counted} rows of ${canonicalIds.rows} and ${mappings.rows}.`
        );
      },
    };
  };
}

function serverSide(given: Given, database: Database, written: Told): Side {
  return async () => {
    const made = await createDatabase(database);
    const target: MysqlSettings = { ...given.source, database: made.name };
    const migrations = await openMysqlMigrations(target);
    await migrate(migrations);
    await migrations.close();
    return {
      run: () => onRegistry(given, ['restore', given.path, '--with-free'], target),
      verify: async () => {
        const again = `${given.path}-again`;
        const { stdout } = await onRegistry(given, ['write', again], target);
        demandSame(written, stdout);
        await rm(again, { recursive: true });
        await made.drop();
      },
    };
  };
}

function sqliteSide({ built, path }: Given, folder: string, written: Told): Side {
  return async () => {
    const file = join(folder, 'restored.sqlite');
    const registry = ['--json', '--registry', `sqlite:${file}`];
    return {
      run: () => built.idMinter(['export', 'restore', path, '--with-free', ...registry]),
      verify: async () => {
        const again = `${path}-again`;
        const { stdout } = await built.idMinter(['export', 'write', again, ...registry]);
        demandSame(written, stdout);
        await rm(again, { recursive: true });
        for (const end of ['', '-wal', '-shm']) await rm(`${file}${end}`, { force: true });
      },
    };
  };
}

function demandSame(written: Told, told: string): void {
  const restored = JSON.parse(told) as Told;
  const isSame =
    restored.canonicalIds.digest === written.canonicalIds.digest &&
    restored.mappings.digest === written.mappings.digest;
  demand(isSame, () => `${JSON.stringify(written)} was written, and restored was ${told}`);
}
