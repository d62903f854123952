import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { WaitingRoom } from '../domain/documents.ts';
import { targetFailed } from './files.ts';
import { parseJson } from './json-text.ts';
import { readLines } from './lines.ts';

/** Keeps entries in a temporary file, which is made when the first one comes and goes with `close`. */
export class WaitingFile<T> implements WaitingRoom<T> {
  size = 0;
  #folder: string | undefined;
  #out: Writable | undefined;
  #failure: unknown;

  async put(entry: T): Promise<void> {
    this.#out ??= await this.#create();
    this.size += 1;
    if (!this.#out.write(`${JSON.stringify(entry)}\n`))
      await once(this.#out, 'drain').catch(() => undefined);
    if (this.#failure !== undefined) throw targetFailed(this.#path(), this.#failure);
  }

  async *entries(): AsyncGenerator<T, void, undefined> {
    if (this.#out === undefined) return;
    this.#out.end();
    await finished(this.#out);
    const lines = readLines(createReadStream(this.#path()), { longest: Number.POSITIVE_INFINITY });
    for await (const { number, bytes = Buffer.alloc(0) } of lines) {
      yield (await parseJson(bytes, `line ${number}`)) as T;
    }
  }

  async close(): Promise<void> {
    this.#out?.destroy();
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true });
  }

  async #create(): Promise<Writable> {
    this.#folder = await mkdtemp(join(tmpdir(), 'id-minter-'));
    const out = createWriteStream(this.#path());
    out.on('error', error => {
      this.#failure ??= error;
    });
    return out;
  }

  #path(): string {
    return join(this.#folder ?? tmpdir(), 'waiting.ndjson');
  }
}
