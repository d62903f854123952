/** `id-minter mint --dry-run --against`: a real index, with differences planted in it. */
import { describe, expect, inject, test } from 'vitest';
import type { Desk } from '../../support/command-line.ts';
import { openDesk } from '../../support/command-line.ts';
import { openProxy } from '../../support/elasticsearch/proxy.ts';
import type { Stored, TestIndex } from '../../support/elasticsearch/test-index.ts';
import { openTestIndex } from '../../support/elasticsearch/test-index.ts';
import { folio, heading, sierra } from '../../support/identifiers.ts';
import type { Minted } from '../works.ts';
import { toLines, workOf, written } from '../works.ts';

const { url } = inject('elasticsearch');

const COUNT = 1_200;

interface Setting extends AsyncDisposable {
  readonly desk: Desk;
  readonly index: TestIndex;
  /** The documents that the index holds, by the value of their source identifier. */
  readonly held: ReadonlyMap<string, Stored>;
  /** Plants something in the place of one of them. */
  plant(value: string, json: string): Promise<void>;
  compare(...args: string[]): Promise<Compared>;
}

interface Compared {
  readonly status: number | null;
  readonly against: Record<string, number>;
  readonly stderr: string;
}

/** Works that were minted from a file into an index, both of which are still there. */
async function openSetting(count = COUNT): Promise<Setting> {
  const [desk, index] = [await openDesk(), await openTestIndex()];
  desk.environment = { ID_MINTER_REGISTRY: 'sqlite:registry.sqlite', ES_URL: url };
  const works = Array.from({ length: count }, (_, number) => ({
    ...workOf(sierra(`b${number}`), { subjects: [heading('Person', 'n1')] }),
    number,
  }));
  await desk.write('works.ndjson', toLines(works));
  const minted = await desk.run(['mint', 'works.ndjson', '--target-index', index.index]);
  expect(minted.status).toBe(0);
  const held = new Map(
    (await index.read()).map(stored => [
      (stored._source as Minted).state.sourceIdentifier.value,
      stored,
    ])
  );
  return {
    desk,
    index,
    held,
    plant: async (value, json) => await index.put([{ _id: held.get(value)?._id ?? '', json }]),
    compare: async (...args) => {
      const { status, stdout, stderr } = await desk.run([
        ...['mint', 'works.ndjson', '--dry-run', '--against', index.index, '--json', ...args],
      ]);
      return { status, against: JSON.parse(stdout).against, stderr };
    },
    async [Symbol.asyncDispose]() {
      for (const one of [desk, index]) await one[Symbol.asyncDispose]();
    },
  };
}

const NONE = { different: 0, absent: 0, newly_failing: 0, new: 0 };

describe('mint --dry-run --against', () => {
  test('finds an index the same that holds what the run would write, however it is laid out', async () => {
    await using setting = await openSetting();
    const seventh = JSON.stringify(setting.held.get('b7')?._source);
    const { type, ...more } = JSON.parse(seventh);
    const upsideDown = JSON.stringify({ ...more, type });
    await setting.plant('b7', upsideDown.replace('"number":7', ' "number" : 7.0'));
    expect(await setting.index.readText()).toContain('"number" : 7.0');

    const { status, against, stderr } = await setting.compare();

    expect(against).toEqual({ ...NONE, same: COUNT });
    expect(status).toBe(0);
    expect(stderr).toContain(
      `Against the index: ${COUNT} same, 0 different, 0 absent, 0 newly failing.`
    );
  });

  test('names what differs at its first place, and what is not there, and writes nothing', async () => {
    await using setting = await openSetting();
    const { desk, held, index } = setting;
    const [seventh, eighth] = [held.get('b7'), held.get('b8')];
    const otherId = JSON.stringify(seventh?._source).replace(
      /(n1".*?"canonicalId":")\w{8}/s,
      '$1zzzzzzzz'
    );
    await setting.plant('b7', otherId);
    await setting.plant('b8', JSON.stringify(eighth?._source).replace('"Visible"', '"Deleted"'));
    await index.remove(held.get('b1100')?._id ?? '');
    const before = await index.read();

    const { status, against, stderr } = await setting.compare('--report', 'report.json');

    expect(status).toBe(6);
    expect(against).toEqual({ ...NONE, same: COUNT - 3, different: 2, absent: 1 });
    expect(stderr).toMatch(
      new RegExp(
        `^warning DOCUMENT_DIFFERS: line 8: ${seventh?._id} differs .*${index.index} at ` +
          'data.subjects\\[0\\].id.canonicalId: the run would write "\\w{8}", and the index has "zzzzzzzz"',
        'm'
      )
    );
    expect(stderr).toMatch(
      /^warning DOCUMENT_DIFFERS: line 9: .* at type: .* "Visible", and the index has "Deleted"/m
    );
    expect(stderr).toMatch(/^warning DOCUMENT_ABSENT: line 1101: /m);
    const { warned, against: reported } = JSON.parse(await desk.read('report.json'));
    expect(reported).toEqual(against);
    expect(warned.map(({ code }: { code: string }) => code)).toEqual([
      ...['DOCUMENT_DIFFERS', 'DOCUMENT_DIFFERS', 'DOCUMENT_ABSENT'],
    ]);
    expect(warned[1].details).toMatchObject({ path: 'type', minted: '"Visible"' });
    expect(await index.read()).toEqual(before);
  });

  test('counts as newly failing what fails and is in the index, and no other failure', async () => {
    await using setting = await openSetting(3);
    const { desk, held } = setting;
    const unknown = { predecessorIdentifier: written(sierra('b9')) };
    const failing = (value: string) => ({
      ...workOf(sierra(value)),
      redirectTarget: { sourceIdentifier: written(folio(`f-${value}`)), ...unknown },
    });
    // b2 shares the ID that was b1's: the document that stands under it is b1's.
    const shared = `${held.get('b1')?._id},Work,sierra-system-number,b5`;
    await desk.write('shared.csv', `CanonicalId,OntologyType,SourceSystem,SourceId\n${shared}\n`);
    await desk.run(['import', 'shared.csv']);
    await desk.write(
      'works.ndjson',
      toLines([failing('b0'), failing('b5'), failing('b6'), { state: {} }])
    );

    const { status, against, stderr } = await setting.compare();

    expect(status).toBe(1);
    expect(against).toEqual({ ...NONE, same: 0, newly_failing: 1 });
    expect(stderr).toMatch(
      new RegExp(
        '^warning NEWLY_FAILING: Work\\[sierra-system-number/b0\\] fails in this run ' +
          `\\(PREDECESSOR_NOT_FOUND\\), and .* holds its document ${held.get('b0')?._id}`,
        'm'
      )
    );
    expect(stderr.match(/^warning NEWLY_FAILING/gm)).toHaveLength(1);
  });

  test('only counts works that would be new, and compares those that would inherit', async () => {
    await using setting = await openSetting(2);
    const { desk } = setting;
    await desk.write(
      'works.ndjson',
      toLines([
        workOf(sierra('b100')),
        workOf(folio('f1'), { predecessor: sierra('b1') }),
        { ...workOf(sierra('b0'), { subjects: [heading('Person', 'n2')] }), number: 0 },
      ])
    );

    const { status, against, stderr } = await setting.compare();

    expect(status).toBe(6);
    expect(against).toEqual({ ...NONE, same: 0, different: 2, new: 1 });
    expect(stderr).toContain('1 work has no canonical ID yet, and could not be compared.');
    expect(stderr).toMatch(/line 2: .* at state.sourceIdentifier.identifierType.id: /);
  });

  test('takes a URL, works from an index, and a cluster that fails at times', async () => {
    await using setting = await openSetting(1_000);
    const { desk, index, held } = setting;
    await using source = await openTestIndex();
    const works = (await desk.read('works.ndjson')).trimEnd().split('\n');
    await source.put(
      works.map((json, number) => ({ _id: `Work[sierra-system-number/b${number}]`, json }))
    );
    await setting.plant(
      'b500',
      JSON.stringify({ ...(held.get('b500')?._source as Minted), more: 1 })
    );
    await using proxy = await openProxy(url, ({ nth }) => (nth % 3 === 1 ? 'half' : undefined));

    const { status, stdout, stderr } = await desk.run([
      ...['mint', '--full', '--source', `${url}/${source.index}`, '--dry-run', '--json'],
      ...['--against', `${proxy.url}/${index.index}`],
    ]);

    expect(status).toBe(6);
    expect(JSON.parse(stdout).against).toEqual({ ...NONE, same: 999, different: 1 });
    expect(stderr).toMatch(
      /Work\[sierra-system-number\/b500\]: .* at more: the run would write nothing, and the index has 1\./
    );
    const asked = proxy.requests.filter(({ path }) => !/_search|_mget/.test(path));
    expect(asked).toEqual([]);
  });

  test.each([
    [['--against', 'works'], 2, '--against compares, and writes nothing: say --dry-run with it'],
    [['--dry-run', '--against', 'not-there'], 3, 'not-there is not there'],
    [['--dry-run', '--against', 'http://a:b@localhost'], 3, 'The URL in --against cannot be used'],
  ])('%j is refused before anything is done', async (args, expected, why) => {
    await using desk = await openDesk();
    await desk.write('works.ndjson', toLines([workOf(sierra('b1'))]));
    const { status, stderr } = await desk.run(['mint', 'works.ndjson', ...args], {
      environment: { ES_URL: url, ID_MINTER_REGISTRY: 'sqlite:registry.sqlite' },
    });
    expect(status).toBe(expected);
    expect(stderr).toContain(why);
    expect(await desk.list()).toEqual(['works.ndjson']);
  });
});
