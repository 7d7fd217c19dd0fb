/** Tests run on shared, noisy machines: a time limit only ends what hangs. */
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Output is compared as text; a set CI would colour it.
    env: { NO_COLOR: '1' },
  },
})
