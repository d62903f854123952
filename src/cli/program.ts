import { Command, InvalidArgumentError, Option } from 'commander';
import { FREE_IDS_DEFAULT } from '../domain/pool.ts';
import { VERSION } from '../runtime/program.ts';
import {
  BATCHES_AT_ONCE,
  PARTITION_SIZE,
  PARTITION_SIZE_MAX,
  WORKS_A_BATCH,
} from '../steps/batch-defaults.ts';
import type { AssignOptions } from './commands/assign.ts';
import type { CheckOptions } from './commands/check.ts';
import type { RestoreOptions } from './commands/export.ts';
import type { VerifyOptions } from './commands/export-verify.ts';
import type { FindWorkOptions } from './commands/find-work.ts';
import type {
  DatabaseOptions,
  MigrateCommandOptions,
  RollbackOptions,
} from './commands/migrate.ts';
import type { PoolOptions } from './commands/pool.ts';
import type { CommonOptions, Io } from './io.ts';
import type { MintOptions } from './mint-ends.ts';
import { withSuggestion } from './suggestions.ts';

/**
 * The command line, without any rule of its own: each command's code is loaded when it is called.
 *
 * @param ended - told the exit status of the command that ran
 */
export function createProgram(io: Io, ended: (status: number) => void): Command {
  const program = new Command('id-minter')
    .description(
      'Gives source identifiers canonical IDs that never change, and writes them into works.'
    )
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .exitOverride(error => {
      throw withSuggestion(error, program);
    })
    .configureOutput({
      writeOut: text => void io.stdout.write(text),
      // Errors are told once, by the caller, also as JSON.
      writeErr: () => undefined,
      outputError: () => undefined,
    });

  common(program.command('mint'), 'works in, works with canonical IDs out')
    .argument('[file]', 'the works, as --source')
    .option(
      '--source <place>',
      'NDJSON file of works, - for standard input, or an Elasticsearch URL; .gz is unpacked'
    )
    .option(
      '--target <place>',
      'NDJSON file for the works with their IDs, - for standard output, or an Elasticsearch URL (default: standard output for a file, ES_TARGET_INDEX for an index)'
    )
    .option(
      '--source-identifiers <ids...>',
      'mint only these works: Type[system/value], @FILE or -; of an index where no file is given'
    )
    .option(
      '--window-start <time>',
      'mint the works of an index whose indexed_at lies between this (default: 15 minutes before the end)'
    )
    .option(
      '--window-end <time>',
      'and this, both included; times are ISO 8601, UTC without a zone'
    )
    .option('--full', 'mint all works of an index')
    .option('--source-index <index>', 'the index that works come from (default: ES_SOURCE_INDEX)')
    .option('--target-index <index>', 'the index that works go to (default: ES_TARGET_INDEX)')
    .option(
      '--job-id <id>',
      'names the run in its report (default: the time and four random characters)'
    )
    .option('--batch-size <works>', 'works a transaction', wholeNumber, WORKS_A_BATCH)
    .option(
      '--concurrency <batches>',
      'batches in the registry at once',
      wholeNumber,
      BATCHES_AT_ONCE
    )
    .option('--report <file>', 'write every failure and every new identifier to this JSON file')
    .option('--dry-run', 'say what would be found, inherited and minted; write nothing')
    .option(
      '--apply-migrations',
      'create or update the tables first, and fill a pool that never held an ID'
    )
    .option('--top-up', 'fill the pool when it runs out (the default for sqlite: registries)')
    .option('--no-top-up', 'never fill the pool')
    .addOption(hidden('--source-index-prefix <prefix>'))
    .addOption(hidden('--target-index-prefix <prefix>'))
    .addOption(hidden('--source-index-date-suffix <suffix>'))
    .addOption(hidden('--target-index-date-suffix <suffix>'))
    .addOption(hidden('--pipeline-date <date>'))
    .addOption(hidden('--source-es-mode <mode>'))
    .addOption(hidden('--target-es-mode <mode>'))
    .addOption(hidden('--resolver <resolver>'))
    .addHelpText('after', example('id-minter mint works.ndjson --target minted.ndjson'))
    .action(async (file: string | undefined, options: MintOptions) => {
      const { mint } = await import('./commands/mint.ts');
      ended(await mint(file, options, io));
    });

  common(program.command('assign'), 'source identifiers in, their canonical IDs out')
    .argument('[identifiers...]', 'Type[system/value]')
    .option('--source <file>', 'NDJSON, CSV or TSV file of identifiers, or - for standard input')
    .option('--target <file>', 'file for the answers, or - for standard output (the default)')
    .option('--type <type>', 'ontology type of every line of a CSV file of your own')
    .option('--system <system>', 'source system of every line of a CSV file of your own')
    .option('--value-column <column>', 'the column with the values in a CSV file of your own')
    .option('--dry-run', 'say what would be found, inherited and minted; write nothing')
    .option(
      '--apply-migrations',
      'create or update the tables first, and fill a pool that never held an ID'
    )
    .option('--top-up', 'fill the pool when it runs out (the default for sqlite: registries)')
    .option('--no-top-up', 'never fill the pool')
    .addHelpText(
      'after',
      example(
        'id-minter assign --source objects.csv --type Object --system tms --value-column ObjectID'
      )
    )
    .action(async (identifiers: string[], options: AssignOptions) => {
      const { assign } = await import('./commands/assign.ts');
      ended(await assign(identifiers, options, io));
    });

  common(
    program.command('lookup'),
    'canonical ID → source identifiers; source identifier → canonical ID and siblings'
  )
    .argument('<ids...>', 'canonical IDs and source identifiers')
    .addHelpText(
      'after',
      example("id-minter lookup 'Work[sierra-system-number/b1000001]' a2345678")
    )
    .action(async (ids: string[], options: CommonOptions) => {
      const { lookUp } = await import('./commands/lookup.ts');
      ended(await lookUp(ids, options, io));
    });

  common(
    program.command('find-work'),
    'the ids of an index’s works, cut into partitions in S3 that a state machine mints'
  )
    .option('--ids <ids...>', 'these works: Type[system/value], whether the index has them or not')
    .option(
      '--window-start <time>',
      'the works whose indexed_at lies between this (default: 15 minutes before the end)'
    )
    .option(
      '--window-end <time>',
      'and this, both included; times are ISO 8601, UTC without a zone'
    )
    .option('--full', 'all works')
    .option(
      '--pipeline-date <date>',
      'ends the name of the index, and is part of the paths (default: PIPELINE_DATE)'
    )
    .option('--graph-date <date>', 'part of the paths (default: GRAPH_DATE, or prod)')
    .addOption(
      new Option(
        '--es-mode <mode>',
        'how the index is found: public, private or local (default: as `mint` does)'
      ).choices(['public', 'private', 'local'])
    )
    .option('--partition-size <ids>', 'ids a partition', partitionSize, PARTITION_SIZE)
    .option(
      '--job-id <id>',
      'begins the names of the partitions’ jobs (default: the time and four random characters)'
    )
    .addHelpText('after', example('id-minter find-work --window-end 2026-08-20T03:15:00Z'))
    .action(async (options: FindWorkOptions) => {
      const { findWorkInIndex } = await import('./commands/find-work.ts');
      ended(await findWorkInIndex(options, io));
    });

  common(program.command('import'), 'known mappings in')
    .argument(
      '<file>',
      'CSV with CanonicalId, OntologyType, SourceSystem and SourceId, NDJSON, or - for standard input'
    )
    .addHelpText('after', example('id-minter import mappings.csv'))
    .action(async (file: string, options: CommonOptions) => {
      const { importFile } = await import('./commands/import.ts');
      ended(await importFile(file, options, io));
    });

  const pool = common(
    program.command('pool'),
    'how many canonical IDs are free and assigned'
  ).addHelpText('after', example('id-minter pool'));
  pool.allowExcessArguments().action(async (options: CommonOptions) => {
    refuseUnknownCommand(pool);
    const { showPool } = await import('./commands/pool.ts');
    ended(await showPool(options, io));
  });
  common(pool.command('top-up'), 'add free canonical IDs')
    .option(
      '--target <count>',
      `free IDs to have afterwards (default: ID_GENERATOR_DESIRED_FREE_IDS_COUNT, or ${FREE_IDS_DEFAULT})`,
      wholeNumber
    )
    .addHelpText('after', example('id-minter pool top-up --target 50000'))
    .action(async (_: unknown, command: Command) => {
      const { topUpPool } = await import('./commands/pool.ts');
      ended(await topUpPool(command.optsWithGlobals<PoolOptions>(), io));
    });

  common(program.command('check'), 'audit a registry: read all of it, change nothing')
    .option(
      '--declared <file>',
      'also compare source identifiers and predecessors with this NDJSON, CSV or TSV file, as assign reads it'
    )
    .addHelpText('after', example('id-minter check --registry sqlite:id-minter.sqlite'))
    .action(async (options: CheckOptions) => {
      const { check } = await import('./commands/check.ts');
      ended(await check(options, io));
    });

  const exports = common(
    program.command('export'),
    'backups as Parquet files: write one, verify one, restore a registry from one'
  ).addHelpText('after', example('id-minter export write backup-2026-08-20'));
  exports.allowExcessArguments().action(() => {
    refuseUnknownCommand(exports);
    exports.error('say what to do with an export: write, verify or restore');
  });
  common(exports.command('write'), 'write both tables as they are now, while minting goes on')
    .argument('<location>', 'a folder that is empty or not there, or s3://BUCKET/PREFIX')
    .addHelpText('after', example('id-minter export write backup-2026-08-20'))
    .action(async (location: string, _: unknown, command: Command) => {
      const { writeExport } = await import('./commands/export.ts');
      ended(await writeExport(location, command.optsWithGlobals<CommonOptions>(), io));
    });
  common(
    exports.command('verify'),
    'read all of an export and say what is wrong with it: change nothing'
  )
    .argument('<location>', 'the folder of the export, or s3://BUCKET/PREFIX')
    .option(
      '--against <url>',
      'also compare it with this registry, which may have gone on since: nothing of it may be lost or changed'
    )
    .addHelpText('after', example('id-minter export verify backup-2026-08-20'))
    .action(async (location: string, _: unknown, command: Command) => {
      const { verify } = await import('./commands/export-verify.ts');
      ended(await verify(location, command.optsWithGlobals<VerifyOptions>(), io));
    });
  common(
    exports.command('restore'),
    'fill an empty registry from an export of RDS or of `export write`'
  )
    .argument('<location>', 'the folder of the export, or s3://BUCKET/PREFIX')
    .option('--with-free', 'restore the free IDs too: only where the registry of before is gone')
    .addHelpText(
      'after',
      example('id-minter export restore backup-2026-08-20 --registry sqlite:restored.sqlite')
    )
    .action(async (location: string, _: unknown, command: Command) => {
      const { restoreExport } = await import('./commands/export.ts');
      ended(await restoreExport(location, command.optsWithGlobals<RestoreOptions>(), io));
    });

  const migrate = common(program.command('migrate'), 'create or update the registry’s tables')
    .option(
      '--concept-types <list>',
      'types that a new registry looks up as Concept: a comma-separated list, or none'
    )
    .option(
      '--exact',
      'a new MySQL registry tells case, accents and trailing spaces apart (the Python minter cannot share it)'
    )
    .addOption(
      new Option(
        '--wait [seconds]',
        'wait for a server that is still starting (60 seconds where no number is given)'
      )
        .preset('60')
        .argParser(wholeNumber)
    )
    .addHelpText(
      'after',
      example('id-minter migrate --registry mysql://id_minter@localhost/identifiers')
    );
  migrate.allowExcessArguments().action(async (options: MigrateCommandOptions) => {
    refuseUnknownCommand(migrate);
    const { applyMigrations } = await import('./commands/migrate.ts');
    ended(await applyMigrations(options, io));
  });
  common(migrate.command('status'), 'which migrations are applied and pending')
    .addHelpText('after', example('id-minter migrate status'))
    .action(async (_: unknown, command: Command) => {
      const { showStatus } = await import('./commands/migrate.ts');
      ended(await showStatus(command.optsWithGlobals<DatabaseOptions>(), io));
    });
  common(migrate.command('rollback'), 'undo the newest migration')
    .option(
      '--drop-mappings <count>',
      'agree to lose exactly this many mappings',
      wholeNumberOrZero
    )
    .addHelpText('after', example('id-minter migrate rollback'))
    .action(async (_: unknown, command: Command) => {
      const { rollBack } = await import('./commands/migrate.ts');
      ended(await rollBack(command.optsWithGlobals<RollbackOptions>(), io));
    });

  return program;
}

/**
 * Flags that every command understands may stand before it; a line that begins with any other flag is `mint`, as
 * today's users say it.
 */
export function withCommand(args: readonly string[]): string[] {
  let first = 0;
  while (isCommonFlag(args[first])) first += args[first] === '--registry' ? 2 : 1;
  const [command, ...rest] = args.slice(first);
  const leading = args.slice(0, first);
  if (command === undefined ? leading.length === 0 : isHelp(command)) return [...args];
  if (command === undefined || command.startsWith('-')) return ['mint', ...args];
  return [command, ...leading, ...rest];
}

function isCommonFlag(arg: string | undefined): boolean {
  return arg !== undefined && /^--(json|quiet|debug|registry(=.*)?)$/s.test(arg);
}

function isHelp(arg: string): boolean {
  return ['-h', '--help', '-V', '--version'].includes(arg);
}

/** What follows a command that has commands of its own is one of these. */
function refuseUnknownCommand(command: Command): void {
  const [unknown] = command.args;
  if (unknown === undefined) return;
  command.error(`unknown command '${unknown}'`, { code: 'commander.unknownCommand' });
}

/** What every command understands. */
function common(command: Command, description: string): Command {
  return command
    .exitOverride(error => {
      throw withSuggestion(error, command);
    })
    .description(description)
    .helpOption('-h, --help', 'print this help')
    .option(
      '--registry <url>',
      'sqlite:PATH or mysql://USER@HOST:PORT/DATABASE (default: ID_MINTER_REGISTRY)'
    )
    .option('--json', 'one JSON document, or NDJSON, on standard output, also on failure')
    .option('--quiet', 'no progress and no summary on standard error')
    .option('--debug', 'show the stack of an error');
}

/** Understood, so that today’s command lines go on, but not offered: there is a plainer way to say it. */
function hidden(flags: string): Option {
  return new Option(flags).hideHelp();
}

function example(line: string): string {
  return `\nExample:\n  ${line}`;
}

function wholeNumber(text: string): number {
  const number = wholeNumberOrZero(text);
  if (number === 0) throw new InvalidArgumentError('A whole number from 1 is needed.');
  return number;
}

function partitionSize(text: string): number {
  const size = wholeNumber(text);
  if (size > PARTITION_SIZE_MAX) {
    throw new InvalidArgumentError(`At most ${PARTITION_SIZE_MAX} are allowed.`);
  }
  return size;
}

function wholeNumberOrZero(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('A whole number is needed.');
  return Number(text);
}
