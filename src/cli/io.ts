import type { Readable, Writable } from 'node:stream';
import { styleText } from 'node:util';
import type { ErrorCode } from '../domain/errors.ts';
import { ERRORS, IdMinterError } from '../domain/errors.ts';
import { ISSUES } from '../runtime/program.ts';
import type { Environment } from '../runtime/settings.ts';

/** The surroundings of a command: what it reads and writes besides files. */
export interface Io {
  readonly environment: Environment;
  readonly stdin: Readable;
  readonly stdout: Writable & { readonly isTTY?: boolean };
  readonly stderr: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  /** Aborted by Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal;
}

/** What every command can be told. */
export interface CommonOptions {
  readonly registry?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly debug?: boolean;
}

/** How a command speaks to the person or program that called it. */
export interface Speech {
  /** Data, on stdout. */
  data(text: string): void;
  /** What is worth knowing, on stderr; `--quiet` leaves it out. */
  say(text: string): void;
  /** What a person must know, on stderr. */
  tell(kind: 'error' | 'warning', code: ErrorCode, message: string): void;
  /** On a terminal, in the place of what it showed before; whatever else is said takes that place. */
  showLine(text: string): void;
}

const TO_EMPTY_LINE = '\r\u001B[2K';

/** The codes of each run whose section was named already: ten thousand failures need it once. */
const explained = new WeakMap<Io, Set<ErrorCode>>();

export function speech(io: Io, { quiet = false }: CommonOptions): Speech {
  const paint = (format: Parameters<typeof styleText>[0], text: string): string =>
    hasColour(io) ? styleText(format, text, { validateStream: false }) : text;
  const start = isTerminal(io) ? TO_EMPTY_LINE : '';
  return {
    data: text => io.stdout.write(`${text}\n`),
    say: text => {
      if (!quiet) io.stderr.write(`${start}${text}\n`);
    },
    tell: (kind, code, message) => {
      const label = paint(kind === 'error' ? 'red' : 'yellow', `${kind} ${code}`);
      io.stderr.write(`${start}${label}: ${onOneLine(message)}${pointerOnce(code, io)}\n`);
    },
    showLine: text => {
      if (!quiet) io.stderr.write(start + text.slice(0, (io.stderr.columns ?? 80) - 1));
    },
  };
}

/** Where the pages that come with the package explain a code. */
function sectionOf(code: ErrorCode): string {
  return `docs/errors.md#${code.toLowerCase()}`;
}

/** Whether a line can be written anew: not in a log, nor where the data goes to the same terminal. */
export function isTerminal({ environment, stdout, stderr }: Io): boolean {
  return stderr.isTTY === true && stdout.isTTY !== true && environment['TERM'] !== 'dumb';
}

/** An error as a person sees it; the stack only with `--debug`. */
export function explain(error: unknown, io: Io, options: CommonOptions): IdMinterError {
  const isOurs = error instanceof IdMinterError && error.code !== 'INTERNAL';
  const known = isOurs ? error : internal(error);
  if (options.json) {
    const { code, message } = known;
    const { exit } = ERRORS[code];
    io.stdout.write(
      `${JSON.stringify({ error: { code, message, exit, help: sectionOf(code) } })}\n`
    );
  }
  speech(io, options).tell('error', known.code, known.message);
  if (options.debug) io.stderr.write(`${stackOf(known)}\n`);
  return known;
}

function internal(error: unknown): IdMinterError {
  const what = error instanceof Error ? error.message : String(error);
  return new IdMinterError(
    'INTERNAL',
    `A fault of ID Minter: ${what.replace(/\.$/, '')}. Every ID that was answered is in the registry. Run again with --debug, and report ` +
      `what it prints at ${ISSUES}.`,
    { cause: error }
  );
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by: ${stackOf(error.cause)}` : '';
  return `${error.stack ?? error.message}${cause}`;
}

function hasColour({ environment, stderr }: Io): boolean {
  return stderr.isTTY === true && !environment['NO_COLOR'] && environment['TERM'] !== 'dumb';
}

function pointerOnce(code: ErrorCode, io: Io): string {
  const codes = explained.get(io) ?? new Set();
  explained.set(io, codes);
  if (codes.has(code)) return '';
  codes.add(code);
  return ` See ${sectionOf(code)}.`;
}

function onOneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, ' ');
}
