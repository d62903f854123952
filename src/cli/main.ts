import { CommanderError } from 'commander';
import { ERRORS, IdMinterError } from '../domain/errors.ts';
import { EXIT } from './exit.ts';
import type { Io } from './io.ts';
import { explain } from './io.ts';
import { createProgram, withCommand } from './program.ts';
import { watchSignals } from './stop.ts';

/** Runs the command line of this process and ends it with the status that docs/cli.md promises. */
export async function main(): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      // Whoever read us has seen enough: no error.
      if (error.code === 'EPIPE') process.exit(EXIT.done);
      throw error;
    });
  }
  const stop = watchSignals();
  const io: Io = {
    environment: process.env,
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    signal: stop.signal,
  };
  const status = await run(process.argv.slice(2), io);
  // Not process.exit: what was written to a pipe would be lost.
  process.exitCode = stop.status ?? status;
  stop.done();
}

/** Runs one command line, and never rejects. */
export async function run(args: readonly string[], io: Io): Promise<number> {
  let status: number = EXIT.done;
  const options = { json: args.includes('--json'), debug: args.includes('--debug') };
  const program = createProgram(io, ended => {
    status = ended;
  });
  if (args.length === 0) {
    io.stderr.write(program.helpInformation());
    return EXIT.usage;
  }
  try {
    await program.parseAsync(withCommand(args), { from: 'user' });
    return status;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.done;
    if (io.signal.aborted) return EXIT.interrupted;
    const known = explain(error instanceof CommanderError ? wrongUsage(error) : error, io, options);
    return ERRORS[known.code].exit;
  }
}

function wrongUsage({ message }: CommanderError): IdMinterError {
  const told = message.replace(/^error: /, '').replaceAll(/\s*\n\s*/g, ' ');
  const text = told.replace(/\.$/, '');
  return new IdMinterError(
    'USAGE',
    `${text.charAt(0).toUpperCase()}${text.slice(1)}. Nothing was done. See \`id-minter --help\`.`
  );
}
