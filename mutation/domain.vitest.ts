import { defineConfig } from 'vitest/config';

/** The rules have to be held by their own tests, which are quick: every mutant meets all of them. */
export default defineConfig({
  test: { include: ['test/domain/**/*.test.ts'], testTimeout: 30_000 },
});
