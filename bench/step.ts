/**
 * The compiled LoRA step, two ratios measured in one run:
 * against the same step on TF.js' cpu backend (the tutorial's model, 8 × 64 tokens), and its matrix products' rate against
 * that of a bare ONNX Runtime product on the same threads (r 8 on all linear layers; the shapes of GPT-2 small, MiniLM and SmolLM2).
 *
 *     npm run bench:step [-- --shape NAME]
 */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { familyNamed, parseConfig } from '../src/core/families.ts'
import { createConfig } from '../src/core/families/gpt2.ts'
import type { ModelConfig } from '../src/core/family.ts'
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

interface Shape {
  name: string
  config(): ModelConfig
  rows: number
  length: number
  /** Columns of a feed-forward layer, whose product is the bare one. */
  inner: number
  columns: number
  /** Per cent of its rate that the step's products shall have. */
  bar: number
}

const encoder = () =>
  parseConfig({
    model_type: 'bert',
    ...familyNamed('bert').fieldsOf({
      width: 384,
      layers: 6,
      heads: 12,
      inner: 1536,
      positions: 512,
      vocabulary: VOCABULARY,
    }),
  })

const decoder = () =>
  parseConfig({
    model_type: 'llama',
    ...familyNamed('llama').fieldsOf({
      width: 576,
      layers: 30,
      heads: 9,
      inner: 1536,
      positions: 8192,
      vocabulary: VOCABULARY,
    }),
    num_key_value_heads: 3,
  })

const gpt2Small = () =>
  createConfig({ vocab_size: VOCABULARY, n_embd: 768, n_layer: 12, n_head: 12, n_inner: null, n_positions: 1024 })

const shapes: Shape[] = [
  { name: 'gpt2-small', config: gpt2Small, rows: 8, length: 64, inner: 768, columns: 3072, bar: 75 },
  { name: 'minilm', config: encoder, rows: 8, length: 64, inner: 384, columns: 1536, bar: 80 },
  { name: 'minilm-32', config: encoder, rows: 32, length: 32, inner: 384, columns: 1536, bar: 80 },
  { name: 'smollm2', config: decoder, rows: 4, length: 64, inner: 576, columns: 1536, bar: 80 },
]

/** The embedding is only looked up, so a small one changes no time and saves memory. */
const VOCABULARY = 1000
const threads = availableParallelism()

function createProgram(config: ModelConfig): TrainingProgram {
  const random = createRandom(1)
  const targets = linearLayers(config).map(({ name }) => name)
  return loraProgram(
    { config, weights: initializeBase(config, random), labels: 2, weightDecay: 0.01, random },
    { rank: 8, scaling: 2, dropout: 0, targets, initialization: 'normal' },
  )
}

function createBatch({ rows, length }: Pick<Shape, 'rows' | 'length'>): Feeds {
  const random = createRandom(2)
  const [size, shape] = [rows * length, [rows, length]]
  return {
    input_ids: { data: Int32Array.from({ length: size }, () => random.integer(VOCABULARY)), shape },
    attention_mask: { data: new Int32Array(size).fill(1), shape },
    labels: { data: Int32Array.from({ length: rows }, (_, row) => row % 2), shape: [rows] },
  }
}

/** Operations of all matrix products of a step, a multiplication and an addition counting as two. */
async function countOperations(
  program: TrainingProgram,
  { rows, length }: Pick<Shape, 'rows' | 'length'>,
): Promise<number> {
  const graph = await trace(trainingStep(program, ADAMW_DEFAULTS, 1), stepInputs(program), {
    constants: program.frozen,
  })
  const numbers = (shape: readonly Dim[]) =>
    shape.map((dim) => evaluate(dim, (symbol) => (symbol === 'batch' ? rows : length)))
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
  const size = { rows: 8, length: 64 }
  const batch = createBatch(size)
  const compiled = await createCompiledEngine(options, { threads })
  const eager = await createEagerEngine(options)
  const fast = await time(() => compiled.step(batch, { learningRate: 1e-3, step: 1 }), 50, 10)
  const slow = await time(() => eager.step(batch, { learningRate: 1e-3, step: 1 }), 3)
  await Promise.all([compiled.dispose(), eager.dispose()])
  console.log(`Tutorial's model, LoRA r 8, ${size.rows} × ${size.length} tokens, ${threads} threads`)
  console.log(`  TF.js cpu   ${describe(slow)}`)
  console.log(`  compiled    ${describe(fast)}`)
  console.log(`  ratio       ${(median(slow) / median(fast)).toFixed(0)} × faster (bar: ≥ 150)`)
}

async function againstProduct(shape: Shape): Promise<void> {
  const program = createProgram(shape.config())
  const batch = createBatch(shape)
  const operations = await countOperations(program, shape)
  const engine = await createCompiledEngine({ program, optimizer: ADAMW_DEFAULTS, seed: 1 }, { threads })
  const shares: number[] = []
  const steps: number[] = []
  const rates: number[] = []
  // Alternating, so that both see the same noise of the machine.
  for (let round = 0; round < 5; round++) {
    const rate = await bareProductRate(shape.rows * shape.length, shape.inner, shape.columns)
    const times = await time(() => engine.step(batch, { learningRate: 1e-3, step: 1 }), 4, round === 0 ? 2 : 0)
    steps.push(...times)
    rates.push(rate)
    shares.push(operations / (median(times) / 1000) / rate)
  }
  await engine.dispose()
  const tokens = (shape.rows * shape.length) / (median(steps) / 1000)
  console.log(
    `${shape.name}, LoRA r 8 on all linear layers, ${shape.rows} × ${shape.length} tokens, ${threads} threads`,
  )
  console.log(
    `  step        ${describe(steps)}, ${tokens.toFixed(0)} tokens/s, ${(operations / 1e9).toFixed(0)} G operations in products`,
  )
  console.log(
    `  products    ${(operations / (median(steps) / 1000) / 1e9).toFixed(0)} GFLOP/s in the step, ${(median(rates) / 1e9).toFixed(0)} GFLOP/s bare`,
  )
  console.log(
    `  ratio       ${(100 * median(shares)).toFixed(0)} % of the bare product's rate, rounds ${shares.map((share) => (100 * share).toFixed(0)).join(' ')} (bar: ≥ ${shape.bar})`,
  )
}

const { values } = parseArgs({ options: { shape: { type: 'string' } } })
if (values.shape === undefined) await againstTfjs()
for (const shape of shapes) if (values.shape === undefined || values.shape === shape.name) await againstProduct(shape)
