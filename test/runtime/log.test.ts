import { describe, expect, test } from 'vitest';
import { IdMinterError } from '../../src/domain/errors.ts';
import type { LogOptions, RunLog } from '../../src/runtime/log.ts';
import { openLog } from '../../src/runtime/log.ts';
import { openIndexTarget } from '../../src/runtime/open-documents.ts';
import { readSettings } from '../../src/runtime/settings.ts';
import { sqliteStore } from '../steps/in-memory.ts';
import { openProxy } from '../support/elasticsearch/proxy.ts';
import { folio, heading, sierra, someIds } from '../support/identifiers.ts';

interface Written {
  readonly log: RunLog;
  /** The lines, as they stand in the log. */
  readonly lines: string[];
  events(): Record<string, unknown>[];
}

function openLines(
  environment: Record<string, string> = {},
  more: Partial<LogOptions> = {}
): Written {
  const lines: string[] = [];
  const log = openLog({
    ...{ environment, settings: readSettings(environment), traceId: 'request-1', ...more },
    destination: { write: line => void lines.push(line) },
  });
  return { log, lines, events: () => lines.map(line => JSON.parse(line)) };
}

const ISO = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);

describe('the log of a run', () => {
  test('is a line of JSON an event, with what tells runs and steps apart', () => {
    const { log, lines, events } = openLines({ PIPELINE_STEP: 'id_minter_2' });
    log.info('Processing minting request', { job_id: 'job-1' });

    expect(lines).toEqual([expect.stringMatching(/^\{[^\n]*\}\n$/)]);
    expect(events()).toEqual([
      {
        ...{ timestamp: ISO, level: 'info', logger: 'id_minter', trace_id: 'request-1' },
        ...{ pipeline_step: 'id_minter_2', started_at: ISO },
        ...{ event: 'Processing minting request', job_id: 'job-1' },
      },
    ]);
  });

  test('has a trace of its own where no request has one', () => {
    const traces = [1, 2].map(() => {
      const { log, events } = openLines({}, { traceId: undefined });
      log.info('One');
      log.info('Two');
      const ids = new Set(events().map(({ trace_id }) => trace_id));
      expect([...ids]).toEqual([expect.stringMatching(/^[0-9a-f-]{36}$/)]);
      return [...ids][0];
    });
    expect(traces[0]).not.toBe(traces[1]);
  });

  test.each([
    ['', ['info', 'warning', 'error']],
    ['DEBUG', ['debug', 'info', 'warning', 'error']],
    ['trace', ['debug', 'info', 'warning', 'error']],
    ['WARNING', ['warning', 'error']],
    ['warn', ['warning', 'error']],
    ['Critical', []],
  ])('says at LOG_LEVEL %j what is asked for', (level, expected) => {
    const { log, events } = openLines({ LOG_LEVEL: level });
    log.debug('a');
    log.info('b');
    log.warning('c');
    log.error('d', new Error('planted'));
    expect(events().map(({ level: said }) => said)).toEqual(expected);
  });

  test('refuses a level that nobody knows', () => {
    expect(() => readSettings({ LOG_LEVEL: 'loud' })).toThrow(/LOG_LEVEL is "loud", and DEBUG/);
  });

  test('tells of each batch, and at debug of each identifier and how it got its ID', async () => {
    await using below = await sqliteStore().open({
      free: someIds(1),
      mappings: [
        [sierra('b1'), 'z2345678'],
        [heading('Person', 'n1'), 'y2345678'],
      ],
    });
    const requests = [
      { source: sierra('b1') },
      { source: folio('f1'), predecessor: sierra('b1') },
      { source: sierra('b2') },
      { source: sierra('b3'), predecessor: sierra('nowhere') },
    ];
    const loud = openLines({ LOG_LEVEL: 'DEBUG' });
    const quiet = openLines();
    await quiet.log.following(below.dryRun()).mint(requests);
    const { answers } = await loud.log.following(below).mint(requests);

    const counts = { total: 4, existing: 1, inherited: 1, minted: 1, refused: 1 };
    expect(quiet.events()).toMatchObject([{ level: 'info', event: 'Batch minted', ...counts }]);
    const [batch, ...single] = loud.events();
    expect(batch).toMatchObject({ event: 'Batch minted', ...counts });
    expect(
      single.map(({ event, source_identifier, method, canonical_id, code }) => [
        ...[event, source_identifier, method ?? code, canonical_id],
      ])
    ).toEqual([
      ['Resolved ID', 'Work[sierra-system-number/b1]', 'looked_up', 'z2345678'],
      ['Resolved ID', 'Work[folio-instance/f1]', 'inherited', 'z2345678'],
      ['Resolved ID', 'Work[sierra-system-number/b2]', 'minted', answers[2]?.canonicalId],
      ['Refused ID', 'Work[sierra-system-number/b3]', 'PREDECESSOR_NOT_FOUND', undefined],
    ]);
  });

  test('tells what became of works', async () => {
    const { log, events } = openLines();
    const { report } = log;
    const failed = { row_id: 'Work[a/1]', code: 'DOCUMENT_REFUSED', detail: 'planted' } as const;
    const warning = { code: 'EMPTY_VALUE', message: 'Empty.', details: {} } as const;
    await report.succeeded(someIds(3));
    await report.failed({ ...failed, stage: 'index' }, 'line 1');
    await report.failed({ ...failed, stage: 'embed' }, 'line 2');
    await report.warned(warning);
    await report.answered(
      { source: sierra('b1'), canonicalId: 'a2345678' as never, outcome: 'minted', warning },
      'line 3'
    );
    await report.unconfirmed?.(someIds(2));

    expect(events().map(({ level, event }) => [level, event])).toEqual([
      ['info', 'Indexed batch'],
      ['error', 'Indexing error'],
      ['error', 'Work failed'],
      ['warning', 'Warning'],
      ['warning', 'Warning'],
      ['warning', 'Indexing not confirmed'],
    ]);
    expect(events()).toMatchObject([
      { success_count: 3 },
      { ...failed, stage: 'index', place: 'line 1' },
      { stage: 'embed' },
      { code: 'EMPTY_VALUE', detail: 'Empty.' },
      { code: 'EMPTY_VALUE' },
      { ids: someIds(2) },
    ]);
  });

  test('of an error has code, message and cause, and the stack where it is a fault of ours', () => {
    const { log, events } = openLines();
    const cause = new TypeError('deep');
    log.error('Run failed', new IdMinterError('REGISTRY_UNAVAILABLE', 'Away.', { cause }));
    log.error('Run failed', cause, { job_id: 'job-1' });

    expect(events()).toMatchObject([
      { level: 'error', code: 'REGISTRY_UNAVAILABLE', detail: 'Away.', cause: 'TypeError: deep' },
      { code: 'INTERNAL', detail: 'deep', job_id: 'job-1', stack: expect.stringContaining(' at ') },
    ]);
    expect(events()[0]).not.toHaveProperty('stack');
  });
});

describe('no secret stands in a log', () => {
  const SECRETS = {
    RDS_PASSWORD: 'planted-"password\\1',
    ES_API_KEY: 'planted-api-key',
    AWS_SECRET_ACCESS_KEY: 'planted-access-key',
  };
  const all = [...Object.values(SECRETS), 'planted-rotated'];

  const expectNone = ({ lines }: Written): void => {
    expect(lines.length).toBeGreaterThan(0);
    const text = lines.join('');
    for (const secret of all) {
      expect(text).not.toContain(secret);
      expect(text).not.toContain(JSON.stringify(secret).slice(1, -1));
    }
  };

  test('under a name that says so, at any depth', () => {
    const written = openLines(SECRETS);
    written.log.info('Runtime configuration', {
      apiKey: 'planted-rotated',
      request: { headers: { Authorization: 'ApiKey planted-rotated' }, tries: 3 },
      connections: [{ user: 'minter', password: 'planted-rotated' }],
      ES_LOCAL_API_KEY: 'planted-rotated',
    });
    expectNone(written);
    expect(written.events()).toMatchObject([
      { request: { headers: {}, tries: 3 }, connections: [{ user: 'minter' }] },
    ]);
  });

  test('within a message, whoever wrote it there', () => {
    const written = openLines(SECRETS);
    written.log.hide('planted-rotated');
    for (const secret of all) {
      written.log.error(`Failed with ${secret}`, new Error(`Wrong password: ${secret}.`), {
        about: [`mysql://minter:${secret}@host`],
      });
    }
    expectNone(written);
  });

  test('after a run whose index refuses the key', async () => {
    const written = openLines({ ...SECRETS, LOG_LEVEL: 'DEBUG' });
    await using cluster = await openProxy(undefined, ({ headers }) => ({
      status: 401,
      // As some gateways do, it says what it was sent.
      body: { error: { type: 'security_exception', reason: `no: ${headers.authorization}` } },
    }));
    const address = { url: cluster.url, apiKey: SECRETS.ES_API_KEY, index: 'works' };
    const signal = new AbortController().signal;
    const failure = await openIndexTarget({ ...address, name: cluster.url }, { signal }).catch(
      error => error
    );
    written.log.error('Run failed', failure, { address });

    expect(failure).toMatchObject({ code: 'INDEX_ACCESS_DENIED' });
    expect(cluster.requests[0]?.headers.authorization).toContain(SECRETS.ES_API_KEY);
    expectNone(written);
  });
});
