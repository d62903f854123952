import { describe, expect, test } from 'vitest';
import type { CanonicalId } from '../../../src/domain/canonical-id.ts';
import type { Announcement } from '../../../src/domain/notices.ts';
import { snsAnnouncer } from '../../../src/notices/sns-announcer.ts';
import type { AwsCall, Fault } from '../../support/aws/proxy.ts';
import type { TestTopic } from '../../support/aws/queue.ts';
import { openTopic, takeAnnounced } from '../../support/aws/queue.ts';
import { someIds } from '../../support/identifiers.ts';
import { awsAround, NEVER } from './aws-around.ts';

const aws = awsAround();
let topics = 0;

interface Announced extends Announcement {
  readonly missedIds: readonly CanonicalId[];
  /** What a subscriber of the topic got. */
  readonly received: readonly string[];
  /** The requests, as they came in. */
  readonly calls: readonly AwsCall[];
}

interface Circumstances {
  readonly fault?: (call: AwsCall, nth: number) => Fault | undefined;
  readonly patienceMs?: number;
  readonly signal?: AbortSignal;
  readonly topic?: TestTopic;
}

async function announce(
  ids: readonly CanonicalId[],
  { fault, patienceMs, signal = NEVER, topic }: Circumstances = {}
): Promise<Announced> {
  topics += 1;
  const on = topic ?? (await openTopic(aws(), `works-${topics}`));
  aws().proxy.play(fault ? { fault } : {});
  using announcer = snsAnnouncer({ arn: on.arn, ...(patienceMs !== undefined && { patienceMs }) });
  const missedIds: CanonicalId[] = [];
  const announcement = await announcer.announce(
    streamOf(ids),
    async id => void missedIds.push(id),
    signal
  );
  const calls = aws().proxy.calls.filter(({ action }) => action === 'PublishBatch');
  aws().proxy.play({});
  return { ...announcement, missedIds, calls, received: await takeAnnounced(aws(), on) };
}

async function* streamOf<T>(items: readonly T[]) {
  yield* items;
}

const PREFIX = 'PublishBatchRequestEntries.member';

/** The messages of a request, `{"default":"…"}` unpacked. */
function messagesOf({ parameters }: AwsCall): string[] {
  return entriesOf(parameters).map(({ message }) => JSON.parse(message).default);
}

function entriesOf(parameters: AwsCall['parameters']) {
  return Array.from({ length: 10 }, (_, index) => ({
    id: parameters[`${PREFIX}.${index + 1}.Id`] ?? '',
    message: parameters[`${PREFIX}.${index + 1}.Message`] ?? '',
    structure: parameters[`${PREFIX}.${index + 1}.MessageStructure`],
  })).filter(({ id }) => id !== '');
}

/** An answer of SNS in which some entries were not taken. */
function answerFor(
  { parameters }: AwsCall,
  refuse: (index: number) => { code: string; senderFault: boolean } | undefined
): Fault {
  const results = entriesOf(parameters).map(({ id }, index) => ({ id, refused: refuse(index) }));
  const failed = results.map(({ id, refused }) =>
    refused
      ? `<member><Id>${id}</Id><Code>${refused.code}</Code><Message>planted</Message>` +
        `<SenderFault>${refused.senderFault}</SenderFault></member>`
      : ''
  );
  const taken = results.map(({ id, refused }) =>
    refused ? '' : `<member><Id>${id}</Id><MessageId>made-up</MessageId></member>`
  );
  return {
    answer:
      '<PublishBatchResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishBatchResult>' +
      `<Successful>${taken.join('')}</Successful><Failed>${failed.join('')}</Failed>` +
      '</PublishBatchResult></PublishBatchResponse>',
  };
}

const THROTTLED = { status: 400, code: 'Throttling', message: 'Rate exceeded' };

describe('an announcement on SNS', () => {
  test('is one message an ID, ten a request, in the form that the pipeline reads', async () => {
    const ids = someIds(25);
    const { received, calls, ...announcement } = await announce(ids);

    expect(announcement).toEqual({ announced: 25, missed: 0, reason: '', missedIds: [] });
    expect(received.toSorted()).toEqual(ids.toSorted());
    expect(calls.map(call => messagesOf(call).length).toSorted()).toEqual([10, 10, 5]);
    const [first] = calls.filter(call => messagesOf(call).includes(String(ids[0])));
    expect(entriesOf(first?.parameters ?? {})).toEqual(
      ids.slice(0, 10).map((id, index) => ({
        id: `batch_message_${index}`,
        message: `{"default":"${id}"}`,
        structure: 'json',
      }))
    );
  });

  test('of nothing asks SNS for nothing', async () => {
    expect(await announce([])).toMatchObject({ announced: 0, missed: 0, calls: [] });
  });

  test('sends the messages again that SNS throttles, and only those', async () => {
    const ids = someIds(30);
    const refusals = new Map<string, number>();
    const throttled = ids.filter((_, index) => index % 3 === 0);
    const { received, calls, ...announcement } = await announce(ids, {
      // Each of them is refused twice; what the stand-in takes, no subscriber gets.
      fault: call => {
        const messages = messagesOf(call);
        const isRefused = (message = ''): boolean =>
          throttled.some(id => id === message) && (refusals.get(message) ?? 0) < 2;
        if (!messages.some(isRefused)) return undefined;
        const refused = new Set(messages.filter(isRefused));
        for (const message of refused) refusals.set(message, (refusals.get(message) ?? 0) + 1);
        return answerFor(call, index =>
          refused.has(String(messages[index]))
            ? { code: 'ThrottlingException', senderFault: false }
            : undefined
        );
      },
    });

    expect(announcement).toMatchObject({ announced: 30, missed: 0, missedIds: [] });
    const sent = new Map(ids.map(id => [String(id), 0]));
    for (const message of calls.flatMap(messagesOf)) {
      sent.set(message, (sent.get(message) ?? 0) + 1);
    }
    const expected = ids.map(id => [id, throttled.includes(id) ? 3 : 1]);
    expect([...sent]).toEqual(expected);
    expect(received.toSorted()).toEqual(throttled.toSorted());
  });

  test('does not send again what SNS refuses for good, and names it', async () => {
    const ids = someIds(20);
    const { calls, missedIds, announced, missed, reason } = await announce(ids, {
      fault: call =>
        answerFor(call, index =>
          index === 4 ? { code: 'InvalidParameter', senderFault: true } : undefined
        ),
    });

    expect(calls).toHaveLength(2);
    expect({ announced, missed, reason }).toEqual({
      ...{ announced: 18, missed: 2, reason: 'InvalidParameter: planted' },
    });
    expect(missedIds.toSorted()).toEqual([ids[4], ids[14]].toSorted());
  });

  test('takes no entry for published that the answer does not name', async () => {
    const ids = someIds(10);
    const { missedIds } = await announce(ids, {
      patienceMs: 200,
      fault: () => ({
        answer:
          '<PublishBatchResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishBatchResult>' +
          '<Successful><member><Id>batch_message_3</Id></member></Successful><Failed/>' +
          '</PublishBatchResult></PublishBatchResponse>',
      }),
    });
    // The only one is named at the first attempt, and is not among those that are sent again.
    expect(missedIds.toSorted()).toEqual(ids.filter((_, index) => index !== 3).toSorted());
  });

  test('goes on after requests that were throttled, refused for a while, or cut off', async () => {
    const ids = someIds(100);
    const faults: Fault[] = [
      THROTTLED,
      { status: 503, code: 'ServiceUnavailable', message: 'planted' },
      { status: 500, code: 'InternalError', message: 'planted' },
      'cut',
    ];
    const { received, ...announcement } = await announce(ids, {
      fault: (_, nth) => faults[nth - 1],
    });

    expect(announcement).toMatchObject({ announced: 100, missed: 0, missedIds: [] });
    expect(received.toSorted()).toEqual(ids.toSorted());
  });

  test('of a request whose answer was lost comes twice rather than not at all', async () => {
    const ids = someIds(10);
    const { received, missed } = await announce(ids, {
      fault: (_, nth) => (nth === 1 ? 'cut after' : undefined),
    });
    expect(missed).toBe(0);
    expect(received.toSorted()).toEqual([...ids, ...ids].toSorted());
  });

  test('ends where nothing gets through, and names every ID once', async () => {
    const ids = someIds(2_000);
    const { calls, received, missedIds, ...announcement } = await announce(ids, {
      patienceMs: 300,
      fault: () => THROTTLED,
    });

    expect(announcement).toEqual({
      ...{ announced: 0, missed: 2_000, reason: 'Throttling: Rate exceeded' },
    });
    expect(missedIds.toSorted()).toEqual(ids.toSorted());
    expect(received).toEqual([]);
    // Those that come later are not tried one by one.
    expect(calls.length).toBeLessThan(200);
  });

  test('ends at once where it is not allowed, or there is no such topic', async () => {
    const ids = someIds(1_000);
    const denied = await announce(ids, {
      fault: () => ({ status: 403, code: 'AuthorizationError', message: 'planted' }),
    });
    const topic = await openTopic(aws(), 'there');
    const absent = await announce(ids, { topic: { ...topic, arn: `${topic.arn}-not` } });

    for (const { missedIds, announced, calls } of [denied, absent]) {
      expect(announced).toBe(0);
      expect(missedIds.toSorted()).toEqual(ids.toSorted());
      // Those that were on their way already.
      expect(calls.length).toBeLessThanOrEqual(20);
    }
    expect(denied.reason).toContain('AuthorizationError');
    expect(absent.reason).toContain('NotFound');
  });

  test('ends on the signal: what was not published by then is named', async () => {
    const ids = someIds(1_000);
    const controller = new AbortController();
    const { announced, missed, missedIds, received, reason } = await announce(ids, {
      signal: controller.signal,
      fault: (_, nth) => {
        if (nth === 30) controller.abort();
        return undefined;
      },
    });

    expect(announced + missed).toBe(1_000);
    expect(missed).toBeGreaterThan(0);
    expect(reason).toBe('the run had to end before');
    expect(new Set([...received, ...missedIds])).toEqual(new Set(ids));
  });
});
