import { setTimeout as sleep } from 'node:timers/promises';
import type {
  PublishBatchRequestEntry,
  PublishBatchResponse,
  SNSClient,
} from '@aws-sdk/client-sns';
import pMap from 'p-map';
import { AWS_TIMEOUTS, readAwsFailure } from '../aws/aws-failure.ts';
import type { CanonicalId } from '../domain/canonical-id.ts';
import type { Announcement, Announcer } from '../domain/notices.ts';

/** The most that SNS takes. */
const BATCH = 10;
const BATCHES_AT_ONCE = 20;

const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 10_000;
/** How long it goes on while nothing at all gets through. */
const PATIENCE_MS = 60_000;
/** Of one message that is refused while others get through. */
const ATTEMPTS_MAX = 12;

export interface SnsTopic {
  readonly arn: string;
  /** How long it goes on while nothing at all gets through. */
  readonly patienceMs?: number;
}

/**
 * Announces documents on a topic of SNS: one message an ID, in tens. Messages that SNS refuses for the moment are sent
 * again by themselves; an ID that may have come through half is sent again, so that it can come twice and never not at
 * all.
 */
export function snsAnnouncer({ arn, patienceMs }: SnsTopic): Announcer & Disposable {
  let client: SNSClient | undefined;
  return {
    name: arn,
    async announce(ids, missed, signal) {
      const sns = await import('@aws-sdk/client-sns');
      client ??= new sns.SNSClient({
        region: regionOf(arn),
        // Retries are ours: those of the client would not be seen by what bounds the whole.
        maxAttempts: 1,
        requestHandler: AWS_TIMEOUTS,
      });
      const open = client;
      const publish: Publish = entries =>
        open.send(
          new sns.PublishBatchCommand({ TopicArn: arn, PublishBatchRequestEntries: [...entries] }),
          { abortSignal: signal }
        );
      return await new Announcing({ publish, missed, signal, patienceMs }).all(ids);
    },
    [Symbol.dispose]: () => client?.destroy(),
  };
}

type Publish = (entries: readonly PublishBatchRequestEntry[]) => Promise<PublishBatchResponse>;

interface AnnouncingOptions {
  readonly publish: Publish;
  readonly missed: (id: CanonicalId) => Promise<void>;
  readonly signal: AbortSignal;
  readonly patienceMs: number | undefined;
}

/** One announcement of many IDs. Its batches share what they know of the topic. */
class Announcing {
  readonly #options: AnnouncingOptions;
  readonly #patienceMs: number;
  #lastSuccess = performance.now();
  /** Set once there is no sense in sending more. */
  #givenUp = false;
  #announced = 0;
  #missed = 0;
  #reason = '';
  #telling: Promise<void> = Promise.resolve();

  constructor(options: AnnouncingOptions) {
    this.#options = options;
    this.#patienceMs = options.patienceMs ?? PATIENCE_MS;
  }

  async all(ids: AsyncIterable<CanonicalId>): Promise<Announcement> {
    await pMap(inTens(ids), batch => this.#announce(batch), { concurrency: BATCHES_AT_ONCE });
    return { announced: this.#announced, missed: this.#missed, reason: this.#reason };
  }

  async #announce(batch: readonly CanonicalId[]): Promise<void> {
    let left: readonly Message[] = batch.map((id, index) => ({
      id,
      entry: {
        Id: `batch_message_${index}`,
        Message: JSON.stringify({ default: id }),
        MessageStructure: 'json',
      },
    }));
    for (let attempt = 1; left.length > 0 && !this.#isOver(); attempt += 1) {
      const { again, lost } = await this.#send(left);
      await this.#miss(lost);
      left = again;
      if (left.length === 0) return;
      if (attempt === ATTEMPTS_MAX || !(await this.#wait(attempt))) break;
    }
    await this.#miss(left);
  }

  /** @returns what may be sent again, and what may not */
  async #send(messages: readonly Message[]): Promise<Sent> {
    try {
      const answer = await this.#options.publish(messages.map(({ entry }) => entry));
      return this.#settle(messages, answer);
    } catch (error) {
      const { kind, reason } = readAwsFailure(error);
      this.#reason = reason;
      if (kind === 'busy') return { again: messages, lost: [] };
      // It would refuse all others as well.
      this.#givenUp = true;
      return { again: [], lost: messages };
    }
  }

  /** What is not said to be published is not. */
  #settle(
    messages: readonly Message[],
    { Successful = [], Failed = [] }: PublishBatchResponse
  ): Sent {
    const published = new Set(Successful.map(({ Id }) => Id));
    const failures = new Map(Failed.map(failure => [failure.Id, failure]));
    const failed = messages.filter(({ entry }) => !published.has(entry.Id));
    const isLost = ({ entry }: Message): boolean => failures.get(entry.Id)?.SenderFault === true;
    const last = failures.get(failed.at(-1)?.entry.Id);
    if (failed.length > 0) {
      this.#reason = last ? `${last.Code}: ${last.Message ?? ''}` : 'SNS did not confirm it';
    }
    if (failed.length < messages.length) {
      this.#lastSuccess = performance.now();
      this.#announced += messages.length - failed.length;
    }
    return { again: failed.filter(message => !isLost(message)), lost: failed.filter(isLost) };
  }

  /** @returns false where there is no further attempt */
  async #wait(attempt: number): Promise<boolean> {
    // Full jitter: those who were refused together do not come back together.
    const ms = Math.random() * Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt);
    if (performance.now() + ms > this.#lastSuccess + this.#patienceMs) this.#givenUp = true;
    if (this.#isOver()) return false;
    return await sleep(ms, true, { signal: this.#options.signal }).catch(() => false);
  }

  #isOver(): boolean {
    if (this.#options.signal.aborted) this.#reason = 'the run had to end before';
    return this.#givenUp || this.#options.signal.aborted;
  }

  /** One after the other, whichever batch they are of. */
  async #miss(messages: readonly Message[]): Promise<void> {
    this.#missed += messages.length;
    this.#telling = this.#telling.then(async () => {
      for (const { id } of messages) await this.#options.missed(id);
    });
    await this.#telling;
  }
}

interface Message {
  readonly id: CanonicalId;
  readonly entry: PublishBatchRequestEntry;
}

interface Sent {
  readonly again: readonly Message[];
  readonly lost: readonly Message[];
}

async function* inTens(
  ids: AsyncIterable<CanonicalId>
): AsyncGenerator<CanonicalId[], void, undefined> {
  let batch: CanonicalId[] = [];
  for await (const id of ids) {
    if (batch.push(id) < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** A topic is reached in its own region only. */
function regionOf(arn: string): string {
  return arn.split(':')[3] ?? '';
}
