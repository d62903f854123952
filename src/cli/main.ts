import type { Command } from 'commander';
import { CommanderError } from 'commander';
import { ERRORS, IdMinterError } from '../domain/errors.ts';
import { EXIT } from './exit.ts';
import type { CommonOptions, Io } from './io.ts';
import { explain, speech } from './io.ts';
import { createProgram, withCommand } from './program.ts';
import { watchSignals } from './stop.ts';

/** Runs the command line of this process and ends it with the status that docs/cli.md promises. */
export async function main(): Promise<void> {
  const args = process.argv.slice(2);
  const stop = watchSignals(text => speech(io, {}).say(text));
  const io: Io = {
    environment: process.env,
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    signal: stop.signal,
  };
  endOnBrokenStreams(args, io);
  const status = await run(args, io);
  // An input that waits for more would keep the process.
  io.stdin.destroy();
  // Not process.exit: what was written to a pipe would be lost.
  process.exitCode = stop.status ?? status;
  stop.done();
}

/** What goes wrong where nobody waits for it ends the process, in one line too. */
function endOnBrokenStreams(args: readonly string[], io: Io): void {
  const end = (error: unknown): never => {
    const { code } = explain(error, io, flagsOf(args));
    process.exit(ERRORS[code].exit);
  };
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // Whoever read us has seen enough: no error.
    if (error.code === 'EPIPE') process.exit(EXIT.done);
    end(standardOutputFailed(error));
  });
  // Nobody hears us any more, and the work goes on.
  process.stderr.on('error', () => undefined);
  process.on('uncaughtException', end);
}

/** Runs one command line, and never rejects. */
export async function run(args: readonly string[], io: Io): Promise<number> {
  let status: number = EXIT.done;
  const program = createProgram(io, ended => {
    status = ended;
  });
  if (args.length === 0) {
    io.stderr.write(program.helpInformation());
    return EXIT.usage;
  }
  const given = withCommand(args);
  try {
    await program.parseAsync(given, { from: 'user' });
    return status;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.done;
    if (io.signal.aborted) return EXIT.interrupted;
    const told =
      error instanceof CommanderError ? wrongUsage(error, nameIn(program, given)) : error;
    return ERRORS[explain(told, io, flagsOf(args)).code].exit;
  }
}

/** Also known where the command line is not understood. */
function flagsOf(args: readonly string[]): CommonOptions {
  return { json: args.includes('--json'), debug: args.includes('--debug') };
}

function standardOutputFailed(cause: NodeJS.ErrnoException): IdMinterError {
  const why = cause.code === 'ENOSPC' ? 'the disk is full' : cause.message;
  return new IdMinterError(
    'TARGET_FAILED',
    `Writing standard output failed: ${why}. The IDs minted so far are in the registry. What came before was written. ` +
      'Mend it, and say the same command again: it gives the same IDs.',
    { cause }
  );
}

/** The command that a command line names, as far as it is known: `id-minter pool top-up`. */
function nameIn(program: Command, args: readonly string[]): string {
  let command = program;
  let name = program.name();
  for (const arg of args) {
    const inner = command.commands.find(other => other.name() === arg);
    if (inner === undefined) break;
    command = inner;
    name += ` ${arg}`;
  }
  return name;
}

function wrongUsage({ message }: CommanderError, command: string): IdMinterError {
  const told = message.replace(/^error: /, '').replaceAll(/\s*\n\s*/g, ' ');
  const text = told.replace(/\.$/, '');
  return new IdMinterError(
    'USAGE',
    `${text.charAt(0).toUpperCase()}${text.slice(1)}. Nothing was done. See \`${command} --help\`.`
  );
}
