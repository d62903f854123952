/** Disks that are full: small ones, mounted for it. */
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Random } from '../../scripts/invented-identifiers.ts';
import { between } from '../../scripts/invented-identifiers.ts';
import type { MintRequest } from '../../src/domain/registry.ts';
import { workOf } from '../../test/cli/works.ts';
import { createMysqlRegistry } from '../../test/registry/mysql/mysql-registry.ts';
import { folio } from '../../test/support/identifiers.ts';
import { keep, release } from '../../test/support/servers/caretaker.ts';
import type { ServerKind } from '../../test/support/servers/kinds.ts';
import { startServer } from '../../test/support/servers/start-server.ts';
import type { Dump } from '../../test/support/store-kinds.ts';
import type { Figures } from '../campaign.ts';
import { demandEqual } from '../campaign.ts';
import { dumpOf } from '../registry-dump.ts';
import {
  demandCompletion,
  demandFailure,
  demandNothingLeft,
  MINT,
  openDeskOn,
  SOURCES,
} from './commands.ts';

const ROOM = '32m';
const PAGE = 4_096;
/** What a server's data folder takes before anything is in it, with room for its logs. */
const SERVER_ROOM = '400m';
const SERVER_ARGS: Record<ServerKind, readonly string[]> = {
  mysql: ['--innodb-buffer-pool-size=64M', '--innodb-redo-log-capacity=8M'],
  mariadb: ['--innodb-buffer-pool-size=64M', '--innodb-log-file-size=8M'],
};

/** The disk under a registry in a file; how much room there is decides in which batch it is full. */
export async function fillDiskOfFile(random: Random): Promise<Figures> {
  await using desk = await openDeskOn(undefined);
  await using disk = await mountDisk(desk.path('disk'));
  desk.environment = { ID_MINTER_REGISTRY: 'sqlite:disk/ids.sqlite' };
  demandEqual('A top-up', (await desk.run(['pool', 'top-up', '--target', '700'])).status, 0);
  await disk.leave(PAGE * between(0, 25, random));
  demandFailure(await desk.run(MINT), { status: 4, code: 'REGISTRY_UNAVAILABLE', says: /disk/ });
  await demandNothingLeft(desk);
  disk.resize(ROOM);
  const dump = async () => dumpFile(desk.path('disk/ids.sqlite'));
  await demandCompletion(desk, { before: await dump(), dump });
  return { 'full disks': 1 };
}

/** The disks of the target, of the report and of temporary files. */
export async function fillDiskOfTarget(random: Random): Promise<Figures> {
  const noise = () => Array.from({ length: 30 }, () => random().toString(36)).join('');
  const waiting = SOURCES.map(predecessor => ({ source: folio(predecessor.value), predecessor }));
  const cases: [args: readonly string[], target: string, requests: readonly MintRequest[]][] = [
    [['--target', 'disk/out.ndjson'], 'disk/out.ndjson', []],
    [['--target', 'out.ndjson', '--report', 'disk/report.json'], 'out.ndjson', []],
    [['--target', 'out.ndjson'], 'out.ndjson', waiting],
  ];
  for (const [flags, target, before] of cases) {
    const requests = [...before, ...SOURCES.map((source): MintRequest => ({ source }))];
    const works = requests.map(({ source, predecessor }) => ({
      ...workOf(source, predecessor ? { predecessor } : {}),
      noise: noise(),
    }));
    await using desk = await openDeskOn(undefined, works);
    await using disk = await mountDisk(desk.path('disk'));
    const isTemporary = before.length > 0;
    desk.environment = {
      ID_MINTER_REGISTRY: 'sqlite:ids.sqlite',
      ...(isTemporary && { TMPDIR: desk.path('disk') }),
    };
    await disk.leave(PAGE * between(0, 10, random));
    const args = ['mint', 'works.ndjson', '--batch-size', '100', ...flags];
    demandFailure(await desk.run(args), { status: 4, code: 'TARGET_FAILED', says: /disk is full/ });
    await demandNothingLeft(desk);
    demandEqual('Files on the full disk', await readdir(desk.path('disk')), []);
    disk.resize(ROOM);
    const dump = async () => dumpFile(desk.path('ids.sqlite'));
    await demandCompletion(desk, { args, target, requests, before: await dump(), dump });
  }
  return { 'full disks': cases.length };
}

/** The disk under the data of the server itself. */
export async function fillDiskOfServer(kind: ServerKind): Promise<Figures> {
  const folder = await mkdtemp(join(tmpdir(), 'id-minter-full-'));
  try {
    await using disk = await mountDisk(join(folder, 'disk'), SERVER_ROOM);
    await using server = await startServer(kind, {
      dataDir: disk.path('data'),
      extraArgs: SERVER_ARGS[kind],
    });
    await using registry = await createMysqlRegistry(server, { free: 10_000 });
    const long = 'x'.repeat(240);
    const works = SOURCES.map((source, index) =>
      workOf(source, { subjects: [1, 2, 3, 4].map(n => folio(`${long} ${n} ${index}`)) })
    );
    await using desk = await openDeskOn(registry, works);
    const balloon = disk.path('balloon');
    await fill(balloon);
    demandFailure(await desk.run(MINT), {
      status: 4,
      code: 'REGISTRY_UNAVAILABLE',
      says: /room|full/,
    });
    await demandNothingLeft(desk);
    await rm(balloon);
    const subjects = SOURCES.flatMap((_, index) =>
      [1, 2, 3, 4].map(n => ({ source: folio(`${long} ${n} ${index}`) }))
    );
    const requests = [...SOURCES.map(source => ({ source })), ...subjects];
    const before = await dumpOf(registry);
    await demandCompletion(desk, { requests, before, dump: () => dumpOf(registry) });
    return { 'full disks': 1 };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Disk extends AsyncDisposable {
  path(name: string): string;
  resize(size: string): void;
  /** Leaves so many bytes free. */
  leave(bytes: number): Promise<void>;
}

/**
 * A disk in memory; disposal takes it away.
 *
 * @throws Error where this machine does not let us mount one: the campaign is not passed by leaving it out
 */
async function mountDisk(path: string, size = ROOM): Promise<Disk> {
  await mkdir(path);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path], { stdio: 'pipe' });
  } catch (cause) {
    throw new Error(
      `A small disk cannot be mounted (${cause instanceof Error ? cause.message.trim() : cause}). Run this campaign ` +
        'as root on Linux; in a container, with the right to mount (--cap-add SYS_ADMIN).',
      { cause }
    );
  }
  keep(`disk ${path}`);
  const resize = (to: string) => {
    execFileSync('mount', ['-o', `remount,size=${to}`, path]);
  };
  return {
    path: name => join(path, name),
    resize,
    leave: async bytes => {
      const { blocks, bfree, bsize } = await statfs(path);
      resize(`${Math.max(bsize, (blocks - bfree) * bsize + bytes)}`);
    },
    async [Symbol.asyncDispose]() {
      execFileSync('umount', ['-l', path]);
      release(`disk ${path}`);
    },
  };
}

/** Writes a file until the disk has no byte left. */
async function fill(path: string): Promise<void> {
  const { bfree, bsize } = await statfs(join(path, '..'));
  try {
    await writeFile(path, Buffer.alloc(bfree * bsize + bsize));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}

function dumpFile(path: string): Dump {
  using connection = new DatabaseSync(path, { timeout: 5_000 });
  const read = (statement: string) => {
    const prepared = connection.prepare(statement);
    prepared.setReturnArrays(true);
    return prepared.all() as unknown as unknown[][];
  };
  demandEqual('The integrity of the file', read('PRAGMA integrity_check'), [['ok']]);
  return {
    identifiers: read('SELECT OntologyType, SourceSystem, SourceId, CanonicalId FROM identifiers'),
    canonicalIds: read('SELECT CanonicalId, Status FROM canonical_ids'),
  };
}
