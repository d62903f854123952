import type { TestAws } from './aws.ts';

/** A queue, to which a test lets send what it wants to read. */
export interface TestQueue {
  readonly url: string;
  readonly arn: string;
}

/** A topic, and the queue of one who has subscribed to it. */
export interface TestTopic {
  readonly arn: string;
  readonly queue: TestQueue;
}

export async function openQueue(aws: TestAws, name: string): Promise<TestQueue> {
  const { QueueUrl } = await aws.json('sqs', 'AmazonSQS.CreateQueue', { QueueName: name });
  return { url: String(QueueUrl), arn: `arn:aws:sqs:${aws.region}:${aws.account}:${name}` };
}

export async function openTopic(aws: TestAws, name: string): Promise<TestTopic> {
  const queue = await openQueue(aws, name);
  const arn = `arn:aws:sns:${aws.region}:${aws.account}:${name}`;
  await aws.query('sns', { Action: 'CreateTopic', Name: name });
  await aws.query('sns', {
    ...{ Action: 'Subscribe', TopicArn: arn, Protocol: 'sqs', Endpoint: queue.arn },
  });
  return { arn, queue };
}

/** What is in a queue, which is empty then. */
export async function takeAll(aws: TestAws, QueueUrl: string): Promise<string[]> {
  const bodies: string[] = [];
  for (;;) {
    const received = await aws.json('sqs', 'AmazonSQS.ReceiveMessage', {
      QueueUrl,
      MaxNumberOfMessages: 10,
      WaitTimeSeconds: 0,
    });
    const messages = (received['Messages'] ?? []) as { Body: string; ReceiptHandle: string }[];
    if (messages.length === 0) return bodies;
    bodies.push(...messages.map(({ Body }) => Body));
    const Entries = messages.map(({ ReceiptHandle }, index) => ({
      ...{ Id: String(index), ReceiptHandle },
    }));
    await aws.json('sqs', 'AmazonSQS.DeleteMessageBatch', { QueueUrl, Entries });
  }
}

/** The texts that were announced on a topic, which a subscriber gets in an envelope. */
export async function takeAnnounced(aws: TestAws, { queue }: TestTopic): Promise<string[]> {
  const bodies = await takeAll(aws, queue.url);
  return bodies.map(body => String(JSON.parse(body).Message));
}
