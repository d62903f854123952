import { readFileSync } from 'node:fs';

/** The version of this program, from package.json, which stands two folders up in a checkout and in the package. */
export const VERSION: string = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
).version;

/** Where faults of the program are reported. */
export const ISSUES = 'the issue tracker of ID Minter';
