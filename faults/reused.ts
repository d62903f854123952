/** Something that is slow to make, of which each unit at work needs one of its own: made when needed, used again after. */
export class Reused<T extends AsyncDisposable> implements AsyncDisposable {
  readonly #make: () => Promise<T>;
  readonly #made: T[] = [];
  readonly #idle: T[] = [];

  constructor(make: () => Promise<T>) {
    this.#make = make;
  }

  /** Where the work fails, what it used is not lent again: what state it is in is not known. */
  async use<Result>(work: (one: T) => Promise<Result>): Promise<Result> {
    const one = this.#idle.pop() ?? (await this.#makeOne());
    const result = await work(one);
    this.#idle.push(one);
    return result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of this.#made.splice(0)) await one[Symbol.asyncDispose]();
  }

  async #makeOne(): Promise<T> {
    const one = await this.#make();
    this.#made.push(one);
    return one;
  }
}
