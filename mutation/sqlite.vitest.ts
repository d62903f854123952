import { defineConfig } from 'vitest/config';

/** What holds for a registry on SQLite, which needs no server. */
export default defineConfig({
  test: {
    include: [
      'test/registry/*.test.ts',
      'test/registry/contract/**/*.test.ts',
      'test/registry/sqlite/**/*.test.ts',
    ],
    provide: { servers: [] },
    setupFiles: ['mutation/short-properties.ts'],
    // Of mutants that wait for ever; each test by itself takes a second at most.
    testTimeout: 10_000,
  },
});
