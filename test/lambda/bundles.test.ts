/** What `npm run build:lambda` makes. */
import { readFile, stat } from 'node:fs/promises';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LambdaName } from '../../scripts/build-lambdas.ts';
import { buildLambdas, LAMBDAS } from '../../scripts/build-lambdas.ts';
import type { TemporaryFolder } from '../support/temporary-folder.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const NAMES = Object.keys(LAMBDAS) as LambdaName[];
const MIB = 1024 * 1024;

let folder: TemporaryFolder;

beforeAll(async () => {
  folder = await temporaryFolder();
  for (const build of ['one', 'two']) await buildLambdas(folder.path(build));
}, 300_000);

afterAll(() => folder?.[Symbol.asyncDispose]());

const read = (path: string) => readFile(folder.path(path));

describe.each(NAMES)('the bundle of %s', name => {
  test('has at most 5 MB', async () => {
    const { size } = await stat(folder.path(`one/${name}.zip`));
    expect(size).toBeLessThan(5 * MIB);
  });

  test('holds the code, the migrations and the version, and no source map', async () => {
    const names = Object.keys(unzipSync(await read(`one/${name}.zip`)));
    expect(names).toEqual(
      expect.arrayContaining([
        ...['index.mjs', 'package.json'],
        'migrations/mysql/0001_create_identifiers_schema.sql',
        'migrations/mysql/0001_create_identifiers_schema.rollback.sql',
      ])
    );
    expect(names.filter(file => !/\.(mjs|sql)$|^package\.json$/.test(file))).toEqual([]);
  });

  test('is the same to the byte when it is made again', async () => {
    expect((await read(`one/${name}.zip`)).equals(await read(`two/${name}.zip`))).toBe(true);
  });

  test('has its source map beside it', async () => {
    const { sources } = JSON.parse((await read(`one/${name}/index.mjs.map`)).toString());
    expect(sources.some((path: string) => path.endsWith(`src/lambda/${LAMBDAS[name]}.ts`))).toBe(
      true
    );
  });
});
