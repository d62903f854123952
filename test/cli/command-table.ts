import { cp } from 'node:fs/promises';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import type { EXIT } from '../../src/cli/exit.ts';
import { createProgram } from '../../src/cli/program.ts';
import type { ErrorEntry } from '../../src/domain/errors.ts';
import type { Desk } from '../support/command-line.ts';
import { sierra } from '../support/identifiers.ts';
import { toLines, workOf } from './works.ts';

export type Exit = (typeof EXIT)[keyof typeof EXIT] | ErrorEntry['exit'];

/** One line that each command answers, on a desk that has the files of {@link writeInputs}. */
export interface CommandCase {
  readonly args: readonly string[];
  /** What `--json` needs beside it. */
  readonly forJson?: readonly string[];
  /** The published schema of what it prints with `--json`. */
  readonly schema: string;
  /** With which this line ends where nothing is wrong with the surroundings. */
  readonly status: 0 | 1;
  /** All with which the command may end. */
  readonly exits: readonly Exit[];
}

/** With which any command may end. */
const ANY: readonly Exit[] = [0, 2, 3, 4, 5, 70, 130, 143];

/** Every command of the command line. {@link commandNames} says which there are; a test compares. */
export const COMMANDS: Readonly<Record<string, CommandCase>> = {
  mint: {
    args: ['mint', 'works.ndjson'],
    forJson: ['--target', 'out.ndjson'],
    schema: 'mint',
    status: 1,
    exits: [...ANY, 1],
  },
  assign: {
    args: ['assign', '--source', 'rows.ndjson'],
    schema: 'assign-answer',
    status: 1,
    exits: [...ANY, 1],
  },
  lookup: {
    args: ['lookup', 'Work[s/1]', 'z2345678'],
    schema: 'lookup',
    status: 0,
    exits: [...ANY, 6],
  },
  import: {
    args: ['import', 'mappings.ndjson'],
    schema: 'import',
    status: 1,
    exits: [...ANY, 1],
  },
  pool: { args: ['pool'], schema: 'pool', status: 0, exits: ANY },
  'pool top-up': {
    args: ['pool', 'top-up', '--target', '9'],
    schema: 'pool-top-up',
    status: 0,
    exits: ANY,
  },
  check: {
    args: ['check', '--declared', 'rows.ndjson'],
    schema: 'check',
    status: 1,
    exits: [...ANY, 1, 6],
  },
  'export write': {
    args: ['export', 'write', 'written.export'],
    schema: 'export-write',
    status: 0,
    exits: ANY,
  },
  'export verify': {
    args: ['export', 'verify', 'backup.export'],
    schema: 'export-verify',
    status: 0,
    exits: [...ANY, 6],
  },
  'export restore': {
    args: ['export', 'restore', 'backup.export', '--registry', 'sqlite:restored.sqlite'],
    schema: 'export-restore',
    status: 0,
    exits: [...ANY, 6],
  },
  migrate: { args: ['migrate'], schema: 'migrate', status: 0, exits: ANY },
  'migrate status': {
    args: ['migrate', 'status'],
    schema: 'migrate-status',
    status: 0,
    exits: [...ANY, 6],
  },
  'migrate rollback': {
    args: ['migrate', 'rollback', '--drop-mappings', '1'],
    schema: 'migrate-rollback',
    status: 0,
    exits: ANY,
  },
};

/** Those that do nothing by themselves. */
const GROUPS: readonly string[] = ['export'];

/** Those that work on no registry, and are tried in surroundings of their own. */
const APART: readonly string[] = ['find-work'];

/** An export that version 1.0.0 wrote: what later versions read as well. */
const EXPORT = fileURLToPath(new URL('../fixtures/backup.export', import.meta.url));

/** `mint`, `pool`, `pool top-up`, …, as the program itself has them. */
export function commandNames(): string[] {
  const below = (parent: Command, path: readonly string[]): string[] =>
    parent.commands.flatMap(command => {
      const name = [...path, command.name()];
      return [name.join(' '), ...below(command, name)];
    });
  const io = {
    ...{ environment: {}, stdin: new PassThrough(), signal: AbortSignal.abort() },
    ...{ stdout: new PassThrough(), stderr: new PassThrough() },
  };
  const program = createProgram(io, () => undefined);
  return below(program, []).filter(name => ![...GROUPS, ...APART].includes(name));
}

/** Warned about. */
const SHARED = '{"canonicalId": "z2345678", "source": "Work[s/4]"}';

/** The files that the lines of {@link COMMANDS} name; and Work[s/1] has the canonical ID z2345678 in the registry. */
export async function writeInputs(desk: Desk): Promise<void> {
  await desk.write('known.ndjson', '{"canonicalId": "z2345678", "source": "Work[s/1]"}\n');
  await desk.write('works.ndjson', `${toLines([workOf(sierra('b1'))])}{\n`);
  await desk.write('rows.ndjson', '{"source": "Work[s/2]"}\n{"source": "Work[s"}\n');
  await cp(EXPORT, desk.path('backup.export'), { recursive: true });
  await desk.write(
    'mappings.ndjson',
    ['{"canonicalId": "y2345678", "source": "Work[s/3]"}', SHARED, '{}'].join('\n')
  );
}
