/**
 * Two runs that drew other IDs and are otherwise the same: each ID of one stands for one of the other, wherever they
 * meet.
 */
export class Renaming {
  readonly #isId: (text: string) => boolean;
  readonly #there = new Map<string, string>();
  readonly #back = new Map<string, string>();

  /** @param isId - whether a text may be another one in the other run */
  constructor(isId: (text: string) => boolean) {
    this.#isId = isId;
  }

  /** IDs that were met. */
  get size(): number {
    return this.#there.size;
  }

  /** @throws Error where one of them has met another before */
  meet(one: string, other: string): void {
    if (!this.#there.has(one) && !this.#back.has(other)) {
      this.#there.set(one, other);
      this.#back.set(other, one);
    } else if (this.#there.get(one) !== other || this.#back.get(other) !== one) {
      throw new Error(`${one} stood for ${this.#there.get(one)}, and stands for ${other}`);
    }
  }

  /**
   * Compares value by value, in order.
   *
   * @throws Error where the two differ in anything but their IDs
   */
  compare(one: unknown, other: unknown, place = '$'): void {
    if (isObject(one) && isObject(other)) {
      const [keys, otherKeys] = [Object.keys(one), Object.keys(other)];
      if (`${keys}` !== `${otherKeys}`)
        throw new Error(`${place} has ${keys} in one run and ${otherKeys} in the other`);
      for (const key of keys) this.compare(one[key], other[key], `${place}.${key}`);
    } else if (isText(one) && isText(other)) {
      this.#compareText(one, other, place);
    } else if (one !== other) {
      throw new Error(`${place} is ${one} in one run and ${other} in the other`);
    }
  }

  /** A message may name IDs amid its words. */
  #compareText(one: string, other: string, place: string): void {
    if (one === other && !this.#isId(one)) return;
    const [words, otherWords] = [one.split(WORD_ENDS), other.split(WORD_ENDS)];
    const isSame = words.every((word, index) => {
      const otherWord = otherWords[index] ?? '';
      if (!this.#isId(word) || !this.#isId(otherWord)) return word === otherWord;
      this.meet(word, otherWord);
      return true;
    });
    if (!isSame || words.length !== otherWords.length)
      throw new Error(`${place} is ${one} in one run and ${other} in the other`);
  }
}

const WORD_ENDS = /([\s.,;:]+)/;

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}
