import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { sharedDataFolder } from '../support/shared-data.ts';
import { openDeskOn, REGISTRY_KINDS } from './desk-on-registry.ts';
import { fromLines, toLines } from './works.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url));
const folder = sharedDataFolder();

/** A work of `works-identified.ndjson`: what it becomes, and which IDs it needs for that. */
interface IdentifiedWork {
  readonly _id: string;
  readonly _sourceDocumentId: string;
  readonly _source: { readonly state: { readonly sourceIdentifier: object } };
  readonly _mintRequests: readonly {
    readonly source: readonly [string, string, string];
    readonly canonicalId: string;
  }[];
}

interface WrittenWork {
  readonly _id: string;
  readonly _source: { readonly state: { readonly sourceIdentifier: object } };
}

describe.each(REGISTRY_KINDS)('the examples that come along, on $name', kind => {
  test('are minted without an error, and without anything new the second time', async () => {
    await using desk = await openDeskOn(kind);
    const args = ['mint', join(EXAMPLES, 'works.ndjson'), '--json', '--apply-migrations'];

    const first = await desk.run([...args, '--target', 'first.ndjson']);
    const again = await desk.run([...args, '--target', 'again.ndjson']);

    expect([first.status, again.status]).toEqual([0, 0]);
    const { works, identifiers } = JSON.parse(first.stdout);
    expect(works).toEqual({ succeeded: 12, failed: 0 });
    expect(JSON.parse(again.stdout).identifiers).toEqual({
      existing: identifiers.existing + identifiers.inherited + identifiers.minted,
      inherited: 0,
      minted: 0,
    });
    expect(await desk.read('again.ndjson')).toBe(await desk.read('first.ndjson'));
  });
});

// Only where the folder with the real data is given; the run says so at its start.
describe.each(folder === undefined ? [] : REGISTRY_KINDS)('real data, on $name', kind => {
  const data = folder ?? '';

  test('10,000 identifiers are minted, and found again with the same IDs', async () => {
    await using desk = await openDeskOn(kind);
    const args = ['assign', '--source', join(data, 'identifiers_sample.csv'), '--json'];

    const first = await desk.run([...args, '--target', 'first.csv', '--apply-migrations']);
    const again = await desk.run([...args, '--target', 'again.csv']);

    expect(first.status).toBe(0);
    expect(JSON.parse(first.stdout)).toEqual({
      identifiers: { existing: 0, inherited: 0, minted: 10_000, failed: 0 },
      errors: {},
      warnings: {},
    });
    expect(JSON.parse(again.stdout)).toMatchObject({
      identifiers: { existing: 10_000, inherited: 0, minted: 0, failed: 0 },
    });
    const rows = await desk.read('first.csv');
    expect(await desk.read('again.csv')).toBe(rows.replaceAll(',minted,', ',existing,'));
    const ids = rows
      .trimEnd()
      .split('\n')
      .slice(1)
      .map(row => row.split(',').at(-4));
    expect(new Set(ids).size).toBe(10_000);
    const [[assigned]] = (await desk.registry.sql(
      "SELECT COUNT(*) FROM canonical_ids WHERE Status = 'assigned'"
    )) as [[number]];
    expect(assigned).toBe(10_000);
  });

  test('26 of 29 works are minted into an empty registry; 3 name predecessors that are not there', async () => {
    await using desk = await openDeskOn(kind);

    const { status, stdout } = await desk.run([
      ...['mint', join(data, 'works-source.ndjson'), '--apply-migrations', '--json'],
      ...['--target', 'minted.ndjson', '--report', 'report.json'],
    ]);

    expect(status).toBe(1);
    expect(JSON.parse(stdout).works).toEqual({ succeeded: 26, failed: 3 });
    const { errors } = JSON.parse(await desk.read('report.json'));
    expect(errors.map(({ code }: { code: string }) => code)).toEqual(
      Array.from({ length: 3 }, () => 'PREDECESSOR_NOT_FOUND')
    );
  });

  test('with the known IDs imported, every work comes out as the pipeline of today writes it', async () => {
    await using desk = await openDeskOn(kind);
    const golden = fromLines<IdentifiedWork>(
      await readFile(join(data, 'works-identified.ndjson'), 'utf8')
    );
    await desk.write(
      'known.ndjson',
      toLines(
        golden.flatMap(({ _mintRequests: requests }) =>
          requests.map(({ source: [ontologyType, sourceSystem, value], canonicalId }) => ({
            canonicalId,
            source: { ontologyType, sourceSystem, value },
          }))
        )
      )
    );
    await desk.run(['migrate']);
    const imported = await desk.run(['import', 'known.ndjson', '--json']);

    const { status, stdout } = await desk.run([
      ...['mint', join(data, 'works-source.ndjson'), '--json', '--target', 'minted.ndjson'],
    ]);

    expect(JSON.parse(imported.stdout)).toMatchObject({ mappings: { failed: 0 } });
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      works: { succeeded: 29, failed: 0 },
      identifiers: { inherited: 0, minted: 0 },
      warnings: { SHARED_DOCUMENT_ID: 1 },
    });
    const minted = fromLines<WrittenWork>(await desk.read('minted.ndjson'));
    expect(minted).toHaveLength(28);
    const nameOf = ({ _source: { state } }: WrittenWork) => JSON.stringify(state.sourceIdentifier);
    const expected = new Map(golden.map(work => [nameOf(work), work]));
    for (const work of minted) {
      const { _id, _source } = expected.get(nameOf(work)) ?? {};
      expect(work).toMatchObject({ _id });
      expect(work._source).toEqual(_source);
    }
    expect(new Set(minted.map(({ _id }) => _id)).size).toBe(28);
  });
});
