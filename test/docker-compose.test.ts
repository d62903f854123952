import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';

const Compose = z.strictObject({
  services: z.strictObject({
    mysql: z.strictObject({
      image: z.string(),
      container_name: z.string(),
      environment: z.record(z.string(), z.string()),
      ports: z.array(z.string()),
      volumes: z.array(z.string()),
      healthcheck: z.strictObject({
        test: z.array(z.string()),
        interval: z.string(),
        timeout: z.string(),
        retries: z.number(),
        start_period: z.string(),
      }),
    }),
  }),
  volumes: z.record(z.string(), z.null()),
});

async function readCompose() {
  const path = new URL('../mysql.docker-compose.yml', import.meta.url);
  return Compose.parse(parse(await readFile(path, 'utf8')));
}

test('the desk’s MySQL is what its users know: version, container, database, user, password', async () => {
  const { mysql } = (await readCompose()).services;
  expect(mysql.image).toBe('mysql:8.0');
  expect(mysql.container_name).toBe('id-minter-mysql');
  expect(mysql.environment).toMatchObject({
    MYSQL_DATABASE: 'identifiers',
    MYSQL_USER: 'id_minter',
    MYSQL_PASSWORD: 'id_minter',
  });
});

test('the desk’s MySQL listens where the settings look by default, and to this machine only', async () => {
  const { mysql } = (await readCompose()).services;
  expect(mysql.ports).toEqual(['127.0.0.1:3306:3306']);
});

test('the desk’s MySQL keeps its data over `down` in a volume that `down -v` removes', async () => {
  const compose = await readCompose();
  expect(compose.services.mysql.volumes).toEqual(['id-minter-mysql:/var/lib/mysql']);
  expect(Object.keys(compose.volumes)).toEqual(['id-minter-mysql']);
});

test('the desk’s MySQL is healthy only when the minter’s user reaches its database over the network', async () => {
  const { healthcheck } = (await readCompose()).services.mysql;
  expect(healthcheck.test).toEqual([
    'CMD',
    'mysql',
    '--protocol=tcp',
    '--host=127.0.0.1',
    '--user=id_minter',
    '--password=id_minter',
    '--execute=SELECT 1',
    'identifiers',
  ]);
});
