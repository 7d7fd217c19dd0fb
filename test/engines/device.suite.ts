/** What every device has to do: all that an engine has to, with the losses of the CPU. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DEVICES, type DeviceName } from '../../src/core/devices.ts'
import { GraftError } from '../../src/core/errors.ts'
import type { Engine, StepResult } from '../../src/train/engine.ts'
import { createCompiledEngine } from '../../src/train/engine/compiled.ts'
import { openEngine } from '../../src/train/engine/open.ts'
import { describeEngine, optionsOf, runSteps } from '../train/engine.suite.ts'
import { full, lora, probe } from '../train/programs.ts'
import { hasSoftwareGpu } from './software-gpu.ts'

/** Why a device cannot be tested here; undefined where it can. */
async function lackOf(device: DeviceName): Promise<string | undefined> {
  try {
    await (await openEngine(optionsOf(lora()), { device })).dispose()
    return undefined
  } catch (error) {
    if (error instanceof GraftError && error.code === 'device') return error.message
    throw error
  }
}

/**
 * Rounding in another order, by sums of up to some hundred products in single precision, and ten steps of AdamW, whose first ones
 * divide small gradients by their own size: relative differences of 1e-5 were seen on SwiftShader. Ten times as much is allowed, as
 * between the engines on the CPU. NVIDIA's TF32 rounds products to 10 bits of mantissa.
 */
const TOLERANCE: Partial<Record<DeviceName, number>> = { cuda: 1e-2, 'tfjs-node-gpu': 1e-2 }

/**
 * Runs the engine suite on a device, and compares it with the CPU; skips all, and says why, where the device is not there.
 * @throws where that is a GPU that the tests bring themselves
 */
export async function describeDevice(device: DeviceName): Promise<void> {
  const lack = await lackOf(device)
  if (lack !== undefined && hasSoftwareGpu && device.endsWith('webgpu')) throw new Error(lack)
  if (lack !== undefined) console.warn(`skipped: ${lack}`)
  describe.skipIf(lack !== undefined)(`device ${device}`, () => {
    describeEngine(device, (options) => openEngine(options, { device }), {
      isUnordered: DEVICES[device].gpu,
      isEmulated: DEVICES[device].gpu && process.env['VK_DRIVER_FILES']?.includes('swiftshader'),
    })
    describeAgainstCpu(device)
  })
}

const describeAgainstCpu = (device: DeviceName) =>
  describe.each([
    ['lora', lora({ dropout: 0.1 })],
    ['full', full({ dropout: 0.1 })],
  ])('and cpu: %s', (_, program) => {
    let engines: [Engine, Engine]
    beforeAll(async () => {
      engines = [await createCompiledEngine(optionsOf(program)), await openEngine(optionsOf(program), { device })]
    })
    afterAll(() => Promise.all(engines.map((engine) => engine.dispose())))

    it('give the same losses, gradient norms and evaluation for 10 steps', async () => {
      const [cpu, other] = engines
      const [expected, results] = [await runSteps(cpu, 10), await runSteps(other, 10)]
      const tolerance = TOLERANCE[device] ?? 1e-4
      const largest = (value: (step: StepResult) => number) =>
        Math.max(...expected.map((step, at) => Math.abs(value(results[at]!) / value(step) - 1))) // as many steps
      expect(largest(({ loss }) => loss)).toBeLessThan(tolerance)
      expect(largest(({ gradientNorm }) => gradientNorm)).toBeLessThan(tolerance)
      const logits = await other.evaluate(probe)
      for (const [at, value] of (await cpu.evaluate(probe)).entries()) {
        expect(Math.abs(value - logits[at]!)).toBeLessThan(10 * tolerance)
      }
    })
  })
