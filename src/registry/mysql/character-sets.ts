import type { CanStore } from '../../domain/source-identifier.ts';

const IS_ASCII = /^[\0-\x7f]*$/;
const IS_LATIN1 = new RegExp(`^[${listLatin1()}]*$`);
const IS_BEYOND_BMP = /[\u{10000}-\u{10ffff}]/u;

const canStoreUtf8mb3: CanStore = text => text.isWellFormed() && !IS_BEYOND_BMP.test(text);

/** Which texts columns of a character set hold as they are. Half of a surrogate pair none of them does. */
const CAN_STORE: Readonly<Record<string, CanStore>> = {
  ascii: text => IS_ASCII.test(text),
  latin1: text => IS_LATIN1.test(text),
  utf8mb3: canStoreUtf8mb3,
  // What MySQL calls utf8mb3 before 8.0.30.
  utf8: canStoreUtf8mb3,
  utf8mb4: text => text.isWellFormed(),
};

/** @returns undefined for a character set that the registry does not know */
export function canStoreIn(characterSet: string): CanStore | undefined {
  return CAN_STORE[characterSet];
}

/**
 * The 256 characters of the database's `latin1`, which is windows-1252 as WHATWG defines it: U+20AC is byte 0x80,
 * and U+0081 is byte 0x81, to which the original table gives no character.
 */
function listLatin1(): string {
  const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  const characters = new TextDecoder('windows-1252').decode(bytes);
  return [...characters].map(escapeCharacter).join('');
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
