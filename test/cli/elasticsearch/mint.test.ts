/** `id-minter mint` from and to indexes of a real Elasticsearch. */
import { describe, expect, inject, test } from 'vitest';
import type { Desk } from '../../support/command-line.ts';
import { openDesk } from '../../support/command-line.ts';
import type { Fault, Spoil } from '../../support/elasticsearch/proxy.ts';
import { openProxy } from '../../support/elasticsearch/proxy.ts';
import type { TestIndex } from '../../support/elasticsearch/test-index.ts';
import { openTestIndex } from '../../support/elasticsearch/test-index.ts';
import { folio, heading, sierra } from '../../support/identifiers.ts';
import type { Minted } from '../works.ts';
import { fromLines, toLines, workOf } from '../works.ts';

const CANONICAL_ID = expect.stringMatching(/^[a-hjkmnp-z][a-hjkmnp-z2-9]{7}$/);

const { url } = inject('elasticsearch');

interface Setting extends AsyncDisposable {
  readonly desk: Desk;
  readonly source: TestIndex;
  readonly target: TestIndex;
}

/** A desk whose commands work on a registry of its own and from one index into another. */
async function openSetting(): Promise<Setting> {
  const [desk, source, target] = [await openDesk(), await openTestIndex(), await openTestIndex()];
  desk.environment = {
    ID_MINTER_REGISTRY: 'sqlite:registry.sqlite',
    ES_URL: url,
    ES_SOURCE_INDEX: source.index,
    ES_TARGET_INDEX: target.index,
  };
  return {
    desk,
    source,
    target,
    async [Symbol.asyncDispose]() {
      for (const one of [desk, source, target]) await one[Symbol.asyncDispose]();
    },
  };
}

const textForm = (value: string) => `Work[sierra-system-number/${value}]`;
const stored = (value: string, more: object = {}) => ({
  _id: textForm(value),
  json: JSON.stringify({
    ...workOf(sierra(value), { subjects: [heading('Person', 'n1')] }),
    ...more,
  }),
});
const valuesIn = (works: readonly { _source: unknown }[]) =>
  works.map(({ _source }) => (_source as Minted).state.sourceIdentifier.value).sort();

describe('mint from index to index', () => {
  test('reads all works, writes each under its canonical ID, and mints nothing when said again', {
    timeout: 120_000,
  }, async () => {
    await using setting = await openSetting();
    const { desk, source, target } = setting;
    const values = Array.from({ length: 1_500 }, (_, number) => `b${number}`);
    await source.put(values.map(value => stored(value)));

    const first = await desk.run(['mint', '--full', '--json']);
    const minted = await target.read();
    const again = await desk.run(['mint', '--full', '--json']);

    expect(first.status).toBe(0);
    expect(first.stderr).not.toContain('There are no works');
    expect(JSON.parse(first.stdout)).toMatchObject({
      works: { succeeded: 1_500, failed: 0 },
      identifiers: { minted: 1_501, existing: 1_499 },
    });
    expect(valuesIn(minted)).toEqual([...values].sort());
    for (const { _id, _source } of minted) {
      const { state, data } = _source as Minted;
      expect({ _id, id: state.canonicalId }).toEqual({ _id: state.canonicalId, id: CANONICAL_ID });
      expect(data.subjects).toMatchObject([
        { id: { type: 'Identified', canonicalId: CANONICAL_ID } },
      ]);
    }
    expect(JSON.parse(again.stdout)).toMatchObject({ identifiers: { minted: 0, existing: 3_000 } });
    expect(await target.read()).toEqual(minted);
    expect(await source.countOpenContexts()).toBe(0);
  });

  test('takes the works that are named, and fails those that are not there', async () => {
    await using setting = await openSetting();
    const { desk, source, target } = setting;
    await source.put(['b1', 'b2', 'b3'].map(value => stored(value)));

    const { status, stderr } = await desk.run([
      ...['--source-identifiers', textForm('b1'), 'sierra-system-number/b3', textForm('b9')],
      ...['--job-id', 'my-test-job', '--apply-migrations'],
    ]);

    expect(status).toBe(1);
    expect(stderr).toMatch(
      /error WORK_NOT_FOUND: Work\[sierra-system-number\/b9\] is not in http.*works-/
    );
    expect(stderr).toContain('Works: 2 succeeded, 1 failed.');
    expect(valuesIn(await target.read())).toEqual(['b1', 'b3']);
  });

  test('takes the works of a window, both ends included, and says in its report which it was', async () => {
    await using setting = await openSetting();
    const { desk, source, target } = setting;
    const times = ['02:59:59.999', '03:00:00.000', '03:07:00', '03:15:00.000', '03:15:00.001'];
    await source.put(
      times.map((time, number) => stored(`b${number}`, { indexed_at: `2026-08-20T${time}Z` }))
    );

    const given = await desk.run([
      ...['mint', '--window-start', '2026-08-20T05:00+02:00', '--window-end', '2026-08-20T03:15'],
      ...['--report', 'report.json'],
    ]);
    const written = valuesIn(await target.read());
    const byDefault = await desk.run(['mint', '--window-end', '2026-08-20T03:15:00Z']);

    expect(given.status).toBe(0);
    expect(written).toEqual(['b1', 'b2', 'b3']);
    expect(byDefault.stderr).toContain('Works: 3 succeeded, 0 failed.');
    expect(JSON.parse(await desk.read('report.json')).window).toEqual({
      start_time: '2026-08-20T03:00:00.000Z',
      end_time: '2026-08-20T03:15:00.000Z',
    });
  });

  test('writes numbers as they were written, and documents of several lines', async () => {
    await using setting = await openSetting();
    const { desk, source, target } = setting;
    const numbers = '{"a":12345678901234567890,"b":1.0,"c":-0,"d":1e400,"e":0.1}';
    const [, state = ''] = /^(\{.*)\}$/s.exec(JSON.stringify(workOf(sierra('b1')))) ?? [];
    const json = `${state},\n  "numbers": ${numbers}\r\n}`;
    const path = `${url}/${source.index}/_doc/${encodeURIComponent(textForm('b1'))}?refresh=true`;
    const put = await fetch(path, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: json,
    });
    expect(put.ok).toBe(true);

    const { status } = await desk.run(['mint', '--full']);

    expect(status).toBe(0);
    expect(await target.readText()).toContain(numbers);
  });

  test('tries a work again whose predecessor comes later', async () => {
    await using setting = await openSetting();
    const { desk, source, target } = setting;
    const successor = workOf(folio('f1'), { predecessor: sierra('b1') });
    await source.put([
      { _id: 'Work[folio-instance/f1]', json: JSON.stringify(successor) },
      ...Array.from({ length: 150 }, (_, number) => stored(`b${150 - number}`)),
    ]);

    const { status } = await desk.run([
      'mint',
      '--full',
      '--batch-size',
      '20',
      '--concurrency',
      '1',
    ]);

    expect(status).toBe(0);
    const ids = (await target.read()).map(({ _id }) => _id);
    expect(ids).toHaveLength(150);
  });

  test('writes nothing in a dry run', async () => {
    await using setting = await openSetting();
    const { desk, source, target } = setting;
    await source.put([stored('b1')]);
    await desk.run(['migrate']);
    const { stderr } = await desk.run(['mint', '--full', '--dry-run']);
    expect(stderr).toContain('Works: 1 succeeded, 0 failed (dry run: nothing was written).');
    expect(await target.read()).toEqual([]);
  });
});

describe('mint between files and indexes', () => {
  test('goes from a file into an index and from there into a file, which are alike', async () => {
    await using setting = await openSetting();
    const { desk, source, target } = setting;
    const works = ['b1', 'b2', 'b3'].map(value => workOf(sierra(value)));
    await desk.write('works.ndjson', toLines(works));
    await source.put(
      ['b1', 'b2', 'b3'].map(value => ({
        _id: textForm(value),
        json: JSON.stringify(workOf(sierra(value))),
      }))
    );

    await desk.run(['mint', 'works.ndjson', '--target', 'minted.ndjson']);
    const intoIndex = await desk.run([
      ...['mint', 'works.ndjson', '--target', `${url}/${target.index}`],
    ]);
    const intoFile = await desk.run([
      ...['mint', '--source', `${url}/${source.index}`, '--full', '--target', 'from-index.ndjson'],
    ]);

    expect([intoIndex.status, intoFile.status]).toEqual([0, 0]);
    const minted = fromLines<Minted>(await desk.read('minted.ndjson'));
    const expected = minted
      .map(work => ({ _id: work.state.canonicalId, _source: work }))
      .sort((a, b) => Number(a._id > b._id) - Number(a._id < b._id));
    expect(await target.read()).toEqual(expected);
    const fromIndex = fromLines<{ _id: string }>(await desk.read('from-index.ndjson'));
    expect(fromIndex.sort((a, b) => Number(a._id > b._id) - Number(a._id < b._id))).toEqual(
      expected
    );
  });

  test('a selection of a file goes into an index that a flag names', async () => {
    await using setting = await openSetting();
    const { desk, source, target } = setting;
    await desk.write('works.ndjson', toLines([workOf(sierra('b1')), workOf(sierra('b2'))]));
    const { status } = await desk.run([
      ...['mint', '--source', 'works.ndjson', '--source-identifiers', textForm('b2')],
      ...['--target-index', source.index],
    ]);
    expect(status).toBe(0);
    expect(valuesIn(await source.read())).toEqual(['b2']);
    expect(await target.read()).toEqual([]);
  });
});

describe('a document that the index refuses', () => {
  test('fails by itself, at stage index, and is counted however many there are', async () => {
    await using desk = await openDesk();
    const mappings = { dynamic: false, properties: { indexed_at: { type: 'date' } } };
    await using target = await openTestIndex({ mappings });
    desk.environment = { ID_MINTER_REGISTRY: 'sqlite:registry.sqlite' };
    const works = Array.from({ length: 2_000 }, (_, number) => ({
      ...workOf(sierra(`b${number}`)),
      indexed_at: number % 2 === 0 ? 'noon' : '2026-08-20T03:00:00Z',
    }));
    await desk.write('works.ndjson', toLines(works));

    const { status, stdout } = await desk.run([
      ...['mint', 'works.ndjson', '--target', `${url}/${target.index}`],
      ...['--json', '--report', 'report.json'],
    ]);

    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      works: { succeeded: 1_000, failed: 1_000 },
      identifiers: { minted: 2_000 },
    });
    expect(await target.read()).toHaveLength(1_000);
    const { errors, successful_ids: succeeded } = JSON.parse(await desk.read('report.json'));
    expect(succeeded).toHaveLength(1_000);
    expect(errors).toHaveLength(1_000);
    expect(errors[0]).toMatchObject({
      row_id: textForm('b0'),
      stage: 'index',
      code: 'DOCUMENT_REFUSED',
      detail: expect.stringMatching(/^line 1: .*document_parsing_exception: .*indexed_at.*noon/s),
    });
  });
});

describe('a mapping that takes next to nothing', () => {
  test('refuses 50,000 documents one by one, and each is counted, named and reported', {
    timeout: 300_000,
  }, async () => {
    await using desk = await openDesk();
    const kept = { type: 'object', enabled: false };
    const mappings = {
      ...{ dynamic: 'strict', properties: { type: { type: 'keyword' }, state: kept, data: kept } },
    };
    await using target = await openTestIndex({ mappings });
    desk.environment = { ID_MINTER_REGISTRY: 'sqlite:registry.sqlite' };
    const [refused, taken] = [50_000, 50];
    const works = Array.from({ length: refused + taken }, (_, number) => ({
      ...workOf(sierra(`b${number}`)),
      ...(number % 1_001 !== 1_000 && { surplus: number }),
    }));
    expect(works.filter(work => 'surplus' in work)).toHaveLength(refused);
    await desk.write('works.ndjson', toLines(works));

    const { status, stdout, stderr } = await desk.run([
      ...['mint', 'works.ndjson', '--target', `${url}/${target.index}`],
      ...['--json', '--report', 'report.json'],
    ]);

    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      works: { succeeded: taken, failed: refused },
      identifiers: { minted: refused + taken },
    });
    expect(stderr.match(/^error DOCUMENT_REFUSED: /gm)).toHaveLength(refused);
    expect(stderr).toContain(`Errors: ${refused} DOCUMENT_REFUSED.`);
    const report = JSON.parse(await desk.read('report.json'));
    const failed = new Set(report.errors.map(({ row_id }: { row_id: string }) => row_id));
    expect(failed.size).toBe(refused);
    expect(report.errors).toHaveLength(refused);
    expect(report.errors[0].detail).toContain('strict_dynamic_mapping_exception');
    expect((await target.read()).map(({ _id }) => _id)).toEqual(report.successful_ids.sort());
    expect(report.successful_ids).toHaveLength(taken);
  });
});

describe('a cluster that fails at every other request', () => {
  const FAULTS: readonly Fault[] = [
    ...([{ status: 429 }, 'reset', 'half', { status: 503 }, 'reset after'] as const),
    'half, said to be whole',
  ];
  /** Of each two requests the first one fails, each time in another way. */
  const failing = (): Spoil => {
    let failed = 0;
    return ({ nth, path, method }) => {
      // What is given back is asked once: its loss is nobody's.
      if (nth % 2 === 0 || method === 'DELETE') return undefined;
      failed += 1;
      if (path.includes('/_bulk') && failed % 2 === 0) {
        return { items: place => (place % 3 === 0 ? 429 : undefined) };
      }
      return FAULTS[failed % FAULTS.length];
    };
  };

  test('ends with the index of an undisturbed run, each work counted once', {
    timeout: 120_000,
  }, async () => {
    await using setting = await openSetting();
    const { desk, source, target } = setting;
    const count = 3_000;
    await source.put(Array.from({ length: count }, (_, number) => stored(`b${number}`)));
    await desk.run(['mint', '--full']);
    await using disturbed = await openTestIndex();
    await using from = await openProxy(url, failing());
    await using to = await openProxy(url, failing());

    const { status, stdout } = await desk.run([
      ...['mint', '--full', '--json', '--source', `${from.url}/${source.index}`],
      ...['--target', `${to.url}/${disturbed.index}`],
    ]);

    expect(status).toBe(0);
    expect(JSON.parse(stdout).works).toEqual({ succeeded: count, failed: 0 });
    expect(await disturbed.read()).toEqual(await target.read());
    expect(to.requests.length).toBeGreaterThan(2 * (count / 500));
  });
});

describe('the connection', () => {
  test('sends the API key to the clusters that the variables name, and shows it nowhere', async () => {
    await using setting = await openSetting();
    const { desk, source } = setting;
    await source.put([stored('b1')]);
    await using from = await openProxy(url, () => undefined);
    await using to = await openProxy(url, () => undefined);
    const { status } = await desk.run(['mint', '--full'], {
      environment: {
        ES_SOURCE_URL: from.url,
        ES_TARGET_URL: to.url,
        ES_API_KEY: 'a-secret-key-of-elastic',
      },
    });
    expect(status).toBe(0);
    expect(from.requests.length).toBeGreaterThan(2);
    expect(to.requests.map(({ method }) => method)).toEqual(['HEAD', 'POST']);
    for (const { headers } of [...from.requests, ...to.requests]) {
      expect(headers.authorization).toBe('ApiKey a-secret-key-of-elastic');
    }
  });

  test('is that of ES_LOCAL_* in local mode, and the index is called after its date', async () => {
    await using desk = await openDesk();
    await using local = await openProxy(undefined, () => ({ status: 403 }));
    const { stderr, status } = await desk.run(
      [
        'mint',
        '--full',
        '--source-es-mode',
        'local',
        '--source-index-prefix',
        'works',
        '--pipeline-date',
        '2026-08-20',
      ],
      {
        environment: {
          ID_MINTER_REGISTRY: 'sqlite:registry.sqlite',
          ES_URL: 'http://127.0.0.1:1',
          ES_LOCAL_HOST: '127.0.0.1',
          ES_LOCAL_PORT: new URL(local.url).port,
          ES_LOCAL_API_KEY: 'a-local-key',
        },
      }
    );
    expect(status).toBe(3);
    expect(stderr).toContain(`INDEX_ACCESS_DENIED: ${local.url}/works-2026-08-20 refuses: 403`);
    expect(local.requests[0]?.headers.authorization).toBe('ApiKey a-local-key');
  });

  test.each([
    ['http://elastic:a-password@localhost:9200', 'credentials never stand in a URL'],
    ['ftp://localhost', 'http://HOST:PORT'],
  ])('a URL that cannot be used is refused: %s', async (wrong, why) => {
    await using desk = await openDesk();
    const { status, stderr } = await desk.run(['mint', '--full'], {
      environment: { ES_URL: wrong, ID_MINTER_REGISTRY: 'sqlite:registry.sqlite' },
    });
    expect(status).toBe(3);
    expect(stderr).toMatch(/^error INVALID_CONFIGURATION: The URL in ES_URL cannot be used/);
    expect(stderr).toContain(why);
    expect(stderr).not.toContain('a-password');
    expect(await desk.list()).toEqual([]);
  });

  test('is ended at once by Ctrl-C, and what the cluster held for it is given back', async () => {
    await using setting = await openSetting();
    const { desk, source } = setting;
    await source.put(Array.from({ length: 2_000 }, (_, number) => stored(`b${number}`)));
    // The target never takes anything: the run waits for it.
    await using full = await openProxy(url, ({ path }) =>
      path.includes('/_bulk') ? { status: 429 } : undefined
    );
    const { child, ended, says } = desk.start(['mint', '--full'], {
      environment: { ES_TARGET_URL: full.url },
    });
    await says(/Registry:/);
    while (!full.requests.some(({ path }) => path.includes('/_bulk'))) {
      await new Promise(resolve => setTimeout(resolve, 20));
    }
    const stopped = performance.now();
    child.kill('SIGINT');
    expect((await ended).status).toBe(130);
    expect(performance.now() - stopped).toBeLessThan(2_000);
    expect(await source.countOpenContexts()).toBe(0);
  });
});
