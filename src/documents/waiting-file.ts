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
    const chunks = this.#file.createReadStream({ start: 0, autoClose: false });
    for await (const { number, bytes } of readLines(chunks, {
      longest: Number.POSITIVE_INFINITY,
    })) {
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

async function attempt(write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    const name = `a temporary file in ${tmpdir()}`;
    throw targetFailed(name, error, 'Nothing stands under the names of the target and the report.');
  }
}
