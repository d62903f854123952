import { readFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import type { Connection } from 'mysql2/promise';
import { query } from './sql.ts';

/** What stands on all meters at one moment. */
export interface Reading {
  readonly clientCpuMs: number;
  readonly serverCpuMs?: number;
  readonly statements?: number;
  readonly rowsRead?: number;
  since(before: Reading): Omit<Reading, 'since'>;
}

export type Meter = () => Promise<Reading>;

/** Linux counts in hundredths of a second, whatever it counts in within. */
const TICK_MS = 10;

/** Of this process alone. */
export const clientMeter: Meter = async () => reading({ clientCpuMs: clientCpu() });

/**
 * Of this process and of a server: what it counts of all its sessions, and what its process took, where that is one of
 * this machine.
 */
export async function serverMeter(connection: Connection): Promise<Meter> {
  const pid = await findProcess(connection);
  return async () => {
    const counted = await readStatus(connection, ['Questions', 'Innodb_rows_read']);
    const serverCpuMs = pid === undefined ? undefined : await processCpu(pid);
    return reading({
      clientCpuMs: clientCpu(),
      ...(serverCpuMs !== undefined && { serverCpuMs }),
      ...counted,
    });
  };
}

/** Counters of the server by name. */
export async function readCounters(
  connection: Connection,
  names: readonly string[]
): Promise<ReadonlyMap<string, number>> {
  const rows = await query<[string, string]>(
    connection,
    'SHOW GLOBAL STATUS WHERE Variable_name IN (?)',
    [names]
  );
  return new Map(rows.map(([name, value]) => [name, Number(value)]));
}

async function readStatus(
  connection: Connection,
  names: readonly [statements: string, rowsRead: string]
): Promise<{ statements?: number; rowsRead?: number }> {
  const counters = await readCounters(connection, names);
  const [statements, rowsRead] = names.map(name => counters.get(name));
  return {
    ...(statements !== undefined && { statements }),
    ...(rowsRead !== undefined && { rowsRead }),
  };
}

function reading(values: Omit<Reading, 'since'>): Reading {
  const less = (after: number | undefined, before: number | undefined) =>
    after === undefined || before === undefined ? undefined : after - before;
  return {
    ...values,
    since(before) {
      const serverCpuMs = less(values.serverCpuMs, before.serverCpuMs);
      // The second look at the counters is a statement that they have counted already.
      const statements = less(less(values.statements, before.statements), 1);
      const rowsRead = less(values.rowsRead, before.rowsRead);
      return {
        clientCpuMs: values.clientCpuMs - before.clientCpuMs,
        ...(serverCpuMs !== undefined && { serverCpuMs }),
        ...(statements !== undefined && { statements }),
        ...(rowsRead !== undefined && { rowsRead }),
      };
    },
  };
}

function clientCpu(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** @returns undefined where the server runs elsewhere, or in a container with numbers of its own */
async function findProcess(connection: Connection): Promise<number | undefined> {
  const [row] = await query<[string, string]>(connection, 'SELECT @@pid_file, @@datadir');
  const [file = '', folder = ''] = row ?? [];
  try {
    const path = isAbsolute(file) ? file : join(folder, file);
    const pid = Number(await readFile(path, 'utf8'));
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8');
    return /mysqld|mariadbd/.test(command) ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** User and system time of a process and its threads. */
async function processCpu(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The name of the program stands in brackets and may hold spaces; the times are the 14th and 15th field.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}
