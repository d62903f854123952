import { randomUUID } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WaitingRoom } from '../domain/documents.ts';
import { BlockWriter } from './block-writer.ts';
import { targetFailed } from './files.ts';
import { parseJson } from './json-text.ts';
import { readLines } from './lines.ts';

const CHUNK_BYTES = 64 * 1024;

/** Keeps entries in a temporary file, as JSON. It has no name, so that nothing is left of it however the process ends. */
export class WaitingFile<T> implements WaitingRoom<T> {
  #file: FileHandle | undefined;
  readonly #blocks = new BlockWriter(async text => {
    this.#file ??= await openNameless();
    await this.#file.appendFile(text);
  });

  async put(entry: T): Promise<void> {
    await attempt(() => this.#blocks.write(`${JSON.stringify(entry)}\n`));
  }

  async *entries(): AsyncGenerator<T, void, undefined> {
    await attempt(() => this.#blocks.flush());
    if (this.#file === undefined) return;
    const lines = readLines(readFromStart(this.#file), { longest: Number.POSITIVE_INFINITY });
    for await (const { number, bytes } of lines) {
      if (bytes) yield (await parseJson(bytes, `line ${number}`)) as T;
    }
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }
}

async function openNameless(): Promise<FileHandle> {
  const path = join(tmpdir(), `id-minter-${randomUUID()}.ndjson`);
  const file = await open(path, 'wx+', 0o600);
  await rm(path);
  return file;
}

/** Unlike a stream, it leaves the file open when it is left early. */
async function* readFromStart(file: FileHandle): AsyncGenerator<Buffer, void, undefined> {
  for (let position = 0; ; ) {
    const { bytesRead, buffer } = await file.read({ buffer: Buffer.alloc(CHUNK_BYTES), position });
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

async function attempt(write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    const name = `a temporary file in ${tmpdir()}`;
    throw targetFailed(name, error, 'Nothing stands under the names of the target and the report.');
  }
}
