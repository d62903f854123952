import { finished } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Text } from './block-writer.ts';

/** Packs texts one after the other into one gzip member: readers exist that stop after the first. */
export class GzipPacker {
  readonly #gzip = createGzip();
  #packed: Buffer[] = [];

  constructor() {
    this.#gzip.on('data', (part: Buffer) => this.#packed.push(part));
  }

  /** @returns what is packed by now; part of the text may come later */
  async pack(text: Text): Promise<Buffer> {
    await new Promise<void>((resolve, reject) => {
      this.#gzip.write(text, error => (error ? reject(error) : resolve()));
    });
    return this.#take();
  }

  async end(): Promise<Buffer> {
    this.#gzip.end();
    await finished(this.#gzip);
    return this.#take();
  }

  discard(): void {
    this.#gzip.destroy();
  }

  #take(): Buffer {
    const packed = Buffer.concat(this.#packed);
    this.#packed = [];
    return packed;
  }
}
