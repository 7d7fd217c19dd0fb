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
import { createRandom } from '../src/core/random.ts'
import { type Dim, evaluate } from '../src/onnx/dims.ts'
import { toOnnx, trace } from '../src/onnx/index.ts'
import { createCompiledEngine } from '../src/train/engine/compiled.ts'
import { createEagerEngine } from '../src/train/engine/eager.ts'
import { ADAMW_DEFAULTS } from '../src/train/optimizer.ts'
import type { TrainingProgram } from '../src/train/program.ts'
import { stepInputs, trainingStep } from '../src/train/step.ts'
import { describe, median, time } from './measure.ts'
import { SHAPES, type Shape, type ShapeName, createBatch, createProgram } from './shapes.ts'

interface Goal {
  name: ShapeName
  /** Columns of a feed-forward layer, whose product is the bare one. */
  inner: number
  columns: number
  /** Per cent of its rate that the step's products shall have. */
  bar: number
}

const goals: Goal[] = [
  { name: 'gpt2-small', inner: 768, columns: 3072, bar: 75 },
  { name: 'minilm', inner: 384, columns: 1536, bar: 80 },
  { name: 'minilm-32', inner: 384, columns: 1536, bar: 80 },
  { name: 'smollm2', inner: 576, columns: 1536, bar: 80 },
]

const threads = availableParallelism()

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
  const shape = SHAPES.tutorial
  const program = createProgram(shape.config())
  const options = { program, optimizer: ADAMW_DEFAULTS, seed: 1 }
  const batch = createBatch(shape)
  const compiled = await createCompiledEngine(options, { threads })
  const eager = await createEagerEngine(options)
  const fast = await time(() => compiled.step(batch, { learningRate: 1e-3, step: 1 }), 50, 10)
  const slow = await time(() => eager.step(batch, { learningRate: 1e-3, step: 1 }), 3)
  await Promise.all([compiled.dispose(), eager.dispose()])
  console.log(`Tutorial's model, LoRA r 8, ${shape.rows} × ${shape.length} tokens, ${threads} threads`)
  console.log(`  TF.js cpu   ${describe(slow)}`)
  console.log(`  compiled    ${describe(fast)}`)
  console.log(`  ratio       ${(median(slow) / median(fast)).toFixed(0)} × faster (bar: ≥ 150)`)
}

async function againstProduct({ name, inner, columns, bar }: Goal): Promise<void> {
  const shape = SHAPES[name]
  const program = createProgram(shape.config())
  const batch = createBatch(shape)
  const operations = await countOperations(program, shape)
  const engine = await createCompiledEngine({ program, optimizer: ADAMW_DEFAULTS, seed: 1 }, { threads })
  const shares: number[] = []
  const steps: number[] = []
  const rates: number[] = []
  // Alternating, so that both see the same noise of the machine.
  for (let round = 0; round < 5; round++) {
    const rate = await bareProductRate(shape.rows * shape.length, inner, columns)
    const times = await time(() => engine.step(batch, { learningRate: 1e-3, step: 1 }), 4, round === 0 ? 2 : 0)
    steps.push(...times)
    rates.push(rate)
    shares.push(operations / (median(times) / 1000) / rate)
  }
  await engine.dispose()
  const tokens = (shape.rows * shape.length) / (median(steps) / 1000)
  console.log(`${name}, LoRA r 8 on all linear layers, ${shape.rows} × ${shape.length} tokens, ${threads} threads`)
  console.log(
    `  step        ${describe(steps)}, ${tokens.toFixed(0)} tokens/s, ${(operations / 1e9).toFixed(0)} G operations in products`,
  )
  console.log(
    `  products    ${(operations / (median(steps) / 1000) / 1e9).toFixed(0)} GFLOP/s in the step, ${(median(rates) / 1e9).toFixed(0)} GFLOP/s bare`,
  )
  console.log(
    `  ratio       ${(100 * median(shares)).toFixed(0)} % of the bare product's rate, rounds ${shares.map((share) => (100 * share).toFixed(0)).join(' ')} (bar: ≥ ${bar})`,
  )
}

const { values } = parseArgs({ options: { shape: { type: 'string' } } })
if (values.shape === undefined) await againstTfjs()
for (const goal of goals) if (values.shape === undefined || values.shape === goal.name) await againstProduct(goal)
