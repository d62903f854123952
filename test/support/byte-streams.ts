import type { ByteSource } from '../../src/documents/files.ts';

/** Bytes in pieces, and then the fault, if there is one. */
export async function* chunksOf(
  pieces: Iterable<string | Uint8Array>,
  fault?: Error
): AsyncGenerator<Buffer> {
  for (const piece of pieces) yield Buffer.from(piece);
  if (fault) throw fault;
}

/** A source of bytes that knows whether it was read to its end or closed before. */
export interface TestBytes extends ByteSource {
  readonly isOver: boolean;
}

export function bytesOf(content: string | Uint8Array, pieceLength = 65_536): TestBytes {
  const bytes = Buffer.from(content);
  let isOver = false;
  async function* read(): AsyncGenerator<Buffer> {
    try {
      for (let start = 0; start < bytes.length; start += pieceLength) {
        yield bytes.subarray(start, start + pieceLength);
      }
    } finally {
      isOver = true;
    }
  }
  return {
    name: 'test.file',
    chunks: read(),
    share: () => undefined,
    get isOver() {
      return isOver;
    },
    close: () => {
      isOver = true;
    },
  };
}

export async function allOf<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  return await Array.fromAsync(items);
}
