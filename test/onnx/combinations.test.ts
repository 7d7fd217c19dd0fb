/**
 * The real programs trace whatever their fixed sizes are, and always to the same graph: sizes that are equal to the numbers
 * that symbolic sizes have while tracing, multiples and products of them, and any others.
 */
import * as fc from 'fast-check'
import * as tf from '@tensorflow/tfjs'
import { beforeAll, describe, expect, it } from 'vitest'
import { createConfig } from '../../src/core/families/gpt2.ts'
import { adaptableLayers, parameterShapes } from '../../src/core/layers.ts'
import { createRandom } from '../../src/core/random.ts'
import { type TensorMap, sizeOf } from '../../src/core/tensors.ts'
import { traceMerged, traceUnmerged } from '../../src/export/graph.ts'
import { type Dim, factorsOf } from '../../src/onnx/dims.ts'
import type { Graph, Node } from '../../src/onnx/graph.ts'
import { type TracedFunction, trace } from '../../src/onnx/index.ts'
import { ADAMW_DEFAULTS } from '../../src/train/optimizer.ts'
import type { TrainingProgram } from '../../src/train/program.ts'
import { fullProgram, loraProgram } from '../../src/train/program/classifier.ts'
import { stepInputs, trainingStep } from '../../src/train/step.ts'

beforeAll(async () => {
  await tf.setBackend('cpu')
})

/** More combinations, for a thorough search. */
const TIMES = Number(process.env['GRAFT_COMBINATIONS'] ?? 1)

/** Sizes up to a limit (operators on sizes of 1 may be left out), many of them made of small primes. */
const sizes = (limit: number) =>
  fc.oneof(
    fc.integer({ min: 2, max: limit }),
    fc
      .array(fc.constantFrom(2, 3, 11, 12, 13, 14, 17, 18, 19, 23, 29, 31, 37, 41, 43), { minLength: 1, maxLength: 4 })
      .map((factors) =>
        factors.reduce((product, factor) => (product * factor <= limit ? product * factor : product), 1),
      )
      .map((size) => Math.max(2, size)),
  )

interface Combination {
  vocabulary: number
  pad: number
  heads: number
  head: number
  inner: number
  positions: number
  layers: number
  labels: number
  rank: number
}

const combinations = fc.record<Combination>({
  vocabulary: sizes(60_000),
  pad: fc.oneof(fc.integer({ min: 0, max: 60_000 }), fc.constantFrom(50_257, 29, 31, 37, 1073, 1147)),
  heads: fc.constantFrom(1, 2, 3, 11, 12, 17, 19),
  head: sizes(40),
  inner: sizes(3000),
  positions: sizes(2000),
  layers: fc.constantFrom(1, 1, 1, 1, 1, 2),
  labels: sizes(400),
  rank: sizes(64),
})

/** Weights are not looked at while tracing, so all are parts of the same zeros. */
let zeros = new Float32Array(2 ** 20)
function values(size: number): Float32Array {
  if (size > zeros.length) zeros = new Float32Array(2 * size)
  return zeros.subarray(0, size)
}

interface Model {
  config: ReturnType<typeof createConfig>
  weights: TensorMap
  targets: string[]
}

function model({ vocabulary, pad, heads, head, inner, positions, layers }: Combination): Model {
  const config = createConfig({
    vocab_size: vocabulary,
    pad_token_id: pad % vocabulary,
    n_embd: heads * head,
    n_head: heads,
    n_layer: layers,
    n_inner: inner,
    n_positions: positions,
  })
  const weights: TensorMap = new Map(
    [...parameterShapes(config)].map(([name, shape]) => [name, { shape, data: values(sizeOf(shape)) }]),
  )
  return { config, weights, targets: adaptableLayers(config).map(({ name }) => name) }
}

const score = ({ n_embd: width }: Model['config'], labels: number) => ({
  shape: [labels, width],
  data: values(labels * width),
})

/** A program with the number of times that it ran. */
function counted(fn: TracedFunction) {
  const counter = { runs: 0, fn: (tensors: tf.NamedTensorMap) => (counter.runs++, fn(tensors)) }
  return counter
}

async function traceStep(program: TrainingProgram): Promise<Graph> {
  const counter = counted(trainingStep(program, ADAMW_DEFAULTS, 1))
  const graph = await trace(counter.fn, stepInputs(program), { constants: program.frozen })
  expect(counter.runs).toBe(3)
  return graph
}

/** Numbers of distinct tokens, pad ids, widths and numbers of positions that data sets and published models have. */
const examples: Partial<Combination>[] = [
  ...[551, 589, 713, 1102, 1147].map((vocabulary) => ({ vocabulary })),
  { vocabulary: 50_258, pad: 50_257 },
  ...[29, 31, 37, 40].map((head) => ({ head })),
  ...[29, 31, 37, 1073].map((positions) => ({ positions })),
]

const options = ({ config, weights }: Model, { labels }: Combination) => ({
  config: { ...config, embd_pdrop: 0.1, resid_pdrop: 0.1 },
  weights,
  labels,
  weightDecay: 0.01,
  random: createRandom(1),
})

/** A training program draws starting values, which takes longer than tracing it. */
const smaller = (combination: Combination): Combination => ({
  ...combination,
  inner: 2 + (combination.inner % 300),
  rank: 2 + (combination.rank % 15),
})

type Tracer = (combination: Combination) => Promise<Graph>

const programs: Record<string, { count: number; tracer: Tracer }> = {
  'the merged graph': {
    count: 1100,
    tracer: (combination) => {
      const { config, weights } = model(combination)
      return traceMerged(config, new Map(weights).set('score.weight', score(config, combination.labels)))
    },
  },
  'the unmerged graph': {
    count: 800,
    tracer: (combination) => {
      const { config, weights, targets } = model(combination)
      return traceUnmerged(config, weights, new Set(targets))
    },
  },
  'the step of LoRA with the embedding': {
    count: 50,
    tracer: (combination) => {
      const made = model(smaller(combination))
      const lora = { rank: smaller(combination).rank, scaling: 2, dropout: 0.1, targets: made.targets }
      return traceStep(loraProgram(options(made, combination), { ...lora, initialization: 'normal' }))
    },
  },
  'the step of all parameters': {
    count: 50,
    tracer: (combination) => traceStep(fullProgram(options(model(smaller(combination)), combination))),
  },
}

/**
 * What the graph's operators give, fixed sizes aside: `Reshape[batch*sequence, 8]` is `Reshape[batch*sequence, #]`. Each once,
 * since operators on constants that happen to be equal are one.
 */
function outline({ nodes }: Graph): string[] {
  const print = (dim: Dim) => factorsOf(dim).symbols.join('*') || '#'
  const line = ({ op, outputs }: Node) =>
    `${op}${outputs.map(({ shape }) => `[${shape.map(print).join(', ')}]`).join('')}`
  return [...new Set(nodes.map(line))].toSorted()
}

describe.each(Object.entries(programs))('%s', (_, { count, tracer }) => {
  const usual = {
    vocabulary: 5000,
    pad: 7,
    heads: 4,
    head: 8,
    inner: 100,
    positions: 64,
    layers: 1,
    labels: 5,
    rank: 8,
  }

  it(`is the same for ${count * TIMES} combinations of sizes`, async () => {
    const expected = new Map<number, string[]>()
    for (const layers of [1, 2]) {
      expected.set(layers, outline(await tracer({ ...usual, layers })))
    }
    await fc.assert(
      fc.asyncProperty(combinations, async (combination) => {
        expect(outline(await tracer(combination))).toEqual(expected.get(combination.layers))
      }),
      { numRuns: count * TIMES, examples: examples.map((sizes) => [{ ...usual, ...sizes }]) },
    )
  })
})
