import { defineConfig } from 'vitest/config';

/** Tests with real processes that are killed, stopped and starved: `npm run test:faults`. */
export default defineConfig({
  test: {
    include: ['test/faults/**/*.test.ts'],
    // Each has processes of its own that need the processor; together they would only slow each other down.
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 20_000,
  },
});
