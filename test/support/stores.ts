import { inject } from 'vitest';
import type { TestStore } from './store-kinds.ts';
import { foldingSqliteStore, mysqlStore, sqliteStore } from './store-kinds.ts';

const servers = inject('servers');

/** With the spelling rules that each has by itself: exact on SQLite, those of latin1 on MySQL. */
export const STORES: readonly TestStore[] = [
  sqliteStore(),
  ...servers.map(server => mysqlStore(server, false)),
];

/** Those that take every spelling for an identifier of its own. */
export const EXACT_STORES: readonly TestStore[] = [
  sqliteStore(),
  ...servers.map(server => mysqlStore(server, true)),
];

/** Those that take spellings for one that differ by case, accent or trailing space. */
export const FOLDING_STORES: readonly TestStore[] = [
  foldingSqliteStore(),
  ...STORES.filter(({ isExact }) => !isExact),
];
