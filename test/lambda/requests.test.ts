import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { IdMinterError } from '../../src/domain/errors.ts';
import { readFindWorkEvent, readMintingEvent } from '../../src/lambda/requests.ts';

const [B1, B2] = ['Work[sierra-system-number/b1]', 'Work[sierra-system-number/b2]'];
const [START, END] = ['2026-08-20T03:00:00Z', '2026-08-20T03:15:00Z'];
const WINDOW = { start: new Date(START), end: new Date(END) };

/** A request alone, as `readMintingEvent` understands it. */
function one(event: unknown) {
  const read = readMintingEvent(event);
  return read.kind === 'one' ? read.request : expect.fail('It is a batch.');
}

function items(event: unknown) {
  const read = readMintingEvent(event);
  return read.kind === 'batch' ? read.items : expect.fail('It is no batch.');
}

const refusal = (message: string | RegExp) =>
  expect.objectContaining({ code: 'INVALID_REQUEST', message: expect.stringMatching(message) });

describe('a minting request', () => {
  test.each([
    ['snake', { source_identifiers: [B1, B2], job_id: 'a-job' }],
    ['camel', { sourceIdentifiers: [B1, B2], jobId: 'a-job' }],
    ['mixed', { source_identifiers: [B1, B2], jobId: 'a-job', somethingElse: 1, window: null }],
    ['untrimmed', { source_identifiers: [` ${B1}\n`, B2, B1], job_id: ' a-job ' }],
  ])('names ids, in %s', (_, event) => {
    expect(one(event)).toEqual({ jobId: 'a-job', selection: { ids: [B1, B2] } });
  });

  test.each([
    [{ window: { start_time: START, end_time: END } }],
    [{ window: { startTime: START, endTime: END } }],
    [{ window: { end_time: END } }],
    [{ window: { startTime: null, endTime: '2026-08-20T03:15' } }],
    [{ start_time: START, end_time: END }],
    [{ startTime: '2026-08-20T05:00+02:00', endTime: END, full: false }],
    [{ endTime: END, sourceIdentifiers: null }],
  ])('names a window: %j', event => {
    expect(one(event)).toEqual({ jobId: undefined, selection: { window: WINDOW } });
  });

  test('may name a window of one moment', () => {
    expect(one({ window: { start_time: END, end_time: END } }).selection).toEqual({
      window: { start: WINDOW.end, end: WINDOW.end },
    });
  });

  test('names everything by full, which is exactly true', () => {
    expect(one({ full: true })).toEqual({ jobId: undefined, selection: 'all' });
  });

  test.each([
    [{ s3_uri: 's3://a-bucket/a/partition-0.json', count: 3 }, 3],
    [{ s3Uri: 's3://a-bucket/a/partition-0.json' }, undefined],
  ])('names a partition: %j', (event, count) => {
    const uri = 's3://a-bucket/a/partition-0.json';
    expect(one(event).selection).toEqual({
      partition: { uri, bucket: 'a-bucket', key: 'a/partition-0.json', count },
    });
  });

  test('says the same in camel case, which counts where a key is there twice', () => {
    const text = fc.string({ minLength: 1 }).filter(one => one.trim() !== '');
    const label = text.filter(one => one.trim().length < 200);
    fc.assert(
      fc.property(
        fc.record(
          { source_identifiers: fc.array(text, { minLength: 1 }), job_id: label },
          { requiredKeys: ['source_identifiers'] }
        ),
        request => {
          const camel = { sourceIdentifiers: request.source_identifiers, jobId: request.job_id };
          expect(one(camel)).toEqual(one(request));
          expect(one({ ...camel, source_identifiers: [B1] }).selection).toEqual(
            one(request).selection
          );
          expect(one({ source_identifiers: [B1], ...camel }).selection).toEqual(
            one(request).selection
          );
        }
      )
    );
  });

  test.each<[unknown, string]>([
    [
      { source_identifiers: [] },
      '^The request’s source_identifiers is \\[\\]: a list of at least one',
    ],
    [{ source_identifiers: [B1, ' '] }, '^The request’s source_identifiers\\[1\\] is "": a list'],
    [{ source_identifiers: [1] }, 'source_identifiers\\[0\\] is 1'],
    [{ sourceIdentifiers: B1 }, 'source_identifiers is "Work\\['],
    [{ source_identifiers: [B1], job_id: '' }, '^The request’s job_id is "": a text of 1 to 200'],
    [{ source_identifiers: [B1], jobId: '  ' }, 'job_id is ""'],
    [{ source_identifiers: [B1], job_id: 'j'.repeat(201) }, 'job_id is "j+: a text of 1 to 200'],
    [{ source_identifiers: [B1], job_id: 7 }, 'job_id is 7'],
    [{ window: { start_time: END, end_time: START } }, '^The window begins at .*, after its end'],
    [{ window: { start_time: START } }, '^The request’s window.end_time is missing: a time'],
    [{ start_time: START }, '^The request’s end_time is missing'],
    [{ window: { end_time: 'noon' } }, '^"noon" is no time'],
    [{ window: { end_time: 1_787_000_000 } }, 'window.end_time is 1787000000'],
    [{ window: END }, '^The request’s window is "2026-08-20T03:15:00Z": an object with'],
    [{ window: [START, END] }, 'window is \\['],
    [{}, 'does not say which works are meant: one of source_identifiers, window, full, s3_uri is'],
    [{ full: false }, 'does not say which works'],
    [{ full: null, job_id: 'a-job' }, 'does not say which works'],
    [{ full: 'true' }, '^The request’s full is "true": true is needed'],
    [{ full: 1 }, 'full is 1'],
    [{ source_identifiers: [B1], window: { end_time: END } }, 'has source_identifiers and window:'],
    [{ source_identifiers: [B1], full: true }, 'has source_identifiers and full:'],
    [{ window: { end_time: END }, end_time: END }, 'has window and end_time:'],
    [{ full: true, end_time: END }, 'has end_time and full:'],
    [{ source_identifiers: [B1], s3_uri: 's3://b/k' }, 'has source_identifiers and s3_uri:'],
    [
      { s3_uri: 'https://b/k' },
      '^The request’s s3_uri is "https://b/k": "s3://BUCKET/KEY" is needed',
    ],
    [{ s3_uri: 's3://bucket/' }, 's3_uri is'],
    [{ s3_uri: 's3:///key' }, 's3_uri is'],
    [{ s3_uri: 's3://b/k', count: '3' }, 'count is "3": a whole number from 1'],
    [{ s3_uri: 's3://b/k', count: 0 }, 'count is 0'],
    [null, '^The request is null: an object is needed'],
    [undefined, '^The request is missing'],
    ['{}', '^The request is "\\{\\}"'],
  ])('is refused: %j', (event, message) => {
    expect(() => readMintingEvent(event)).toThrow(refusal(message));
    expect(() => readMintingEvent(event)).toThrow(/Nothing was done\./);
  });

  test('is refused with the key, its value and what is allowed, for programs', () => {
    expect(() => readMintingEvent({ count: 1.5, s3_uri: 's3://b/k' })).toThrow(
      expect.objectContaining({
        details: { key: 'count', value: 1.5, allowed: 'a whole number from 1' },
      })
    );
  });
});

describe('a batch', () => {
  const message = (messageId: string, body: unknown) => ({
    messageId,
    body,
    eventSource: 'aws:sqs',
  });
  const asked = { source_identifiers: [B1] };
  const read = { jobId: undefined, selection: { ids: [B1] } };

  test('is an array of requests, each of which fails by itself', () => {
    expect(items([asked, {}, { full: true }, 'text'])).toEqual([
      { itemIdentifier: '0', request: read },
      { itemIdentifier: '1', request: refusal('does not say which works') },
      { itemIdentifier: '2', request: { jobId: undefined, selection: 'all' } },
      { itemIdentifier: '3', request: refusal('^The request is "text"') },
    ]);
    expect(items([])).toEqual([]);
  });

  const messages = [
    message('m-1', JSON.stringify(asked)),
    message('m-2', '{'),
    message('m-3', JSON.stringify({ source_identifiers: [' '] })),
    message('m-4', undefined),
    { body: JSON.stringify({ sourceIdentifiers: [B2] }) },
    message('m-6', '[]'),
  ];

  test.each([
    ['as EventBridge Pipes deliver them', messages],
    ['as SQS does', { Records: messages }],
  ])('is messages %s, each of which fails by itself', (_, event) => {
    expect(items(event)).toEqual([
      { itemIdentifier: 'm-1', request: read },
      {
        itemIdentifier: 'm-2',
        request: refusal('^The request’s body is "\\{": a request as JSON'),
      },
      { itemIdentifier: 'm-3', request: refusal('source_identifiers\\[0\\] is ""') },
      { itemIdentifier: 'm-4', request: refusal('body is missing') },
      { itemIdentifier: '4', request: { jobId: undefined, selection: { ids: [B2] } } },
      { itemIdentifier: 'm-6', request: refusal('^The request is \\[\\]') },
    ]);
  });

  test('is refused as a whole where its records are none', () => {
    expect(() => readMintingEvent({ Records: 'none' })).toThrow(refusal('does not say'));
  });
});

describe('a request to find work', () => {
  const selected = (event: unknown) => readFindWorkEvent(event).selection;

  test('takes the time of a schedule for the end of a window five minutes ago', () => {
    const expected = {
      window: { start: new Date('2026-08-20T02:55:00Z'), end: new Date('2026-08-20T03:10:00Z') },
    };
    expect(selected({ scheduled_time: '2026-08-20T03:15:00Z' })).toEqual(expected);
    expect(selected({ scheduledTime: '2026-08-20T03:15:00Z', full: true })).toEqual(expected);
  });

  test.each([
    [{ ids: [B1, B1] }, { ids: [B1] }],
    [{ source_identifiers: [B1] }, { ids: [B1] }],
    [{ sourceIdentifiers: [B1], full: true }, { ids: [B1] }],
    [{ window: { end_time: END }, scheduled_time: START }, { window: WINDOW }],
    [{ endTime: END, full: true }, { window: WINDOW }],
    [{ ids: null, window: null, scheduled_time: null, full: true }, 'all'],
  ])('prefers what is named to the schedule, and that to full: %j', (event, expected) => {
    expect(selected(event)).toEqual(expected);
  });

  test('names itself, its dates and the size of its partitions, or leaves that to others', () => {
    expect(readFindWorkEvent({ full: true })).toEqual({ selection: 'all' });
    const snake = {
      ...{ full: true, job_id: 'a-job', partition_size: 5 },
      ...{ pipeline_date: '2026-08-20', graph_date: '2026-08-01' },
    };
    const camel = {
      ...{ full: true, jobId: 'a-job', partitionSize: 5 },
      ...{ pipelineDate: '2026-08-20', graphDate: '2026-08-01' },
    };
    const expected = {
      ...{ selection: 'all', jobId: 'a-job', partitionSize: 5 },
      ...{ pipelineDate: '2026-08-20', graphDate: '2026-08-01' },
    };
    expect(readFindWorkEvent(snake)).toEqual(expected);
    expect(readFindWorkEvent(camel)).toEqual(expected);
  });

  test.each<[unknown, string]>([
    [{}, 'does not say which works are meant: one of ids, window, scheduled_time, full is needed'],
    [{ full: false }, 'does not say'],
    [{ full: 'yes' }, 'full is "yes": true'],
    [{ ids: [B1], window: { end_time: END } }, 'has ids and window'],
    [{ ids: [] }, 'ids is \\[\\]'],
    [{ full: true, partition_size: 0 }, 'partition_size is 0: a whole number from 1 to 100000'],
    [{ full: true, partition_size: 2.5 }, 'partition_size is 2.5'],
    [{ full: true, partition_size: 100_001 }, 'partition_size is 100001'],
    [{ scheduled_time: 'now' }, '"now" is no time'],
    [[{ full: true }], '^The request is \\['],
  ])('is refused: %j', (event, message) => {
    expect(() => readFindWorkEvent(event)).toThrow(refusal(message));
  });

  test('is refused with an error of ours', () => {
    expect(() => readFindWorkEvent(5)).toThrow(IdMinterError);
  });
});
