import { hash } from 'node:crypto';
import type { TableDigest } from '../domain/registry-export.ts';

/** 2^32, the bound of each of the four words of a sum. */
const WORD = 2 ** 32;
/** Rows whose words a number holds exactly before what is over has to be carried. */
const CARRY_ROWS = 2 ** 20;

/**
 * The sum, modulo 2^128, of the first 16 bytes of the SHA-256 of every row: independent of their order, and told by a
 * row that is there twice. A row is its columns with their lengths in front, so that none can run into the next.
 */
export function createTableDigest(): TableDigest {
  /** The lowest word first. */
  const words = [0, 0, 0, 0];
  let rows = 0;
  const carry = (): void => {
    let over = 0;
    for (const [index, word] of words.entries()) {
      const sum = word + over;
      over = Math.floor(sum / WORD);
      words[index] = sum % WORD;
    }
  };
  const add = (columns: readonly (string | number | null)[]): void => {
    const bytes = hash('sha256', columns.map(measured).join(''), 'buffer');
    for (let index = 0; index < 4; index += 1) {
      words[index] = (words[index] ?? 0) + bytes.readUInt32BE(12 - 4 * index);
    }
    rows += 1;
    if (rows % CARRY_ROWS === 0) carry();
  };
  return {
    get rows() {
      return rows;
    },
    addPool: records => {
      for (const { canonicalId, status, createdAt } of records) {
        add([canonicalId, status, createdAt]);
      }
    },
    addMappings: records => {
      for (const { source, canonicalId, createdAt } of records) {
        const { ontologyType, sourceSystem, value } = source;
        add([ontologyType, sourceSystem, value, canonicalId, createdAt]);
      }
    },
    value: () => {
      carry();
      return words
        .map(word => word.toString(16).padStart(8, '0'))
        .reverse()
        .join('');
    },
  };
}

/** With its length in bytes; what is null has none. */
function measured(column: string | number | null): string {
  if (column === null) return '-';
  const text = String(column);
  return `${Buffer.byteLength(text)}:${text}`;
}
