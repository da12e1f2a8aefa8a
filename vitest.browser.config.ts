import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/browser/**/*.test.ts'],
    testTimeout: 60_000,
    // One browser at a time: several slow each other down more than they gain.
    fileParallelism: false,
    expect: { poll: { timeout: 15_000, interval: 40 } },
  },
});
