import { spawnSync } from 'node:child_process';
import { stripVTControlCharacters } from 'node:util';
import type { Desk, Ended, Running } from './command-line.ts';
import { PROGRAM } from './command-line.ts';

/** The key that interrupts, as a terminal sends it. */
export const CTRL_C = '\u0003';

export const ESCAPE = '\u001B';

/** What is written before a line that takes the place of another one. */
export const TO_EMPTY_LINE = `\r${ESCAPE}[2K`;

const COLUMNS = 80;

/** Pseudo-terminals are made by the system's own `script`, which is one of two. */
const script = findScript();

/** Why there are no terminals here. Said aloud, and with CI=true an error: no test that needs one goes missing unseen. */
export const whyNoTerminal = script === undefined ? 'they need the program `script`' : undefined;
if (whyNoTerminal !== undefined) {
  const what = 'The tests on terminals are not part of this run';
  if (process.env['CI'] === 'true') throw new Error(`CI=true, and ${what}: ${whyNoTerminal}.`);
  console.warn(`${what}: ${whyNoTerminal}.`);
}

export interface TerminalOptions {
  readonly environment?: Readonly<Record<string, string>>;
  /** What stands on the terminal beside standard input. Standard output goes to a pipe unless it does too. */
  readonly shows?: 'messages' | 'messages and data';
}

/**
 * Runs the command line on a terminal of 80 columns, where nobody types anything.
 *
 * @returns `stderr` is all that was written to the terminal, with its line ends as programs write them; `stdout` what
 *   went to the pipe
 */
export async function runOnTerminal(
  desk: Desk,
  args: readonly string[],
  options?: TerminalOptions
): Promise<Ended> {
  const { child, ended } = startOnTerminal(desk, args, options);
  child.stdin?.end();
  return await ended;
}

/** As {@link runOnTerminal}, but what is written to the child's standard input is typed. */
export function startOnTerminal(
  desk: Desk,
  args: readonly string[],
  { environment, shows = 'messages' }: TerminalOptions = {}
): Running {
  if (script === undefined) throw new Error(`No terminal: ${whyNoTerminal}.`);
  const command = [process.execPath, PROGRAM, ...args].map(quote).join(' ');
  const toPipe = shows === 'messages' ? '>&3 3>&-' : '';
  const running = desk.startShell(
    script(`stty cols ${COLUMNS} rows 24; exec ${command} ${toPipe}`),
    { environment: { TERM: 'xterm-256color', ...environment } }
  );
  return {
    ...running,
    ended: running.ended.then(({ stderr, ...ended }) => ({
      ...ended,
      stderr: stderr.replaceAll('\r\n', '\n'),
    })),
  };
}

/** What a person has before them at the end: lines that others took the place of are gone, and so is colour. */
export function onScreen(written: string): string {
  return written
    .split('\n')
    .map(line => stripVTControlCharacters(line.slice(line.lastIndexOf('\r') + 1)))
    .join('\n');
}

/** The texts that are written in a colour of their own. */
export function colouredIn(written: string): string[] {
  const [, ...sequences] = written.split(ESCAPE);
  return sequences.flatMap(text => /^\[(?!39m)[\d;]*m(.*)$/s.exec(text)?.[1] ?? []);
}

/** Runs a line of the shell on a terminal, which is its standard error here; its own standard output is 3. */
function findScript(): ((line: string) => string) | undefined {
  switch (process.platform) {
    case 'linux': {
      const { stdout } = spawnSync('script', ['--version'], { encoding: 'utf8' });
      if (!stdout?.includes('util-linux')) return undefined;
      return line => `exec script -qefc ${quote(line)} /dev/null 3>&1 >&2`;
    }
    case 'darwin':
    case 'freebsd':
      // It reads from a pipe or a terminal, and Node's pipes are sockets.
      return line => `cat | script -q /dev/null sh -c ${quote(line)} 3>&1 >&2`;
    default:
      return undefined;
  }
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
