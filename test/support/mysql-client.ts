/**
 * Stands for the `mysql` client, which a machine may lack: runs the statements of standard input on the server and as the
 * user that the flags name. The password, which the client asks for, is in MYSQL_PWD.
 */
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { createConnection } from 'mysql2/promise';

const { values } = parseArgs({
  options: {
    host: { type: 'string' },
    port: { type: 'string' },
    user: { type: 'string' },
    password: { type: 'boolean' },
  },
});
const connection = await createConnection({
  host: values.host ?? '',
  port: Number(values.port),
  user: values.user ?? '',
  password: process.env['MYSQL_PWD'] ?? '',
  multipleStatements: true,
});
await connection.query(await text(process.stdin));
await connection.end();
