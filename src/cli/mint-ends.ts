import { resolve } from 'node:path';
import { IdMinterError } from '../domain/errors.ts';
import type { TimeWindow } from '../domain/time-window.ts';
import { parseWindow } from '../domain/time-window.ts';
import type { IndexAddress, IndexFlags } from '../runtime/index-location.ts';
import { locateIndex } from '../runtime/index-location.ts';
import { STANDARD } from '../runtime/open-documents.ts';
import { readSettings } from '../runtime/settings.ts';
import type { CommonOptions, Io } from './io.ts';

export interface MintOptions extends CommonOptions {
  readonly source?: string;
  readonly target?: string;
  readonly sourceIdentifiers?: readonly string[];
  readonly windowStart?: string;
  readonly windowEnd?: string;
  readonly full?: boolean;
  readonly sourceIndex?: string;
  readonly targetIndex?: string;
  readonly sourceIndexPrefix?: string;
  readonly targetIndexPrefix?: string;
  readonly sourceIndexDateSuffix?: string;
  readonly targetIndexDateSuffix?: string;
  readonly sourceEsMode?: string;
  readonly targetEsMode?: string;
  readonly pipelineDate?: string;
  readonly resolver?: string;
  readonly jobId?: string;
  readonly batchSize: number;
  readonly concurrency: number;
  readonly report?: string;
  readonly dryRun?: boolean;
  readonly applyMigrations?: boolean;
  readonly topUp?: boolean;
}

/** What says something of an index, and would be passed over in silence where the works are in a file. */
const OF_SOURCE_INDEXES = [
  'windowStart',
  'windowEnd',
  'full',
  'sourceIndex',
  'sourceIndexPrefix',
  'sourceIndexDateSuffix',
  'sourceEsMode',
] as const satisfies (keyof MintOptions)[];
const OF_TARGET_INDEXES = [
  'targetIndex',
  'targetIndexPrefix',
  'targetIndexDateSuffix',
  'targetEsMode',
] as const satisfies (keyof MintOptions)[];

/** A file, `-` or an index, which has its address once it is located. */
export type End<Index = IndexAddress> = string | Index;

/** Where works come from and go to. */
export interface Ends<Index = IndexAddress> {
  readonly source: End<Index>;
  readonly target: End<Index>;
  /** Set where the works of a window are meant, which only an index can tell. */
  readonly window?: TimeWindow | undefined;
}

/** @throws IdMinterError USAGE, before anything is asked */
export function readEnds(file: string | undefined, options: MintOptions): Ends<IndexFlags> {
  if (options.resolver !== undefined && options.resolver !== 'local') {
    throw usage(
      `--resolver ${options.resolver} is gone: it could only look up. Use \`id-minter lookup\` for that.`
    );
  }
  if (file !== undefined && options.source !== undefined) {
    throw usage(`Two sources are named, ${file} and ${options.source}: give one.`);
  }
  const source = readSource(options.source ?? file, options);
  const window = isFile(source) ? undefined : readWindow(options);
  const target = readTarget(options, !isFile(source));
  if (options.json && target === STANDARD && !options.dryRun) {
    throw usage('With --json standard output holds the summary: give the works a --target FILE.');
  }
  if (isFile(target)) refuseSharedReport(options, target);
  return { source, target, window };
}

/** @throws IdMinterError USAGE, and what `locateIndex` throws */
export async function locateEnds(
  { source: named, target: namedTarget, window }: Ends<IndexFlags>,
  { dryRun }: MintOptions,
  { environment }: Io
): Promise<Ends> {
  const surroundings = { environment, settings: readSettings(environment) };
  const [source, target] = await Promise.all([
    isFile(named) ? named : locateIndex('SOURCE', named, surroundings),
    isFile(namedTarget) ? namedTarget : locateIndex('TARGET', namedTarget, surroundings),
  ]);
  if (!isFile(source) && !isFile(target) && source.name === target.name && !dryRun) {
    throw usage(`The works come from ${source.name} and would go there: name another target.`);
  }
  return { source, target, window };
}

function readSource(named: string | undefined, options: MintOptions): End<IndexFlags> {
  const { sourceIdentifiers, windowStart, windowEnd, full } = options;
  const isSelected = (sourceIdentifiers ?? windowStart ?? windowEnd ?? full) !== undefined;
  if (named === undefined && !isSelected) {
    throw usage(
      'No works are named: give a file, or - for standard input; or of an index --source-identifiers, --window-end or --full.'
    );
  }
  if (named === undefined || isUrl(named)) {
    return indexFlags(options, 'source', named);
  }
  refuseIdle(options, OF_SOURCE_INDEXES, `the works come from ${named}`);
  return named;
}

function readTarget(options: MintOptions, isFromIndex: boolean): End<IndexFlags> {
  const { target } = options;
  const isNamed = OF_TARGET_INDEXES.some(name => options[name] !== undefined);
  if (isUrl(target) || (target === undefined && (isFromIndex || isNamed))) {
    return indexFlags(options, 'target', target);
  }
  if (target !== undefined) refuseIdle(options, OF_TARGET_INDEXES, `the works go to ${target}`);
  return target ?? STANDARD;
}

function indexFlags(
  options: MintOptions,
  side: 'source' | 'target',
  url: string | undefined
): IndexFlags {
  return {
    url,
    index: options[`${side}Index`],
    prefix: options[`${side}IndexPrefix`],
    dateSuffix: options[`${side}IndexDateSuffix`],
    mode: options[`${side}EsMode`],
    pipelineDate: options.pipelineDate,
  };
}

/** Exactly one of ids, window and full says which works of an index are meant. */
function readWindow(options: MintOptions): TimeWindow | undefined {
  const { sourceIdentifiers, windowStart: start, windowEnd: end, full } = options;
  const isWindow = start !== undefined || end !== undefined;
  const named = [sourceIdentifiers !== undefined, isWindow, full === true].filter(Boolean).length;
  if (named !== 1) {
    throw usage(
      `${named === 0 ? 'Nothing says which' : 'Several flags say which'} works of the index are meant: give one of ` +
        '--source-identifiers, --window-start with --window-end, and --full.'
    );
  }
  return isWindow ? parseWindow({ start, end }) : undefined;
}

function refuseIdle(
  options: MintOptions,
  names: readonly (keyof MintOptions)[],
  because: string
): void {
  const idle = names.find(name => options[name] !== undefined);
  if (idle === undefined) return;
  const flag = `--${idle.replaceAll(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`;
  throw usage(`${flag} says something of an index, and ${because}: leave it out.`);
}

export function isFile(end: End<unknown>): end is string {
  return typeof end === 'string';
}

/** One of the two would overwrite the other, or stand in the midst of it. */
function refuseSharedReport({ report, dryRun, json }: MintOptions, targetPath: string): void {
  if (report === undefined) return;
  const isStandard = report === STANDARD;
  const isTarget = isStandard ? targetPath === STANDARD : resolve(report) === resolve(targetPath);
  if (isTarget && !dryRun) throw usage('--report and --target name the same place: give two.');
  if (isStandard && json)
    throw usage('With --json standard output holds the summary: give --report a file.');
}

function isUrl(text: string | undefined): boolean {
  return text !== undefined && /^https?:\/\//.test(text);
}

export function usage(message: string): IdMinterError {
  return new IdMinterError('USAGE', `${message} Nothing was done.`);
}
