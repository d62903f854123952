import type { Connection } from 'mysql2/promise';
import type { BenchRegistry } from './bench-registry.ts';
import type { Program } from './children.ts';
import type { Measured } from './figures.ts';
import type { Meter } from './meter.ts';

/** Something that is measured, and what it is compared with. */
export interface Workload {
  /** `look-up`, as in `npm run bench -- look-up`. */
  readonly name: string;
  /** What a user wants to know, as a question. */
  readonly question: string;
  /** What both sides do in one run. */
  readonly run: string;
  /** What ours is divided by. */
  readonly against: string;
  /** Whether it needs a database server; what does not is measured once, whatever servers there are. */
  readonly server: boolean;
  /** One size after the other, each told as soon as it is measured. */
  measure(ground: Ground): AsyncIterable<Measured>;
}

/** What a workload is given. */
export interface Ground {
  /** The short form: on one small registry, few pairs, for the answers and not for the times. */
  readonly isShort: boolean;
  /** Sizes of registries that are asked for, in rising order. */
  readonly rows: readonly number[];
  /** The size at which workloads run that are to be measured at one: a million where that is asked for. */
  readonly usualRows: number;
  /** How many pairs, `atMost` where a pair takes long. */
  pairs(atMost?: number): number;
  /** How many works the large files have. */
  readonly works: number;
  /** Of a workload that needs a server. */
  readonly database: Database;
  /** The package as it is installed. */
  program(): Promise<Program>;
  /** A folder for files, which goes at the end. */
  readonly folder: string;
  say(text: string): void;
}

/** A database server with its registries. */
export interface Database {
  readonly kind: 'mysql' | 'mariadb';
  readonly url: string;
  /** Whether it was started for this. */
  readonly isOurs: boolean;
  /** The administrator's connection. */
  readonly admin: Connection;
  /** Of this process and the server. */
  readonly meter: Meter;
  /** Made when it is asked for first, and then kept. */
  registry(rows: number): Promise<BenchRegistry>;
}
