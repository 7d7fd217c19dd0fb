/** Tries a device: a small model is trained for some steps, whose losses must be those of the CPU. */
import type { DeviceName } from '../../core/devices.ts'
import { GraftError } from '../../core/errors.ts'
import { createConfig } from '../../core/families/gpt2.ts'
import { linearLayers } from '../../core/layers.ts'
import { createRandom } from '../../core/random.ts'
import { initializeBase } from '../../core/initialize.ts'
import type { Engine, EngineOptions, Feeds } from '../../train/engine.ts'
import { openEngine } from '../../train/engine/open.ts'
import { ADAMW_DEFAULTS } from '../../train/optimizer.ts'
import { loraProgram } from '../../train/program/classifier.ts'

export interface Probe {
  device: DeviceName
  works: boolean
  /** Of a model of 4 layers, 256 wide; undefined where that would take long. */
  tokensPerSecond?: number
  /** Why it does not work, and what to do. */
  problem?: { reason: string; hint: string }
}

/** A classifier to train, and a batch for it. */
interface Trial {
  options: EngineOptions
  batch: Feeds
}

const VOCABULARY = 500

function createTrial(shape: { layers: number; width: number; rows: number; length: number }): Trial {
  const random = createRandom(1)
  const config = createConfig({
    vocab_size: VOCABULARY,
    n_layer: shape.layers,
    n_embd: shape.width,
    n_head: shape.width / 32,
    n_inner: 2 * shape.width,
    n_positions: shape.length,
  })
  const targets = linearLayers(config).map(({ name }) => name)
  const program = loraProgram(
    { config, weights: initializeBase(config, random), labels: 2, weightDecay: 0.01, random },
    { rank: 8, scaling: 2, dropout: 0, targets, initialization: 'normal' },
  )
  const size = [shape.rows, shape.length]
  const tokens = Int32Array.from({ length: shape.rows * shape.length }, () => random.integer(VOCABULARY))
  const labels = Int32Array.from({ length: shape.rows }, (_, row) => row % 2)
  return {
    options: { program, optimizer: ADAMW_DEFAULTS, seed: 1 },
    batch: {
      input_ids: { data: tokens, shape: size },
      attention_mask: { data: new Int32Array(tokens.length).fill(1), shape: size },
      labels: { data: labels, shape: [shape.rows] },
    },
  }
}

const small = () => createTrial({ layers: 2, width: 64, rows: 4, length: 16 })
const large = () => createTrial({ layers: 4, width: 256, rows: 8, length: 64 })

/** Relative: NVIDIA's matrix products round to 10 bits (TF32) where ONNX Runtime's defaults hold. */
const TOLERANCE = 1e-2

/** A step of the small model in more milliseconds is an emulated GPU's, or TF.js' own: their speed is no matter. */
const SLOW = 100

/** Tries a device in this process, which a driver at fault may end. */
export async function probeDevice(device: DeviceName): Promise<Probe> {
  try {
    const expected = await withEngine('cpu', small(), takeSteps)
    const { losses, milliseconds } = await withEngine(device, small(), takeSteps)
    const wrong = losses.findIndex((loss, step) => !(Math.abs(loss / (expected.losses[step] ?? NaN) - 1) < TOLERANCE))
    if (wrong >= 0) {
      const reason = `it computes a loss of ${losses[wrong]} in step ${wrong + 1}, where the CPU has ${expected.losses[wrong]}`
      return { device, works: false, problem: { reason, hint: 'Install a newer driver, or use another device.' } }
    }
    if (milliseconds > SLOW) return { device, works: true }
    return { device, works: true, tokensPerSecond: await withEngine(device, large(), measureSpeed) }
  } catch (error) {
    if (!(error instanceof GraftError)) throw error
    // The name stands beside it wherever it is shown.
    const reason = error.message.replace(`device ${device} does not work here: `, '')
    return { device, works: false, problem: { reason, hint: error.hint } }
  }
}

async function withEngine<Result>(
  device: DeviceName,
  { options, batch }: Trial,
  use: (engine: Engine, batch: Feeds) => Promise<Result>,
): Promise<Result> {
  const engine = await openEngine(options, { device })
  try {
    return await use(engine, batch)
  } finally {
    await engine.dispose()
  }
}

/** @returns the losses of three steps, and how long the last one took */
async function takeSteps(engine: Engine, batch: Feeds): Promise<{ losses: number[]; milliseconds: number }> {
  const losses: number[] = []
  let started = 0
  for (let step = 1; step <= 3; step++) {
    started = performance.now()
    losses.push((await engine.step(batch, { learningRate: 0.01, step })).loss)
  }
  return { losses, milliseconds: performance.now() - started }
}

/** Tokens a second: the best of some steps, after two in which memory is allocated and kernels are compiled. */
async function measureSpeed(engine: Engine, batch: Feeds): Promise<number> {
  const times: number[] = []
  for (let step = 1; step <= 7; step++) {
    const started = performance.now()
    await engine.step(batch, { learningRate: 0.01, step })
    times.push((performance.now() - started) / 1000)
  }
  return Math.round(batch.input_ids.data.length / Math.min(...times.slice(2)))
}
