import type { Command } from 'commander';
import { CommanderError } from 'commander';

/** As far as a word may be from the name that was probably meant: letters, and the part of the longer one. */
const MOST_EDITS = 3;
const MOST_OF_WORD = 0.6;

/**
 * The error of a command line that is not understood, with the nearest name where a command or a flag is unknown. A
 * flag is named without its value, which may hold a password.
 */
export function withSuggestion(error: CommanderError, command: Command): CommanderError {
  const isUnknownCommand = error.code === 'commander.unknownCommand';
  if (!isUnknownCommand && error.code !== 'commander.unknownOption') return error;
  const [word = ''] = command.args;
  const isCommand = isUnknownCommand || (command.commands.length > 0 && !word.startsWith('-'));
  return isCommand ? unknownCommand(word, command) : unknownFlag(error.message, command);
}

/** Where a command has commands of its own, a wrong word is that rather than the flags behind it. */
function unknownCommand(word: string, command: Command): CommanderError {
  const names = command.commands.map(child => child.name());
  const parent = command.parent ? `${command.name()} ` : '';
  const near = nearest(word, names);
  const hint = near.length > 0 ? didYouMean(near.map(name => parent + name)) : hasOnly(names);
  return unknown('command', parent + word, hint);
}

function unknownFlag(message: string, command: Command): CommanderError {
  const [, flag = ''] = /'([^'=]*)/.exec(message) ?? [];
  const known = new Set(['--help']);
  for (let at: Command | null = command; at !== null; at = at.parent) {
    for (const { long } of at.options) if (long) known.add(long);
  }
  const near = nearest(
    flag.replace(/^-*/, ''),
    [...known].map(name => name.slice(2))
  );
  return unknown('option', flag, near.length > 0 ? didYouMean(near.map(name => `--${name}`)) : '');
}

function unknown(kind: 'command' | 'option', word: string, hint: string): CommanderError {
  const code = kind === 'command' ? 'commander.unknownCommand' : 'commander.unknownOption';
  return new CommanderError(1, code, `unknown ${kind} '${word}'${hint}`);
}

function didYouMean(names: readonly string[]): string {
  return ` (did you mean ${names.join(' or ')}?)`;
}

function hasOnly(names: readonly string[]): string {
  return ` (there is ${names.join(', ')})`;
}

/** The names fewest edits away from a word, if they are near at all. */
function nearest(word: string, names: readonly string[]): string[] {
  const distances = names.map(name => ({ name, edits: editsBetween(word, name) }));
  const near = distances.filter(
    ({ name, edits }) =>
      edits <= MOST_EDITS && edits < MOST_OF_WORD * Math.max(word.length, name.length)
  );
  const fewest = Math.min(...near.map(({ edits }) => edits));
  return near.filter(({ edits }) => edits === fewest).map(({ name }) => name);
}

/**
 * How many letters must be put in, left out, replaced, or swapped with the next one (optimal string alignment).
 */
function editsBetween(one: string, other: string): number {
  const rows = [Array.from({ length: other.length + 1 }, (_, column) => column)];
  const at = (row: number, column: number): number =>
    rows[row]?.[column] ?? Number.POSITIVE_INFINITY;
  for (let row = 1; row <= one.length; row += 1) {
    const edits = [row];
    rows.push(edits);
    for (let column = 1; column <= other.length; column += 1) {
      const replaced = one[row - 1] === other[column - 1] ? 0 : 1;
      const isSwapped = one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1];
      edits[column] = Math.min(
        at(row - 1, column) + 1,
        at(row, column - 1) + 1,
        at(row - 1, column - 1) + replaced,
        row > 1 && column > 1 && isSwapped ? at(row - 2, column - 2) + 1 : Number.POSITIVE_INFINITY
      );
    }
  }
  return at(one.length, other.length);
}
