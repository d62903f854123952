/**
 * Writes the parts of the reference pages that the code decides, between their markers; what stands around them is
 * written by hand. The JSON Schemas and the plots are written as a whole. `npm run docs` writes, `npm run docs:check` only compares.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { Readable, Writable } from 'node:stream';
import type { Argument, Command, Option } from 'commander';
import {
  describeGrowth,
  describeLimits,
  describeOutlook,
  describeWorkloads,
} from '../bench/describe-results.ts';
import { drawPlots } from '../bench/plots.ts';
import { describeCampaigns } from '../faults/describe-results.ts';
import type { EXIT } from '../src/cli/exit.ts';
import { createProgram } from '../src/cli/program.ts';
import type { ErrorCode, ErrorEntry, WarningCode } from '../src/domain/errors.ts';
import { ERRORS } from '../src/domain/errors.ts';
import { DEFAULT_CONCEPT_TYPES } from '../src/domain/source-identifier.ts';
import { IDLE_VARIABLES, VARIABLES } from '../src/runtime/settings.ts';
import { jsonSchemas } from './json-schemas.ts';
import { describeTerraformVariables } from './terraform-variables.ts';

/** What stands between `<!-- name: … -->` and `<!-- end of name -->` in each page; paths are the project's. */
const PAGES: Readonly<Record<string, Readonly<Record<string, () => string>>>> = {
  'docs/cli.md': { commands: describeCommands, exit: describeExits },
  'docs/configuration.md': {
    variables: describeVariables,
    idle: describeIdle,
    concepts: describeConcepts,
  },
  'docs/errors.md': { codes: describeCodes },
  'docs/reliability.md': { campaigns: describeCampaigns },
  'docs/benchmarks.md': {
    limits: describeLimits,
    outlook: describeOutlook,
    growth: describeGrowth,
    workloads: describeWorkloads,
  },
  'infrastructure/README.md': { variables: describeTerraformVariables },
};

type ExitStatus = (typeof EXIT)[keyof typeof EXIT] | ErrorEntry['exit'];

const EXITS: Readonly<Record<ExitStatus, string>> = {
  0: 'Done',
  1: 'Finished, but some works or identifiers failed; each is reported',
  2: 'Wrong usage, or a file that cannot be read or written',
  3: 'Wrong or missing configuration or credentials',
  4: 'A service or disk cannot be reached or used; what was written is right; say the same command again',
  5: 'The registry refuses as a whole: no free IDs, or a schema that is missing, newer or unfit',
  6: 'A check found differences: `check` of a registry or `export verify` of an export with findings, `mint --against` an index with other documents, `lookup` of something absent, `migrate status` with something pending',
  70: 'A fault of ours; run again with `--debug` and report what it prints',
  130: 'Interrupted (Ctrl-C), cleanly',
  143: 'Terminated (SIGTERM), cleanly',
};

/** The codes that are told beside an answer; the others are errors. */
const WARNINGS: Readonly<
  Record<WarningCode, 'A warning' | 'An error or a warning' | 'A difference'>
> = {
  DOCUMENT_ABSENT: 'A difference',
  DOCUMENT_DIFFERS: 'A difference',
  EMPTY_VALUE: 'A warning',
  INHERITANCE_CONFLICT: 'A warning',
  NEWLY_FAILING: 'A difference',
  POOL_CORRUPT: 'An error or a warning',
  SHARED_DOCUMENT_ID: 'A warning',
  SHARED_CANONICAL_ID: 'A warning',
  TWINS: 'A warning',
};

await main(process.argv.includes('--check'));

async function main(onlyCheck: boolean): Promise<void> {
  for (const [page, parts] of Object.entries(PAGES)) {
    const standing = readFileSync(page, 'utf8');
    const made = Object.entries(parts).reduce(
      (text, [name, describe]) => replacePart(text, name, describe(), page),
      standing
    );
    if (made !== standing) bringUpToDate(page, made, onlyCheck);
  }
  for (const { path, text } of [...jsonSchemas(), ...(await drawPlots())]) {
    const standing = existsSync(path) ? readFileSync(path, 'utf8') : undefined;
    if (text !== standing) bringUpToDate(path, text, onlyCheck);
  }
}

function bringUpToDate(path: string, text: string, onlyCheck: boolean): void {
  if (onlyCheck) {
    console.error(`${path} does not say what the code says. Run \`npm run docs\`, and commit it.`);
    process.exitCode = 1;
    return;
  }
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  console.log(`${path} is written.`);
}

function replacePart(text: string, name: string, part: string, page: string): string {
  const between = new RegExp(`(<!-- ${name}: .*-->\n)[^]*?(<!-- end of ${name} -->)`);
  if (!between.test(text)) throw new Error(`${page} lacks the markers of the part ${name}.`);
  return text.replace(between, (_, begin: string, end: string) => `${begin}\n${part}\n\n${end}`);
}

function describeCommands(): string {
  const commands = listCommands(createProgram(silentIo(), () => {}));
  const shared = commands
    .map(({ command }) => command.options.map(({ flags }) => flags))
    .reduce((common, flags) => common.filter(flag => flags.includes(flag)));
  const everywhere = commands[0]?.command.options.filter(({ flags }) => shared.includes(flags));
  return [
    '### Flags of every command',
    listOptions(everywhere ?? []),
    ...commands.flatMap(({ name, command }) => describeCommand(name, command, shared)),
  ].join('\n\n');
}

function listCommands(program: Command): { name: string; command: Command }[] {
  const below = (parent: Command, path: string): { name: string; command: Command }[] =>
    parent.commands.flatMap(command => {
      const name = `${path} ${command.name()}`;
      return [{ name, command }, ...below(command, name)];
    });
  return below(program, program.name());
}

function describeCommand(name: string, command: Command, shared: readonly string[]): string[] {
  const own = command.options.filter(({ flags }) => !shared.includes(flags));
  const offered = own.filter(({ hidden }) => !hidden);
  const understood = own.filter(({ hidden }) => hidden).map(({ flags }) => `\`${flags}\``);
  const words = command.registeredArguments.map(word => {
    const shown = `${word.name()}${word.variadic ? '...' : ''}`;
    return word.required ? ` <${shown}>` : ` [${shown}]`;
  });
  return [
    `### \`${name}${words.join('')}\``,
    `${capitalise(command.description())}.`,
    ...(offered.length + words.length > 0
      ? [listOptions(offered, command.registeredArguments)]
      : []),
    ...(understood.length > 0
      ? [`Understood, but only of use with an index: ${understood.join(', ')}.`]
      : []),
    `Example: \`${exampleOf(command)}\``,
  ];
}

function listOptions(options: readonly Option[], words: readonly Argument[] = []): string {
  const rows = [
    ...words.map(word => [word.name(), word.description]),
    ...options.map(({ flags, description, defaultValue }) => [
      flags,
      defaultValue === undefined ? description : `${description} (default: ${defaultValue})`,
    ]),
  ];
  const lines = rows.map(([term, description]) => `| \`${term}\` | ${description} |`);
  return ['| Flag | Meaning |', '|---|---|', ...lines].join('\n');
}

/** Commander tells the text after the help only to whoever has the help written. */
function exampleOf(command: Command): string {
  let help = '';
  command.configureOutput({
    writeOut: text => {
      help += text;
    },
  });
  command.outputHelp();
  const example = /^Example:\n {2}(.+)$/m.exec(help)?.[1];
  if (example === undefined) throw new Error(`The command ${command.name()} has no example.`);
  return example;
}

function describeExits(): string {
  const rows = Object.entries(EXITS).map(([status, meaning]) => {
    const codes = codesAndEntries()
      .filter(([code, { exit }]) => exit === Number(status) && kindOf(code) !== 'A warning')
      .map(([code]) => `[${code}](errors.md#${code.toLowerCase()})`);
    return `| ${status} | ${meaning} | ${codes.join(', ')} |`;
  });
  return ['| Status | Meaning | Codes |', '|---|---|---|', ...rows].join('\n');
}

function describeVariables(): string {
  const rows = Object.entries(VARIABLES).map(([name, schema]) => {
    const { about, allowed } = schema.meta() ?? {};
    const standard = schema.safeParse(undefined).data;
    const shown = standard === undefined || standard === '' ? '–' : `\`${standard}\``;
    return `| \`${name}\` | ${shown} | ${allowed ?? 'a text'} | ${about} |`;
  });
  return ['| Variable | Default | Allowed | Meaning |', '|---|---|---|---|', ...rows].join('\n');
}

function describeIdle(): string {
  const rows = Object.entries(IDLE_VARIABLES).map(
    ([name, why]) => `| \`${name}\` | ${capitalise(why)} |`
  );
  return ['| Variable | Why |', '|---|---|', ...rows].join('\n');
}

function describeConcepts(): string {
  return DEFAULT_CONCEPT_TYPES.map(type => `\`${type}\``).join(', ');
}

function describeCodes(): string {
  return codesAndEntries()
    .map(([code, { exit, cause, data, remedy }]) => {
      const kind = kindOf(code);
      const status = kind === 'A warning' ? 'no exit status of its own' : `exit status ${exit}`;
      return [
        `## ${code}\n`,
        `${kind}; ${status}.\n`,
        `- **Cause**: ${capitalise(cause.replace(/^A warning: /, ''))}`,
        `- **Your data**: ${data}`,
        `- **What to do**: ${remedy}`,
      ].join('\n');
    })
    .join('\n\n');
}

function codesAndEntries(): [ErrorCode, ErrorEntry][] {
  return Object.entries(ERRORS) as [ErrorCode, ErrorEntry][];
}

function kindOf(code: ErrorCode): string {
  return code in WARNINGS ? WARNINGS[code as WarningCode] : 'An error';
}

function capitalise(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function silentIo(): Parameters<typeof createProgram>[0] {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  return {
    environment: {},
    stdin: Readable.from([]),
    stdout: nowhere,
    stderr: nowhere,
    signal: AbortSignal.abort(),
  };
}
