/**
 * JSON read as JSON.parse does it, where that would change what was written.
 *
 * Numbers that a double cannot hold are kept as their text. And names in escapes are read right: V8 from 12.8 on takes
 * such a name for one that it has met before, where that begins as the escape is written, so that `{"\n": 1}` becomes
 * `{"\\": 1}` (https://github.com/nodejs/node/issues/63785).
 */
import { tooDeep } from './work-document.ts';

/** Works may have fewer, but stand in wrappers here. The stack holds more. */
const LEVELS_MAX = 2_000;

const SPACE = /\s*/y;
const SCALAR = /[^\s,\]}]+/y;
const COLON = /\s*:/y;

/**
 * @param text - JSON, by JSON.parse
 * @throws IdMinterError TOO_DEEP behind 2,000 levels
 */
export function readAsWritten(text: string): unknown {
  return new Reader(text).value(1);
}

/**
 * Whether JSON.parse may have taken a name for another.
 *
 * @param text - JSON, by JSON.parse
 */
export function hasNameInEscapes(text: string): boolean {
  if (!text.includes('\\')) return false;
  let start = text.indexOf('"');
  while (start >= 0) {
    const end = endOfString(text, start);
    const isEscaped = text.slice(start, end).includes('\\');
    if (isEscaped && endOf(COLON, text, end) > end) return true;
    start = text.indexOf('"', end);
  }
  return false;
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(level: number): unknown {
    const first = this.#next();
    if (first === '"') return this.#string();
    if (first !== '{' && first !== '[') return this.#scalar();
    if (level > LEVELS_MAX) throw tooDeep();
    return first === '{' ? this.#object(level) : this.#array(level);
  }

  #object(level: number): unknown {
    const members: [string, unknown][] = [];
    do {
      this.#at += 1;
      if (this.#next() === '}') break;
      const name = this.#string();
      // The colon.
      this.#next();
      this.#at += 1;
      members.push([name, this.value(level + 1)]);
    } while (this.#next() === ',');
    this.#at += 1;
    return Object.fromEntries(members);
  }

  #array(level: number): unknown[] {
    const items: unknown[] = [];
    do {
      this.#at += 1;
      if (this.#next() === ']') break;
      items.push(this.value(level + 1));
    } while (this.#next() === ',');
    this.#at += 1;
    return items;
  }

  #string(): string {
    // One alone is read right.
    return JSON.parse(this.#take(endOfString(this.#text, this.#at)));
  }

  #scalar(): unknown {
    const written = this.#take(endOf(SCALAR, this.#text, this.#at));
    const value: unknown = JSON.parse(written);
    return String(value) === written ? value : JSON.rawJSON(written);
  }

  /** The character that comes next. */
  #next(): string | undefined {
    this.#at = endOf(SPACE, this.#text, this.#at);
    return this.#text[this.#at];
  }

  #take(end: number): string {
    const taken = this.#text.slice(this.#at, end);
    this.#at = end;
    return taken;
  }
}

/** Behind what matches there; where nothing does, the same place. */
function endOf(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}

/** Behind its closing quote. */
function endOfString(text: string, start: number): number {
  let quote = text.indexOf('"', start + 1);
  while (isEscaped(text, quote)) quote = text.indexOf('"', quote + 1);
  return quote + 1;
}

function isEscaped(text: string, at: number): boolean {
  let first = at;
  while (text[first - 1] === '\\') first -= 1;
  return (at - first) % 2 === 1;
}
