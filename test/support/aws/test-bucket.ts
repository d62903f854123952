import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import type { TestAws } from './aws.ts';

/** A bucket of a test's own in the AWS of the tests. */
export interface TestBucket extends Disposable {
  readonly name: string;
  /** The URLs of all objects, in order. */
  list(): Promise<string[]>;
  /** The text of the object at `s3://BUCKET/KEY`. */
  read(url: string): Promise<string>;
  /** @returns its URL */
  put(key: string, text: string): Promise<string>;
}

let made = 0;

export async function openTestBucket(aws: TestAws): Promise<TestBucket> {
  made += 1;
  const name = `a-bucket-${process.pid}-${made}`;
  const s3 = new S3Client({
    endpoint: aws.proxy.url,
    region: aws.region,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    forcePathStyle: true,
  });
  await s3.send(
    new CreateBucketCommand({
      Bucket: name,
      CreateBucketConfiguration: { LocationConstraint: aws.region as 'eu-west-1' },
    })
  );
  const urlOf = (key: string) => `s3://${name}/${key}`;
  return {
    name,
    list: async () => {
      const keys: string[] = [];
      let token: string | undefined;
      do {
        const { Contents = [], NextContinuationToken } = await s3.send(
          new ListObjectsV2Command({
            Bucket: name,
            ...(token !== undefined && { ContinuationToken: token }),
          })
        );
        keys.push(...Contents.map(({ Key = '' }) => urlOf(Key)));
        token = NextContinuationToken;
      } while (token !== undefined);
      return keys.sort();
    },
    read: async url => {
      const Key = url.slice(urlOf('').length);
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: name, Key }));
      return (await Body?.transformToString()) ?? '';
    },
    put: async (key, text) => {
      await s3.send(new PutObjectCommand({ Bucket: name, Key: key, Body: text }));
      return urlOf(key);
    },
    [Symbol.dispose]: () => s3.destroy(),
  };
}
