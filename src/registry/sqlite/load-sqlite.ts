import type { DatabaseSync } from 'node:sqlite';

/**
 * Loads `node:sqlite` without the warning that early releases of Node 24 print for it: users would take it for a
 * fault of the program, and it says nothing that they could act upon.
 */
export function loadSqlite(): { DatabaseSync: typeof DatabaseSync } {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return process.getBuiltinModule('node:sqlite');
  } finally {
    process.emitWarning = emitWarning;
  }
}
