/** Characters a block: below it a call to the system costs more than what it writes. */
const BLOCK_LENGTH = 64 * 1024;

/** Gathers small texts to blocks. One call at a time: who writes waits until more may be written. */
export class BlockWriter {
  readonly #writeBlock: (text: string) => Promise<void>;
  #gathered = '';

  constructor(writeBlock: (text: string) => Promise<void>) {
    this.#writeBlock = writeBlock;
  }

  async write(text: string): Promise<void> {
    this.#gathered += text;
    if (this.#gathered.length >= BLOCK_LENGTH) await this.flush();
  }

  async flush(): Promise<void> {
    const block = this.#gathered;
    this.#gathered = '';
    if (block !== '') await this.#writeBlock(block);
  }
}
