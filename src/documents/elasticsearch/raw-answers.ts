/**
 * How the client reads an answer: as the bytes that came. By itself it makes a text of them, which would have to become
 * bytes again for the documents that it holds.
 */
import type { Readable } from 'node:stream';
import { errors, Serializer, UndiciConnection } from '@elastic/elasticsearch';
import { parseAnswer } from './raw-sources.ts';

type Request = Parameters<UndiciConnection['request']>;

export class BytesConnection extends UndiciConnection {
  /** Its types know texts and streams; what it does not know it hands to the serializer. */
  override async request(params: Request[0], options: Request[1]): Promise<never> {
    const answer = await super.request(params, { ...options, asStream: true });
    const bytes = await readAll(answer.body);
    const isJson = bytes.length > 0 && answer.headers['content-type']?.includes('json');
    // A Buffer it would turn into a text.
    const body = isJson ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length) : `${bytes}`;
    return { ...answer, body } as never;
  }
}

export class RawSources extends Serializer {
  override deserialize<T>(answer: string | Uint8Array): T {
    const json =
      typeof answer === 'string'
        ? Buffer.from(answer)
        : Buffer.from(answer.buffer, answer.byteOffset, answer.length);
    try {
      return parseAnswer(json) as T;
    } catch (error) {
      throw new errors.DeserializationError(String(error), json.toString('utf8', 0, 200));
    }
  }
}

/** Not by Node's own consumers, which copy all of it several times. */
async function readAll(stream: Readable): Promise<Buffer> {
  try {
    return Buffer.concat(await stream.toArray());
  } catch (error) {
    throw new errors.ConnectionError(error instanceof Error ? error.message : String(error));
  }
}
