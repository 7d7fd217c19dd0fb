/** Every family trains alike run and compiled, whatever the batch's shape: its gradients are those of TF.js. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { padBatch } from '../../src/core/batch.ts'
import { padToken } from '../../src/core/encoder.ts'
import { familyNamed, modelTypes, parseConfig } from '../../src/core/families.ts'
import { initializeBase } from '../../src/core/initialize.ts'
import { linearLayers } from '../../src/core/layers.ts'
import { createRandom } from '../../src/core/random.ts'
import { type Engine, type Feeds, type StepResult, tokenFeeds } from '../../src/train/engine.ts'
import { createCompiledEngine } from '../../src/train/engine/compiled.ts'
import { createEagerEngine } from '../../src/train/engine/eager.ts'
import type { TrainingProgram } from '../../src/train/program.ts'
import { fullProgram, loraProgram } from '../../src/train/program/classifier.ts'
import { optionsOf } from './engine.suite.ts'

const sizes = { width: 16, layers: 2, heads: 4, inner: 24, positions: 12, vocabulary: 40 }

/** Larger weights than a new base has, so that every part of the model matters. */
const configOf = (family: string) =>
  parseConfig({ model_type: family, pad_token_id: 3, initializer_range: 0.3, ...familyNamed(family).fieldsOf(sizes) })

type Method = 'lora' | 'full'

function programOf(family: string, method: Method): TrainingProgram {
  const config = configOf(family)
  const random = createRandom(1)
  const options = { config, weights: initializeBase(config, random), labels: 3, weightDecay: 0.01, random }
  if (method === 'full') return fullProgram(options)
  const targets = linearLayers(config).map(({ name }) => name)
  return loraProgram(options, { rank: 2, scaling: 2, dropout: 0.1, targets, initialization: 'kaiming' })
}

/** Texts of up to `length` tokens. */
function batchOf(family: string, rows: number, length: number): Feeds {
  const random = createRandom(rows * length)
  const sequences = Array.from({ length: rows }, (_, row) =>
    Array.from({ length: Math.max(1, length - row) }, () => 4 + random.integer(36)),
  )
  const labels = Int32Array.from({ length: rows }, () => random.integer(3))
  return { ...tokenFeeds(padBatch(sequences, padToken(configOf(family)))), labels: { data: labels, shape: [rows] } }
}

const cases = modelTypes.flatMap((family) => (['lora', 'full'] as const).map((method) => [family, method] as const))

describe.each(cases)('%s, %s', (family, method) => {
  let engines: Engine[]
  beforeAll(async () => {
    const options = optionsOf(programOf(family, method))
    engines = [await createEagerEngine(options), await createCompiledEngine(options, { threads: 2 })]
  })
  afterAll(() => Promise.all(engines.map((engine) => engine.dispose())))

  it('gives the same losses, gradient norms and predictions', async () => {
    const shapes = [
      [3, 6],
      [1, 1],
      [2, 12],
      [4, 2],
    ] as const
    const run = async (engine: Engine) => {
      const results: StepResult[] = []
      for (const [at, [rows, length]] of shapes.entries())
        results.push(await engine.step(batchOf(family, rows, length), { learningRate: 0.01, step: at + 1 }))
      return results.map(({ loss, gradientNorm, prediction }) => [loss, gradientNorm, ...prediction])
    }
    const [eager, compiled] = await Promise.all(engines.map(run))
    for (const [at, values] of eager!.entries())
      for (const [place, value] of values.entries()) expect(compiled![at]![place]).toBeCloseTo(value, 4)
  })
})
