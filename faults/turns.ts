import { setTimeout as sleep } from 'node:timers/promises';
import { Broken } from './campaign.ts';

export type Side = 0 | 1;

/** A statement that runs longer than this is asked after: it may wait for a lock. */
const ANSWER_MS = 2;
/** Far more than any wait for a lock or before another attempt. */
const STUCK_MS = 30_000;

/**
 * Holds every statement of two minters back until it is its turn. A minter whose turn it is while it waits for a lock
 * leaves it to the other; whether it waits is asked of the server, so that a schedule gives the same course each time.
 */
export class Turns {
  readonly #isBlocked: (side: Side) => Promise<boolean>;
  readonly #held: [(() => void) | undefined, (() => void) | undefined] = [undefined, undefined];
  readonly #isDone: [boolean, boolean] = [false, false];
  #changed = Promise.withResolvers<void>();
  #isOpen = false;
  /** Each statement as it was let go: `0 COMMIT`. */
  readonly course: string[] = [];
  /** Of them those that waited for a lock. */
  readonly waited: string[] = [];

  constructor(isBlocked: (side: Side) => Promise<boolean>) {
    this.#isBlocked = isBlocked;
  }

  /** Resolves when the statement may go. */
  async arrive(side: Side, sql: string): Promise<void> {
    if (!this.#isOpen) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#held[side] = resolve;
      this.#tell();
      await promise;
    }
    this.course.push(`${side} ${sql.replaceAll(/\s+/g, ' ').slice(0, 40)}`);
  }

  /** The minter has answered: it sends nothing more. */
  done(side: Side): void {
    this.#isDone[side] = true;
    this.#tell();
  }

  /** Lets one statement go each turn; after the last one, all that come. */
  async run(schedule: readonly Side[]): Promise<void> {
    for (const turn of schedule) {
      await this.#settle();
      if (this.#isDone[turn]) continue;
      this.#letGo(this.#held[turn] === undefined ? other(turn) : turn);
    }
    this.#isOpen = true;
    this.#letGo(0);
    this.#letGo(1);
  }

  #letGo(side: Side): void {
    const go = this.#held[side];
    this.#held[side] = undefined;
    go?.();
  }

  #tell(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }

  /** Until each has answered, holds a statement, or waits for a lock while the other holds one. */
  async #settle(): Promise<void> {
    const until = performance.now() + STUCK_MS;
    for (let wait = ANSWER_MS; performance.now() < until; wait = Math.min(2 * wait, 20)) {
      const moving = ([0, 1] as const).filter(side => !this.#isDone[side] && !this.#held[side]);
      const [first] = moving;
      if (first === undefined) return;
      const changed = this.#changed.promise;
      await Promise.race([changed, sleep(wait)]);
      const isAlone = moving.length === 1 && this.#held[other(first)] !== undefined;
      if (this.#held[first] || !isAlone || !(await this.#isBlocked(first))) continue;
      this.waited.push(this.course.findLast(step => step.startsWith(`${first} `)) ?? '');
      return;
    }
    throw new Broken(`A minter neither answers nor waits for a lock: ${this.course.join('; ')}`);
  }
}

function other(side: Side): Side {
  return side === 0 ? 1 : 0;
}

/** How many schedules there are in which each side has so many turns. */
export function countSchedules(lefts: number, rights: number): number {
  if (lefts === 0 || rights === 0) return 1;
  return countSchedules(lefts - 1, rights) + countSchedules(lefts, rights - 1);
}

/** All of them are numbered from 0. */
export function scheduleOf(number: number, lefts: number, rights: number): Side[] {
  if (lefts === 0) return new Array<Side>(rights).fill(1);
  if (rights === 0) return new Array<Side>(lefts).fill(0);
  const leftFirst = countSchedules(lefts - 1, rights);
  return number < leftFirst
    ? [0, ...scheduleOf(number, lefts - 1, rights)]
    : [1, ...scheduleOf(number - leftFirst, lefts, rights - 1)];
}
