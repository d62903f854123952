/**
 * Finds, among any number of keys that pass by several times, those that are there more than once, in bounded
 * memory: of each key only a number is kept, and of the numbers at most those of one range at a time. Two keys can
 * have one number, so what is found is to be compared by the keys themselves.
 *
 * Each round: every key is added; `twice` says which numbers came more than once; `next` goes on to the range that
 * there was no room for, until it says that there is none.
 */
export class TwinSearch {
  readonly #numbers: Float64Array;
  #count = 0;
  #from = 0;
  #below = NUMBERS;

  /** @param room - numbers of 8 bytes, at least 8; pages of memory that no key needs are never touched */
  constructor(room: number = ROOM_DEFAULT) {
    this.#numbers = new Float64Array(room);
  }

  add(key: string): void {
    const number = numberOf(key);
    if (number < this.#from || number >= this.#below) return;
    if (this.#count === this.#numbers.length) this.#makeRoom();
    if (number < this.#below) this.#numbers[this.#count++] = number;
  }

  /** The numbers of this range that came more than once, each once, in order. */
  twice(): Float64Array {
    this.#sort();
    return this.#sorted().filter((number, at, sorted) => {
      return number === sorted[at + 1] && number !== sorted[at - 1];
    });
  }

  /** @returns whether there is a further range, for which all keys have to be added again */
  next(): boolean {
    this.#from = this.#below;
    this.#below = NUMBERS;
    this.#count = 0;
    return this.#from < NUMBERS;
  }

  /** Of each number two say as much as more do; then the upper half is left to the next range. */
  #makeRoom(): void {
    this.#sort();
    const numbers = this.#numbers;
    let kept = 0;
    for (const number of numbers) {
      if (kept >= 2 && number === numbers[kept - 1] && number === numbers[kept - 2]) continue;
      numbers[kept++] = number;
    }
    this.#count = kept;
    if (kept <= numbers.length / 2) return;
    const middle = numbers[kept >> 1] as number;
    this.#count = this.#sorted().indexOf(middle);
    this.#below = middle;
  }

  #sort(): void {
    this.#sorted().sort();
  }

  #sorted(): Float64Array {
    return this.#numbers.subarray(0, this.#count);
  }
}

/** 128 MB: one range for 16 million keys. */
const ROOM_DEFAULT = 2 ** 24;

/** Numbers are below this: as many as a double holds exactly. Of ten million keys two share one by chance once in 180 times. */
const NUMBERS = 2 ** 53;

/** A number in 0 ≤ n < 2⁵³ that is the same for the same key: two rounds of FNV-1a side by side, mixed as in MurmurHash3. */
export function numberOf(key: string): number {
  let high = 0x811c9dc5;
  let low = 0x01000193;
  for (let at = 0; at < key.length; at += 1) {
    const unit = key.charCodeAt(at);
    high = Math.imul(high ^ unit, 0x85ebca77);
    low = Math.imul(low ^ unit, 0xc2b2ae3d);
  }
  high = mix(high ^ (low >>> 15));
  low = mix(low ^ (high >>> 13));
  return (high & 0x1fffff) * 2 ** 32 + (low >>> 0);
}

function mix(bits: number): number {
  const once = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  const again = Math.imul(once ^ (once >>> 13), 0xc2b2ae35);
  return again ^ (again >>> 16);
}
