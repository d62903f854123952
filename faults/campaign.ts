import type { Random } from '../scripts/invented-identifiers.ts';
import type { TestServer } from '../test/support/servers/open-servers.ts';

/** What a campaign counted in one unit. Sums over all units are shown, of `max …` the largest. */
export type Figures = Readonly<Record<string, number>>;

/** `gate`: short enough for every change. `long`: run when the minting changed, and kept in `results.json`. */
export type Form = 'gate' | 'long';

/** What a campaign is given. */
export interface Ground {
  readonly form: Form;
  readonly seed: number;
  /** A server whose databases are the campaign's own to make; what it kills or fills up it starts itself. */
  readonly server: TestServer;
}

/** One way to make the minter break a promise. */
export interface Campaign {
  /** `connection-cuts`, as in `--long connection-cuts`. */
  readonly name: string;
  /** What is done to the minter, and what must hold: one sentence for the reader of the results. */
  readonly tries: string;
  open(ground: Ground): Promise<OpenCampaign>;
}

/** A campaign on its ground. Disposal leaves no database, process or folder behind. */
export interface OpenCampaign extends AsyncDisposable {
  /** The same for the same form, server and seed: a unit is found again by its number. */
  readonly units: number;
  /** How many units may run at once; 1 unless it is said. */
  readonly atOnce?: number;
  /**
   * Runs one unit; every unit can be run by itself.
   *
   * @param random - drawn from the seed, the campaign and the unit
   * @throws Broken where a promise does not hold
   */
  run(unit: number, random: Random): Promise<Figures>;
}

/** A promise that did not hold, with what was seen: the message is all that a person gets. */
export class Broken extends Error {
  override readonly name = 'Broken';
}

/** @throws Broken */
export function demand(holds: boolean, otherwise: () => string): asserts holds {
  if (!holds) throw new Broken(otherwise());
}

/** @throws Broken where the two are not the same as JSON values */
export function demandEqual(what: string, found: unknown, expected: unknown): void {
  const [left, right] = [JSON.stringify(found), JSON.stringify(expected)];
  demand(left === right, () => `${what}: found ${left}, expected ${right}`);
}
