import type { ComparisonRoom } from '../domain/comparison-room.ts';

/** Opens an empty room in a temporary database, which is gone when it is closed, or the process ends. */
export async function openComparisonRoom(): Promise<ComparisonRoom> {
  const { openSqliteRoom } = await import('../registry/sqlite/comparison-room.ts');
  return openSqliteRoom();
}
