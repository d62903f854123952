import { beforeAll, describe, expect, test } from 'vitest';
import { findSqlFromData } from './support/sql-text.ts';

/** What nobody shall write: each function is one way to get a value into SQL text. */
const PLANTED = {
  'src/registry/planted.ts': `
import type { DatabaseSync } from 'node:sqlite';
import type { MysqlConnection } from './mysql/mysql-connection.ts';

export function inTemplate(connection: DatabaseSync, value: string): void {
  connection.exec(\`DELETE FROM identifiers WHERE SourceId = '\${value}'\`);
}
export function inMember(connection: DatabaseSync, { value }: { value: string }): void {
  connection.prepare('SELECT 1 FROM identifiers WHERE SourceId = ' + value);
}
export function inList(connection: DatabaseSync, values: readonly string[]): void {
  for (const value of values) connection.exec(value);
}
export function inVariable(connection: DatabaseSync): void {
  let sql = 'SELECT ';
  sql += process.title;
  connection.exec(sql);
}
export function inMysql(connection: MysqlConnection, source: { value: string }) {
  return connection.rows(\`SELECT '\${source.value}'\`);
}
export function fromOutside(connection: DatabaseSync, more: { value: string }): void {
  inTemplate(connection, process.title.trim());
  inMember(connection, { value: process.title });
  inMember(connection, more);
  inTemplate(connection, 'a constant, which is no harm');
}
`,
};

describe('SQL text', () => {
  let found: string[];

  beforeAll(() => {
    found = findSqlFromData(PLANTED);
  });

  test('is never built from data: values travel as parameters', () => {
    expect(found.filter(piece => !/planted|fromOutside/.test(piece))).toEqual([]);
  });

  test('that is built from data is found, however it gets there', () => {
    const at = (line: number, piece: string, why: string) =>
      `src/registry/planted.ts:${line}: ${piece} ${why}`;
    expect(found.filter(piece => /planted|fromOutside/.test(piece))).toEqual(
      [
        at(12, 'value', 'comes out of a list'),
        at(17, 'sql', 'is no constant'),
        at(20, 'source.value', 'is no constant'),
        at(23, 'process.title.trim()', 'is the answer of a function that cannot be read'),
        at(24, 'process.title', 'is no constant'),
        'fromOutside: its SQL text comes from outside the product',
      ].sort()
    );
  });
});
