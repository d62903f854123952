/** What every place promises that works come from and go to, whether a file or an index. */
import { describe, expect, test } from 'vitest';
import type { MintedText, MintedWork } from '../../../src/domain/documents.ts';
import type { KeptText } from '../../../src/domain/identified-work.ts';
import { isIdentified } from '../../../src/domain/identified-work.ts';
import { readWorkAsWritten } from '../../../src/domain/work-text.ts';
import { workOf } from '../../cli/works.ts';
import { allOf } from '../../support/byte-streams.ts';
import type { Stored } from '../../support/elasticsearch/test-index.ts';
import { sierra, someIds } from '../../support/identifiers.ts';
import { DOCUMENTS } from './documents.ts';

const works = (count: number): Stored[] =>
  Array.from({ length: count }, (_, number) => ({
    _id: `Work[sierra-system-number/b${number}]`,
    _source: workOf(sierra(`b${number}`)),
  }));

const minted = (stored: readonly Stored[]): MintedWork[] => {
  const ids = someIds(stored.length);
  return stored.flatMap(({ _source }, number) => {
    const _id = ids[number];
    const value = { _id, _source };
    const content = number % 2 === 0 ? { value } : textOf(value);
    return _id ? [{ place: `line ${number + 1}`, canonicalId: _id, content }] : [];
  });
};

const textOf = (value: { readonly _source: unknown }): MintedText => {
  const [json, { length }] = [value, value._source].map(part =>
    Buffer.from(JSON.stringify(part))
  ) as [Buffer, Buffer];
  return { json, document: json.subarray(-1 - length, -1) };
};

const inOrder = (all: readonly Stored[]) =>
  [...all].sort((a, b) => Number(a._id > b._id) - Number(a._id < b._id));

describe.each(DOCUMENTS)('works from $name', documents => {
  test('come each once, with their document and the name that the source has for them', async () => {
    const stored = works(1_234);
    await using source = await documents.openSource(stored);
    const read = await allOf(source.works());
    const found = read.map(work => {
      if (!isIdentified(work)) throw work.fault.error;
      const { text } = work.kept as KeptText;
      return { _id: String(work.id), _source: readWorkAsWritten(text).document };
    });
    expect(inOrder(found)).toEqual(inOrder(stored));
    expect(new Set(read.map(({ place }) => place)).size).toBe(stored.length);
  });

  test('may be none', async () => {
    await using source = await documents.openSource([]);
    expect(await allOf(source.works())).toEqual([]);
  });

  test('are counted as they are read, in number and in share', async () => {
    await using source = await documents.openSource(works(5_000));
    const shares: number[] = [];
    let count = 0;
    for await (const _work of source.works()) {
      count += 1;
      const reading = source.reading?.();
      expect(reading?.items).toBe(count);
      if (count % 1_000 === 0) shares.push(reading?.share ?? Number.NaN);
    }
    // A few blocks ahead of what was given at most; these works are small and alike, so that packed they are nothing.
    for (const [index, share] of shares.entries()) {
      expect(share).toBeGreaterThanOrEqual((index + 1) / 5 - 0.01);
      expect(share).toBeLessThan((index + 1) / 5 + 0.15);
    }
    expect(shares.at(-1)).toBe(1);
  });

  test('may be left before their end', async () => {
    await using source = await documents.openSource(works(5_000));
    for await (const work of source.works()) {
      expect(isIdentified(work)).toBe(true);
      break;
    }
  });
});

describe.each(DOCUMENTS)('works to $name', documents => {
  test('stand in it under their canonical IDs when it is complete', async () => {
    await using opened = await documents.openTarget();
    const sources = works(1_234);
    const all = minted(sources);
    for (let start = 0; start < all.length; start += 500) {
      expect(await opened.target.write(all.slice(start, start + 500))).toEqual(new Map());
    }
    await opened.target.complete();
    const expected = all.flatMap(({ canonicalId }, number) => {
      const source = sources[number];
      return source ? [{ ...source, _id: canonicalId }] : [];
    });
    expect(inOrder(await opened.read())).toEqual(inOrder(expected));
  });

  test('may be none', async () => {
    await using opened = await documents.openTarget();
    expect(await opened.target.write([])).toEqual(new Map());
    await opened.target.complete();
    expect(await opened.read()).toEqual([]);
  });

  test('may be taken back after completion without effect', async () => {
    await using opened = await documents.openTarget();
    await opened.target.write(minted(works(1)));
    await opened.target.complete();
    await opened.target.discard();
    expect(await opened.read()).toHaveLength(1);
  });
});
