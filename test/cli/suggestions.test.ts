import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import type { Io } from '../../src/cli/io.ts';
import { run } from '../../src/cli/main.ts';
import { createProgram } from '../../src/cli/program.ts';
import { openDesk } from '../support/command-line.ts';

/** A word of a command line, and the lines in which a slip of it may stand. */
interface Target {
  readonly word: string;
  readonly lines: readonly ((slip: string) => readonly string[])[];
}

const EVERY_FLAG = ['--registry', '--json', '--quiet', '--debug'];
const TARGETS: readonly Target[] = [...commandsOf(program()), ...flagsOf(program())];

describe('a slip of one letter', () => {
  test('is of every command, sub-command and long flag', () => {
    const words = TARGETS.map(({ word }) => word);
    expect(words).toEqual(expect.arrayContaining(['mint', 'top-up', 'rollback', '--source-index']));
    expect(words.length).toBeGreaterThan(60);
  });

  test('is answered with the name that was meant, exit 2 and nothing on standard output', async () => {
    const random = randomFrom(20_260_301);
    const tries = TARGETS.flatMap(({ word, lines }) =>
      [1, 2, 3].flatMap(() =>
        slipsOf(word, random).flatMap(slip => lines.map(line => ({ word, line: line(slip) })))
      )
    );
    const wrong: string[] = [];
    for (const { word, line } of tries) {
      const { status, stdout, stderr } = await say(line);
      expect({ line, status, stdout }).toEqual({ line, status: 2, stdout: '' });
      if (suggestedIn(stderr) !== word) wrong.push(`${line.join(' ')}: ${stderr}`);
    }
    expect(tries.length).toBeGreaterThan(1_000);
    // A slip may be as near to a neighbour, as `--t` is between two short names.
    expect(wrong.length, wrong.join('')).toBeLessThanOrEqual(tries.length * 0.02);
  }, 120_000);

  test.each([
    [['mnit', 'works.ndjson'], 'mint'],
    [['pool', 'top-upp', '--target', '5'], 'top-up'],
    [['pool', '--registry', 'sqlite:x', 'topup'], 'top-up'],
    [['migrate', 'statuss'], 'status'],
    [['migrate', 'rolback', '--drop-mappings', '3'], 'rollback'],
    [['--registryy', 'sqlite:x', 'pool'], '--registry'],
    [['pool', '-json'], '--json'],
    [['mint', 'works.ndjson', '--window-strt', 'x'], '--window-start'],
  ])('%j: also from outside', async (args, word) => {
    await using desk = await openDesk();
    const { status, stdout, stderr } = await desk.run(args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(suggestedIn(stderr)).toBe(word);
    expect(await desk.list()).toEqual([]);
  });
});

describe('a name that is near to none', () => {
  test('of a sub-command is answered with those that there are', async () => {
    expect((await say(['migrate', 'xyzxyz'])).stderr).toContain('(there is status, rollback)');
  });

  test('of a flag is answered without a guess, and never with its value', async () => {
    const { stderr } = await say(['pool', '--zzzzzz=mysql://minter:canary-8472@h/ids']);
    expect(stderr).toMatch(/^error USAGE: Unknown option '--zzzzzz'\. Nothing was done\./);
    expect(stderr).not.toContain('canary');
  });
});

function program(): Command {
  return createProgram(silentIo(), () => undefined);
}

function commandsOf(root: Command): Target[] {
  return root.commands.flatMap(command => [
    {
      word: command.name(),
      lines: [
        slip => [slip],
        slip => ['--registry', 'sqlite:x', slip, 'word', '--json-not'],
        slip => [slip, '--help-not'],
      ],
    },
    ...command.commands.map(child => ({
      word: child.name(),
      lines: [
        (slip: string) => [command.name(), slip],
        (slip: string) => [command.name(), slip, '--target', '5'],
        (slip: string) => ['--quiet', command.name(), slip],
      ],
    })),
  ]);
}

/** A flag of every command may also stand before it. */
function flagsOf(root: Command): Target[] {
  const paths = root.commands.flatMap(command => [
    { path: [command.name()], command },
    ...command.commands.map(child => ({ path: [command.name(), child.name()], command: child })),
  ]);
  return paths.flatMap(({ path, command }) =>
    command.options.flatMap(({ long }) => {
      if (!long) return [];
      const inside = (slip: string) => [...path, slip, 'value'];
      const before = (slip: string) => [slip, 'value', ...path];
      const isOfEvery = EVERY_FLAG.includes(long);
      return [{ word: long, lines: isOfEvery ? [inside, before] : [inside] }];
    })
  );
}

/** One of each kind of slip, at random places of the name; those that make another name of the command line are none. */
function slipsOf(word: string, random: (limit: number) => number): string[] {
  const [, dashes = '', name = ''] = /^(-*)(.*)$/.exec(word) ?? [];
  const letter = () => String.fromCharCode(97 + random(26));
  const at = random(name.length);
  const next = random(name.length - 1);
  const slips = [
    name.slice(0, at) + name.slice(at + 1),
    name.slice(0, at) + letter() + name.slice(at),
    name.slice(0, at) + letter() + name.slice(at + 1),
    name.slice(0, next) + name.charAt(next + 1) + name.charAt(next) + name.slice(next + 2),
  ].map(slip => dashes + slip);
  const names = new Set([...TARGETS.map(target => target.word), '--help', '--version']);
  return slips.filter(slip => !names.has(slip));
}

/** The one name that is suggested, without the command that it belongs to. */
function suggestedIn(stderr: string): string | undefined {
  return /^error USAGE: [^\n]*\(did you mean (?:pool |migrate |export )?([\w-]+)\?\)[^\n]*\n$/.exec(
    stderr
  )?.[1];
}

/** Runs in this process: there are thousands. */
async function say(args: readonly string[]) {
  const io = silentIo();
  const [stdout, stderr] = [text(io.stdout), text(io.stderr)];
  const status = await run(args, io);
  io.stdout.end();
  io.stderr.end();
  return { status, stdout: await stdout, stderr: await stderr };
}

function silentIo() {
  const { signal } = new AbortController();
  return {
    ...{ environment: {}, stdin: Readable.from([]), signal },
    ...{ stdout: new PassThrough(), stderr: new PassThrough() },
  } satisfies Io;
}

/** Numbers that look drawn and are the same in every run (mulberry32). */
function randomFrom(seed: number): (limit: number) => number {
  let state = seed;
  return limit => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}
