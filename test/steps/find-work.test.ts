import { describe, expect, test } from 'vitest';
import type { IdSource, PartitionStore } from '../../src/domain/partitions.ts';
import { findWork } from '../../src/steps/find-work.ts';

/** Holds what is written, under names of a length that fits. */
function storeAt(folder: string) {
  const files = new Map<string, string>();
  const store: PartitionStore = {
    name: folder,
    write: async (file, json) => {
      files.set(`${folder}/${file}`, json);
      return { uri: `${folder}/${file}`, bucket: 'b', key: file };
    },
  };
  return { store, files };
}

function numbers(length: number): IdSource & { read: number } {
  return {
    name: 'numbers',
    total: length,
    read: 0,
    async *ids() {
      for (; this.read < length; this.read += 1) yield String(this.read);
    },
  };
}

const NEVER = new AbortController().signal;
const bytesOf = (value: unknown) => Buffer.byteLength(JSON.stringify(value));

describe('finding work', () => {
  test('answers with the partitions themselves up to 200 KB of JSON, and with a manifest above', async () => {
    // Each of these references has 39 bytes beside its URL, and a comma.
    const options = { partitionSize: 1, jobId: 'j', signal: NEVER };
    const found = async (length: number, folder: string) => {
      const { store, files } = storeAt(folder);
      return { reply: await findWork({ ...options, source: numbers(length), store }), files };
    };
    const measured = bytesOf((await found(100, 'ü')).reply);
    const fitting = `ü${'x'.repeat(Math.floor((200 * 1024 - measured) / 100))}`;

    const short = await found(100, fitting);
    const long = await found(100, `${fitting}x`);

    expect(bytesOf(short.reply)).toBeGreaterThan(200 * 1024 - 100);
    expect(bytesOf(short.reply)).toBeLessThanOrEqual(200 * 1024);
    expect(short.files.size).toBe(100);
    const manifest = `${fitting}x/manifest.json`;
    expect(long.reply).toEqual({
      manifest: { s3_uri: manifest, bucket: 'b', key: 'manifest.json', partitions: 100 },
    });
    expect(JSON.parse(long.files.get(manifest) ?? '')).toEqual(
      Array.from({ length: 100 }, (_, place) => ({
        s3_uri: `${fitting}x/partition-${place}.json`,
        count: 1,
      }))
    );
  });

  test('reads no further ahead than a few partitions, however slow the store is', async () => {
    const source = numbers(1_000);
    const gate = Promise.withResolvers<void>();
    const { store } = storeAt('slow');
    const found = findWork({
      source,
      partitionSize: 10,
      jobId: 'j',
      signal: NEVER,
      store: {
        name: 'slow',
        write: async (file, json) => {
          await gate.promise;
          return await store.write(file, json);
        },
      },
    });
    await new Promise(resolve => setTimeout(resolve, 50));
    expect(source.read).toBeLessThanOrEqual(40);
    gate.resolve();
    expect(await found).toMatchObject({ partitions: { length: 100 } });
    expect(source.read).toBe(1_000);
  });

  test('says how far it is, and gives no half answer when it is ended between two partitions', async () => {
    const ending = new AbortController();
    const { store, files } = storeAt('ended');
    const told: number[] = [];
    const progress = (ids: number) => {
      told.push(ids);
      if (ids >= 30) ending.abort();
    };
    const options = { partitionSize: 10, jobId: 'j', signal: ending.signal, store, progress };
    await expect(findWork({ ...options, source: numbers(1_000) })).rejects.toThrow(/abort/i);
    expect(told.slice(0, 3)).toEqual([10, 20, 30]);
    expect(files.size).toBeLessThan(10);
  });
});
