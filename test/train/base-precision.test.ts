/** `--base-precision auto`: what a trial finds, and that a run keeps what was chosen. */
import { describe, expect, it } from 'vitest'
import type { TensorMap } from '../../src/core/tensors.ts'
import { tryInt8 } from '../../src/train/base-precision.ts'
import type { TrainingTask } from '../../src/train/task.ts'
import type { TrainPlan } from '../../src/train/train.ts'
import { weights } from '../model/fixtures.ts'
import { createBatch, lora } from './programs.ts'
import { interrupt, read, run } from './train/runs.ts'

/** Two batches an epoch: a trial needs more than one of them. */
const task: TrainingTask = {
  stepsPerEpoch: 2,
  batches: (epoch) => [0, 1].map((at) => () => ({ feeds: createBatch(16, 10, 2 * epoch + at), tokens: 0 })),
  evaluate: () => Promise.reject(new Error('a trial evaluates nothing')),
  isBetter: () => false,
}

const base: TensorMap = new Map([...weights].filter(([name]) => name !== 'score.weight'))

/** The same model in float32: what a normalization makes larger, the layer after it takes back. */
function withOutlier(factor: number): TensorMap {
  const changed: TensorMap = new Map([...base].map(([name, { data, shape }]) => [name, { data: data.slice(), shape }]))
  const scale = (name: string, values: number, by: number) => {
    const { data } = changed.get(name) ?? {}
    for (let at = 0; at < values; at++) data![at]! *= by // the tensor is there
  }
  for (const name of ['ln_1.weight', 'ln_1.bias']) scale(`transformer.h.0.${name}`, 1, factor)
  const { shape } = base.get('transformer.h.0.attn.c_attn.weight') ?? { shape: [] }
  scale('transformer.h.0.attn.c_attn.weight', shape[1] ?? NaN, 1 / factor)
  return changed
}

describe('a trial in eight bits', () => {
  const trialOf = (tensors: TensorMap) =>
    tryInt8({ program: lora({}, { weights: tensors }), task, settings: { seed: 1, learningRate: 0.01 }, threads: 1 })

  it('is as good as float32 on a base like others', async () => {
    const { loss, cosine, speed } = await trialOf(base)
    expect(loss).toBeLessThan(0.02)
    expect(cosine).toBeGreaterThan(0.98)
    expect(speed).toBeGreaterThan(0)
  })

  it('shows a base with activations far from all others', async () => {
    const { loss, cosine } = await trialOf(withOutlier(1e3))
    expect(loss > 0.02 || cosine < 0.98).toBe(true)
  })
})

describe('basePrecision: auto', () => {
  const auto = { lora: { basePrecision: 'auto' } } as const

  it('puts what was chosen into the settings and says why', async () => {
    let plan: TrainPlan | undefined
    const { settings } = await run('chosen', { settings: auto, onStart: (started) => void (plan = started) })
    const { basePrecision } = settings.lora
    expect(['fp32', 'int8']).toContain(basePrecision)
    expect(plan?.settings).toEqual(settings)
    expect(plan?.precisionReason).toMatch(/^in a trial of 4 steps|^this processor has no products in eight bits/)
    expect(plan?.engine).toMatch(basePrecision === 'int8' ? /int8/ : /^compiled \(onnxruntime-node\)$/)
  })

  it('says that other devices have no products in eight bits', async () => {
    let plan: TrainPlan | undefined
    await run('eager', { settings: { ...auto, device: 'tfjs-cpu' }, onStart: (started) => void (plan = started) })
    expect(plan?.settings.lora.basePrecision).toBe('fp32')
    expect(plan?.precisionReason).toBe('device tfjs-cpu has no products in eight bits')
  })

  it.each(['int8', 'fp32'] as const)('goes on in %s where the interrupted run was in that', async (basePrecision) => {
    const settings = { lora: { basePrecision } }
    await run(`whole-${basePrecision}`, { settings })
    await interrupt(`stopped-${basePrecision}`, 7, { settings })
    let plan: TrainPlan | undefined
    const onStart = (started: TrainPlan) => void (plan = started)
    await run(`stopped-${basePrecision}`, { settings: auto, resume: true, onStart })
    expect(plan).toMatchObject({ resumedAt: 7, precisionReason: 'as the interrupted run began' })
    const [whole, resumed] = ['whole', 'stopped'].map((name) =>
      read(`${name}-${basePrecision}`, 'adapter_model.safetensors'),
    )
    expect(resumed).toEqual(whole)
  })
})
