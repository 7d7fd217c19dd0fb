/**
 * The compiled LoRA step, two ratios measured in one run:
 * against the same step on TF.js' cpu backend (the tutorial's model, 8 × 64 tokens), and its matrix products' rate against
 * that of a bare ONNX Runtime product on the same threads (GPT-2 small's shape, 8 × 64 tokens, r 8).
 */
import { availableParallelism } from 'node:os'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { type GPT2Config, createConfig } from '../src/core/families/gpt2.ts'
import { linearLayers } from '../src/core/layers.ts'
import { createRandom } from '../src/core/random.ts'
import { initializeBase } from '../src/core/initialize.ts'
import { type Dim, evaluate } from '../src/onnx/dims.ts'
import { toOnnx, trace } from '../src/onnx/index.ts'
import { loraProgram } from '../src/train/program/classifier.ts'
import type { Feeds } from '../src/train/engine.ts'
import { createCompiledEngine } from '../src/train/engine/compiled.ts'
import { createEagerEngine } from '../src/train/engine/eager.ts'
import { ADAMW_DEFAULTS } from '../src/train/optimizer.ts'
import type { TrainingProgram } from '../src/train/program.ts'
import { stepInputs, trainingStep } from '../src/train/step.ts'
import { describe, median, time } from './measure.ts'

const ROWS = 8
const LENGTH = 64
/** The embedding is only looked up, so a small one changes no time and saves memory. */
const VOCABULARY = 1000
const threads = availableParallelism()

function createProgram(config: GPT2Config): TrainingProgram {
  const random = createRandom(1)
  const targets = linearLayers(config).map(({ name }) => name)
  return loraProgram(
    { config, weights: initializeBase(config, random), labels: 2, weightDecay: 0.01, random },
    { rank: 8, scaling: 2, dropout: 0, targets, initialization: 'normal' },
  )
}

function createBatch(): Feeds {
  const random = createRandom(2)
  const [size, shape] = [ROWS * LENGTH, [ROWS, LENGTH]]
  return {
    input_ids: { data: Int32Array.from({ length: size }, () => random.integer(VOCABULARY)), shape },
    attention_mask: { data: new Int32Array(size).fill(1), shape },
    labels: { data: Int32Array.from({ length: ROWS }, (_, row) => row % 2), shape: [ROWS] },
  }
}

/** Operations of all matrix products of a step, a multiplication and an addition counting as two. */
async function countOperations(program: TrainingProgram): Promise<number> {
  const graph = await trace(trainingStep(program, ADAMW_DEFAULTS, 1), stepInputs(program), {
    constants: program.frozen,
  })
  const numbers = (shape: readonly Dim[]) =>
    shape.map((dim) => evaluate(dim, (symbol) => (symbol === 'batch' ? ROWS : LENGTH)))
  return graph.nodes
    .filter(({ op }) => op === 'Gemm' || op === 'MatMul')
    .reduce((total, { inputs: [a], outputs: [product], attributes }) => {
      const inner = numbers(a?.shape ?? []).at(attributes['transA'] === 1 ? -2 : -1) ?? 0
      return total + 2 * inner * numbers(product?.shape ?? []).reduce((size, dim) => size * dim, 1)
    }, 0)
}

/** Operations a second of x·W with a constant W, as a feed-forward layer of the model has it. */
async function bareProductRate(rows: number, inner: number, columns: number): Promise<number> {
  const random = createRandom(3)
  const values = (size: number) => Float32Array.from({ length: size }, () => random.uniform() - 0.5)
  const weight = new Map([['w', { shape: [inner, columns], data: values(inner * columns) }]])
  const graph = await trace(({ x, w }) => x!.matMul(w!), { x: { shape: [rows, inner] } }, { constants: weight }) // both are declared
  const session = await InferenceSession.create(toOnnx(graph), { intraOpNumThreads: threads })
  const feeds = { x: new Tensor('float32', values(rows * inner), [rows, inner]) }
  const times = await time(() => session.run(feeds), 60, 10)
  await session.release()
  return (2 * rows * inner * columns) / (median(times) / 1000)
}

async function againstTfjs(): Promise<void> {
  const program = createProgram(createConfig({ vocab_size: VOCABULARY }))
  const options = { program, optimizer: ADAMW_DEFAULTS, seed: 1 }
  const batch = createBatch()
  const compiled = await createCompiledEngine(options, { threads })
  const eager = await createEagerEngine(options)
  const fast = await time(() => compiled.step(batch, { learningRate: 1e-3, step: 1 }), 50, 10)
  const slow = await time(() => eager.step(batch, { learningRate: 1e-3, step: 1 }), 3)
  await Promise.all([compiled.dispose(), eager.dispose()])
  console.log(`Tutorial's model, LoRA r 8, ${ROWS} × ${LENGTH} tokens, ${threads} threads`)
  console.log(`  TF.js cpu   ${describe(slow)}`)
  console.log(`  compiled    ${describe(fast)}`)
  console.log(`  ratio       ${(median(slow) / median(fast)).toFixed(0)} × faster (bar: ≥ 150)`)
}

async function againstProduct(): Promise<void> {
  const config = createConfig({
    vocab_size: VOCABULARY,
    n_embd: 768,
    n_layer: 12,
    n_head: 12,
    n_inner: null,
    n_positions: 1024,
  })
  const program = createProgram(config)
  const batch = createBatch()
  const operations = await countOperations(program)
  const engine = await createCompiledEngine({ program, optimizer: ADAMW_DEFAULTS, seed: 1 }, { threads })
  const shares: number[] = []
  const steps: number[] = []
  const rates: number[] = []
  // Alternating, so that both see the same noise of the machine.
  for (let round = 0; round < 5; round++) {
    const rate = await bareProductRate(ROWS * LENGTH, 768, 3072)
    const times = await time(() => engine.step(batch, { learningRate: 1e-3, step: 1 }), 4, round === 0 ? 2 : 0)
    steps.push(...times)
    rates.push(rate)
    shares.push(operations / (median(times) / 1000) / rate)
  }
  await engine.dispose()
  const tokens = (ROWS * LENGTH) / (median(steps) / 1000)
  console.log(`GPT-2 small's shape, LoRA r 8 on all 48 linear layers, ${ROWS} × ${LENGTH} tokens, ${threads} threads`)
  console.log(
    `  step        ${describe(steps)}, ${tokens.toFixed(0)} tokens/s, ${(operations / 1e9).toFixed(0)} G operations in products`,
  )
  console.log(
    `  products    ${(operations / (median(steps) / 1000) / 1e9).toFixed(0)} GFLOP/s in the step, ${(median(rates) / 1e9).toFixed(0)} GFLOP/s bare`,
  )
  console.log(
    `  ratio       ${(100 * median(shares)).toFixed(0)} % of the bare product's rate, rounds ${shares.map((share) => (100 * share).toFixed(0)).join(' ')} (bar: ≥ 75)`,
  )
}

await againstTfjs()
await againstProduct()
