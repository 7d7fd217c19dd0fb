/** Training on a frozen base in fewer bits: gradients point where those in float32 do, and a run is the same each time. */
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { linearLayers } from '../../src/core/layers.ts'
import { createRandom } from '../../src/core/random.ts'
import { readBase } from '../../src/files/base-folder.ts'
import { readTokenizer } from '../../src/files/tokenizer-files.ts'
import { padBatch } from '../../src/core/batch.ts'
import { createDataset } from '../../src/train/dataset.ts'
import { encodeDataset } from '../../src/train/encode.ts'
import { createCompiledEngine } from '../../src/train/engine/compiled.ts'
import { openEngine } from '../../src/train/engine/open.ts'
import { type Engine, type Feeds, tokenFeeds, type TrainingState } from '../../src/train/engine.ts'
import { type LoraTrainingOptions, loraProgram } from '../../src/train/program/classifier.ts'
import { type TrainingProgram, unflatten } from '../../src/train/program.ts'
import { stateName } from '../../src/train/step.ts'
import { optionsOf } from './engine.suite.ts'
import { lora } from './programs.ts'

const path = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url))
const base = await readBase(path('models/gpt-mini'))
const dataset = await createDataset(path('examples/data/sentiment.csv'), { split: [0.8, 0.1, 0.1], seed: 1 })
const tokenizer = await readTokenizer(base.dir, base.config)
const { train, vocabulary, padTokenId } = await encodeDataset(dataset, { ...base, tokenizer }, 64)

const programOf = (basePrecision: LoraTrainingOptions['basePrecision']): TrainingProgram =>
  loraProgram(
    {
      config: { ...base.config, vocab_size: vocabulary.ids.length, pad_token_id: padTokenId },
      weights: vocabulary.restrict(base.weights),
      labels: dataset.labels.length,
      weightDecay: 0.01,
      random: createRandom(1),
    },
    {
      rank: 8,
      scaling: 2,
      dropout: 0,
      targets: linearLayers(base.config).map(({ name }) => name),
      initialization: 'kaiming',
      basePrecision,
    },
  )

const batchOf = (number: number): Feeds => {
  const rows = train.sequences.slice(16 * number, 16 * number + 16)
  const labels = Int32Array.from(train.labels.slice(16 * number, 16 * number + 16), Number)
  return { ...tokenFeeds(padBatch(rows, padTokenId)), labels: { data: labels, shape: [labels.length] } }
}

const open = (basePrecision: LoraTrainingOptions['basePrecision']) =>
  createCompiledEngine(optionsOf(programOf(basePrecision)), { threads: 2 })

/** After some steps in float32, so that neither A nor B is zero. */
async function trained(): Promise<TrainingState> {
  const engine = await open('fp32')
  for (let step = 1; step <= 8; step++) await engine.step(batchOf(step), { learningRate: 1e-3, step })
  const state = await engine.state()
  await engine.dispose()
  return state
}

/** The gradient of each parameter at a state: what a step adds to moments of zero, but for a factor. */
async function gradients(engine: Engine, program: TrainingProgram, state: TrainingState) {
  const zero = new Map([...state].map(([name, values]) => [name, name.endsWith('.m') ? values.map(() => 0) : values]))
  await engine.restore(zero)
  await engine.step(batchOf(0), { learningRate: 1e-3, step: 9 })
  const moments = await engine.state()
  const [group] = program.groups
  if (!group) throw new Error('no parameters')
  return unflatten(group, moments.get(stateName(group, 'm')) ?? new Float32Array())
}

const cosine = (a: Float32Array, b: Float32Array): number => {
  const dot = (left: Float32Array, right: Float32Array) =>
    left.reduce((sum, each, at) => sum + each * (right[at] ?? NaN), 0)
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))
}

const state = await trained()

describe('a base in fewer bits', () => {
  it.each([
    ['int8', 0.99],
    ['int4', 0.9],
    ['nf4', 0.9],
  ] as const)('%s: the gradient of each tensor points where that in float32 does', async (scheme, least) => {
    const engines = await Promise.all([open('fp32'), open(scheme)])
    const [exact, found] = await Promise.all(engines.map((engine) => gradients(engine, programOf('fp32'), state)))
    const cosines = [...exact!].map(([name, { data }]) => [name, cosine(data, found!.get(name)!.data)] as const)
    await Promise.all(engines.map((engine) => engine.dispose()))
    expect(cosines.length).toBeGreaterThan(20)
    expect(cosines.filter(([, value]) => !(value >= least))).toEqual([])
  })

  it.each(['int8', 'int4', 'nf4'] as const)(
    '%s: the same seed gives the same bytes, and a restored run goes on as it was',
    async (scheme) => {
      const engines = await Promise.all([open(scheme), open(scheme)])
      const [first, second] = engines as [Engine, Engine]
      for (let step = 1; step <= 3; step++) {
        const options = { learningRate: 1e-3, step }
        expect(await first.step(batchOf(step), options)).toEqual(await second.step(batchOf(step), options))
        if (step === 2) await second.restore(await first.state())
      }
      expect(await first.state()).toEqual(await second.state())
      await Promise.all(engines.map((engine) => engine.dispose()))
    },
  )

  it('is refused by name on a device that has none', async () => {
    const program = lora({ basePrecision: 'int8' })
    await expect(openEngine(optionsOf(program), { device: 'tfjs-cpu' })).rejects.toMatchObject({
      code: 'usage',
      message: 'device tfjs-cpu has no products with a base in fewer bits',
      hint: 'Train with --device cpu, or with --base-precision fp32.',
    })
  })
})
