import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const SCHEMAS = fileURLToPath(new URL('../../schemas', import.meta.url));

/** The names of the published schemas, without what all file names have. */
export const SCHEMA_NAMES = globSync('*.schema.json', { cwd: SCHEMAS }).map(path =>
  basename(path, '.schema.json')
);

/** What a schema has against values, read as a program of somebody else's does: from the published file alone. */
export function refusals(name: string, values: readonly unknown[]): string[] {
  const path = `${SCHEMAS}/${name}.schema.json`;
  const schema = z.fromJSONSchema(JSON.parse(readFileSync(path, 'utf8')));
  return values.flatMap(value => {
    const { error } = schema.safeParse(value);
    return error ? [`${JSON.stringify(value)}: ${error.message}`] : [];
  });
}
