/** Tests run on shared, noisy machines: a time limit only ends what hangs. */
import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { visibleGpus } from './src/cli/device/gpus.ts'
import { hasSoftwareGpu, softwareGpu } from './test/engines/software-gpu.ts'

/** The devices' tests see the machine's GPU or, without one, a GPU in software; no other test does. */
const gpu = visibleGpus().length === 0 && hasSoftwareGpu ? await softwareGpu() : {}

// Output is compared as text; a set CI would colour it.
const env = { NO_COLOR: '1' }
const devices = 'test/engines/**/*.test.ts'

export default defineConfig({
  test: {
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // By default one core is left free, which on two cores halves the speed.
    maxWorkers: availableParallelism(),
    projects: [
      { extends: true, test: { name: 'devices', include: [devices], env: { ...env, ...gpu } } },
      { extends: true, test: { name: 'graft', include: ['test/**/*.test.ts'], exclude: [devices], env } },
    ],
  },
})
