/** Bytes that a block has at least: below it a call to the system costs more than what it writes. */
const BLOCK_BYTES = 64 * 1024;

/** A text, or its bytes in UTF-8. */
export type Text = string | Uint8Array;

/** Gathers small texts to blocks. One call at a time: who writes waits until more may be written. */
export class BlockWriter {
  readonly #writeBlock: (block: Uint8Array) => Promise<void>;
  #gathered: Uint8Array[] = [];
  #bytes = 0;

  constructor(writeBlock: (block: Uint8Array) => Promise<void>) {
    this.#writeBlock = writeBlock;
  }

  async write(text: Text): Promise<void> {
    const part = typeof text === 'string' ? Buffer.from(text) : text;
    this.#gathered.push(part);
    this.#bytes += part.length;
    if (this.#bytes >= BLOCK_BYTES) await this.flush();
  }

  async flush(): Promise<void> {
    if (this.#bytes === 0) return;
    const [first, ...more] = this.#gathered;
    const block = first && more.length === 0 ? first : Buffer.concat(this.#gathered, this.#bytes);
    this.#gathered = [];
    this.#bytes = 0;
    await this.#writeBlock(block);
  }
}
