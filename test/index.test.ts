import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { IdMinterError, isCanonicalId, openRegistry, parseSourceIdentifier } from '../src/index.ts';

const source = parseSourceIdentifier('Work[sierra-system-number/b1000001]');

describe('the library', () => {
  test('mints into a new file by its URL alone, and finds the same ID again', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'id-minter-library-'));
    const url = `sqlite:${join(folder.path, 'registry.sqlite')}`;
    const ids: unknown[] = [];
    for (const outcome of ['minted', 'existing']) {
      await using registry = await openRegistry(url);
      const { answers } = await registry.mint([{ source }]);
      expect(answers).toMatchObject([{ source, outcome }]);
      ids.push(answers[0]?.canonicalId);
    }
    expect(isCanonicalId(ids[0])).toBe(true);
    expect(ids[1]).toBe(ids[0]);
  });

  test('refuses in its one error class, whose code says why', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'id-minter-library-'));
    const absent = `sqlite:${join(folder.path, 'absent.sqlite')}`;
    await expect(openRegistry('postgres://localhost/ids')).rejects.toThrow(IdMinterError);
    await expect(openRegistry(absent, { purpose: 'read' })).rejects.toMatchObject({
      code: 'REGISTRY_NOT_FOUND',
    });
  });

  test('fills no pool that was told to stay as it is', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'id-minter-library-'));
    const url = `sqlite:${join(folder.path, 'registry.sqlite')}`;
    await using registry = await openRegistry(url, { topUp: false });
    const { answers } = await registry.mint([{ source }]);
    expect(answers).toMatchObject([{ error: { code: 'POOL_EXHAUSTED' } }]);
  });
});
