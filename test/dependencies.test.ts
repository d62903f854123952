import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';

interface LockedPackage {
  readonly version: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly link?: boolean;
  readonly hasInstallScript?: boolean;
}

const read = (name: string) => readFile(new URL(`../${name}`, import.meta.url), 'utf8');
const manifest = JSON.parse(await read('package.json'));
const lock: Record<string, LockedPackage> = JSON.parse(await read('package-lock.json')).packages;

/** All that may be used, changed and passed on by anybody, for no more than a line of thanks. */
const PERMISSIVE = [
  ...['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'BlueOak-1.0.0', 'ISC', 'MIT'],
  '(MIT OR CC0-1.0)',
];

/** What comes along with the package, and the Node of a checkout. */
const runtime = Object.entries(lock).filter(
  ([path, { dev, link }]) => path !== '' && dev !== true && link !== true
);

describe('what the product is made of', () => {
  test('has permissive licences throughout', () => {
    expect(runtime.length).toBeGreaterThan(Object.keys(manifest.dependencies).length);
    const others = runtime.filter(([, { license = 'none' }]) => !PERMISSIVE.includes(license));
    expect(others.map(([path, { license }]) => `${path}: ${license}`)).toEqual([]);
  });

  test('runs nothing when it is installed', () => {
    const scripts = runtime.filter(([, { hasInstallScript }]) => hasInstallScript);
    expect(scripts.map(([path]) => path)).toEqual([]);
  });

  test('has a reason for each dependency, in CONTRIBUTING.md', async () => {
    const page = await read('CONTRIBUTING.md');
    const [, section = ''] = page.split('\n## Runtime dependencies\n');
    const [table = ''] = section.split('\n## ');
    const rows = [...table.matchAll(/^\| `([^`]+)` \| (.+) \| (.+) \|$/gm)];
    expect(rows.map(([, name]) => name)).toEqual(Object.keys(manifest.dependencies));
    expect(rows.filter(([, , , why = '']) => why.length < 20)).toEqual([]);
  });
});
