import type { IdentifierRow } from '../domain/documents.ts';
import { IdMinterError } from '../domain/errors.ts';
import type { MintRequest } from '../domain/registry.ts';
import { readSourceIdentifier } from '../domain/source-identifier.ts';

/** What a row asks for, or why it cannot be read. */
export function readRequest(row: IdentifierRow): MintRequest | IdMinterError {
  if (row.error) return row.error;
  try {
    const source = readSourceIdentifier(row.source);
    const named = row.predecessor ?? null;
    const predecessor = named === null ? null : readSourceIdentifier(named, 'predecessor');
    return { source, predecessor };
  } catch (error) {
    if (error instanceof IdMinterError) return error;
    throw error;
  }
}
