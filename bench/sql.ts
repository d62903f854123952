import type { Connection } from 'mysql2/promise';

/** The rows that a statement answers, as arrays. */
export async function query<Row extends unknown[]>(
  connection: Connection,
  sql: string,
  values: readonly unknown[] = []
): Promise<Row[]> {
  const [rows] = await connection.query({ sql, values: [...values], rowsAsArray: true });
  return rows as unknown as Row[];
}
