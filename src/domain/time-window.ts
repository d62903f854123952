import { IdMinterError } from './errors.ts';

/** A stretch of time, both ends included. */
export interface TimeWindow {
  readonly start: Date;
  readonly end: Date;
}

const WINDOW_MS = 15 * 60 * 1000;
const TIME = /^(\d{4})-(\d\d)-(\d\d)(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?$/;

/**
 * The window that a run covers. Times without a zone are UTC, as Elasticsearch reads them; without a start it is the
 * quarter of an hour before the end.
 *
 * @throws IdMinterError USAGE where a time is none, the end is missing, or the start lies behind it
 */
export function parseWindow({
  start,
  end,
}: {
  start?: string | undefined;
  end?: string | undefined;
}): TimeWindow {
  if (end === undefined) throw unfit(`The window from ${start} has no end: give both.`);
  const last = parseTime(end);
  const first = start === undefined ? new Date(last.getTime() - WINDOW_MS) : parseTime(start);
  if (first > last)
    throw unfit(`The window begins at ${start}, after its end at ${end}: swap them.`);
  return { start: first, end: last };
}

function parseTime(text: string): Date {
  const [, year, month, day, zone] = TIME.exec(text) ?? [];
  const isNaive = zone === undefined && text.includes('T');
  const time = new Date(isNaive ? `${text}Z` : text);
  // Dates that are none would be taken for days of the next month.
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  if (Number.isNaN(time.getTime()) || date.getUTCDate() !== Number(day)) {
    throw unfit(`${JSON.stringify(text)} is no time: write it as 2026-08-20T03:15:00Z.`);
  }
  return time;
}

function unfit(message: string): IdMinterError {
  return new IdMinterError('USAGE', `${message} Nothing was done.`);
}
