import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** Journeys: a real node, a real browser, one after the other. */
export default defineConfig({
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  test: {
    include: ['e2e/**/*.test.ts'],
    environment: 'node',
    fileParallelism: false,
    retry: 0,
    testTimeout: 240_000,
    hookTimeout: 120_000,
  },
});
