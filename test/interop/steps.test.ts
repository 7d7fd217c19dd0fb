/** Twenty steps of training give PEFT's losses, from the same adapter on the same batches (steps.py). */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { padBatch } from '../../src/core/batch.ts'
import { createRandom } from '../../src/core/random.ts'
import { readPeftAdapter } from '../../src/files/adapter-folder.ts'
import { readBase } from '../../src/files/base-folder.ts'
import { createCompiledEngine } from '../../src/train/engine/compiled.ts'
import { tokenFeeds } from '../../src/train/engine.ts'
import { ADAMW_DEFAULTS } from '../../src/train/optimizer.ts'
import { loraProgram } from '../../src/train/program/classifier.ts'
import { flatten } from '../../src/train/program.ts'
import { stateName } from '../../src/train/step.ts'
import { golden } from './ours.ts'

interface Golden {
  adapter: string
  settings: Record<'learningRate' | 'loraPlusRatio' | 'weightDecay' | 'beta2' | 'maxGradientNorm', number>
  batches: { ids: number[][]; labels: number[] }[]
  losses: Record<'adamw' | 'lora+', number[]>
}

const {
  adapter: name,
  settings,
  batches,
  losses,
} = JSON.parse(readFileSync(join(golden, 'steps.json'), 'utf8')) as Golden

async function lossesWith(loraPlusRatio: number): Promise<number[]> {
  const { config, weights } = await readBase(join(golden, 'adapters-base'))
  const adapter = await readPeftAdapter(join(golden, 'adapters', name))
  const [layer] = adapter.layers.values()
  const tensors = new Map(adapter.head)
  for (const [target, { a, b }] of adapter.layers) tensors.set(`${target}.lora_A`, a).set(`${target}.lora_B`, b)
  const rank = layer?.a.shape[1] ?? NaN
  const targets = [...adapter.layers.keys()]
  const { weightDecay, beta2, maxGradientNorm, learningRate } = settings
  const program = loraProgram(
    { config, weights, labels: 7, weightDecay, random: createRandom(1) },
    { rank, scaling: layer?.scaling ?? NaN, dropout: 0, targets, initialization: 'normal', loraPlusRatio },
  )
  const optimizer = { ...ADAMW_DEFAULTS, beta2, maxGradientNorm }
  const engine = await createCompiledEngine({ program, optimizer, seed: 1 }, { threads: 1 })
  const state = await engine.state()
  for (const group of program.groups) state.set(stateName(group, 'values'), flatten(group, tensors))
  await engine.restore(state)
  const found: number[] = []
  for (const [at, { ids, labels }] of batches.entries()) {
    const feeds = {
      ...tokenFeeds(padBatch(ids, 100)),
      labels: { data: Int32Array.from(labels), shape: [labels.length] },
    }
    found.push((await engine.step(feeds, { learningRate, step: at + 1 })).loss)
  }
  await engine.dispose()
  return found
}

describe.each([
  ['adamw', 1],
  ['lora+', settings.loraPlusRatio],
] as const)('training by %s', (method, ratio) => {
  it("has PEFT's losses for 20 steps", async () => {
    const expected = losses[method]
    expect(expected).toHaveLength(20)
    const found = await lossesWith(ratio)
    expect(found).toEqual(expected.map((loss) => expect.closeTo(loss, 4)))
  })
})

it('the methods differ by more than that', () => {
  const differences = losses.adamw.map((loss, at) => Math.abs(loss - (losses['lora+'][at] ?? NaN)))
  expect(Math.max(...differences)).toBeGreaterThan(0.01)
})
