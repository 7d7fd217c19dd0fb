/** A small base and adapters for it on disk: with GPT-2's vocabulary, since bundles encode real texts. */
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Adapter } from '../../src/core/adapter.ts'
import { createConfig } from '../../src/core/families/gpt2.ts'
import { createRandom } from '../../src/core/random.ts'
import { type TaskSpec, taskFields } from '../../src/core/task.ts'
import type { TensorData, TensorMap } from '../../src/core/tensors.ts'
import { writeAdapter } from '../../src/files/adapter-folder.ts'
import { readBase, writeBase } from '../../src/files/base-folder.ts'
import { initializeBase } from '../../src/core/initialize.ts'
import { randomAdapter } from '../fixtures/adapter.ts'

/** No two sizes that could be mixed up are equal. */
export const config = createConfig({
  n_positions: 40,
  n_embd: 16,
  n_layer: 2,
  n_head: 2,
  n_inner: 24,
  initializer_range: 0.3,
})

export const weights: TensorMap = initializeBase(config, createRandom(1))

/** Biases and scales start at 0 and 1: a graph that left them out would not be noticed. */
for (const [name, tensor] of weights) {
  const random = createRandom(2).fork(name)
  if (tensor.shape.length === 1) tensor.data = tensor.data.map((value) => value + 0.3 * random.normal())
}

const scaled = ({ shape, data }: TensorData, factor: number) => ({ shape, data: data.map((value) => factor * value) })

type AdapterOptions = Parameters<typeof randomAdapter>[0] & { maxLength?: number }

/** An adapter of the base that changes its logits a good deal, but leaves them of ordinary size. */
export function createAdapter({ maxLength = 32, ...options }: AdapterOptions): Adapter {
  const adapter = randomAdapter({ config, ...options })
  for (const [name, { a, b, scaling }] of adapter.layers)
    adapter.layers.set(name, { a: scaled(a, 0.2), b: scaled(b, 0.2), scaling })
  return { ...adapter, info: { ...adapter.info, maxLength } }
}

/** Writes adapters that give several labels and a number, beside those of the fixture. */
export async function writeTaskAdapters({ dir, base }: Fixture): Promise<{ several: string; number: string }> {
  const { sha256: baseSha256 } = await readBase(base)
  const write = async (name: string, seed: number, labels: string[], task: Omit<TaskSpec, 'labels'>) => {
    const adapter = createAdapter({ base, baseSha256, seed, rank: 2, labels })
    await writeAdapter(join(dir, name), { ...adapter, info: { ...adapter.info, ...taskFields(task) } })
    return join(dir, name)
  }
  const thresholds = [0, 2, 0] // always, never, always
  return {
    several: await write('several', 9, ['anger', 'fear', 'joy'], {
      problemType: 'multi_label_classification',
      thresholds,
    }),
    number: await write('number', 10, ['stars'], { problemType: 'regression' }),
  }
}

export interface Fixture {
  /** A new folder for the test's files. */
  dir: string
  base: string
  /** Folders of adapters of different ranks, targets, scalings, lengths and numbers of labels. */
  adapters: { spam: string; topic: string; mood: string }
}

/** Writes base and adapters into a new folder. */
export async function writeFixture(): Promise<Fixture> {
  const dir = await mkdtemp(join(tmpdir(), 'graft-export-'))
  const base = join(dir, 'base')
  await writeBase(base, { config, weights }, {})
  const { sha256: baseSha256 } = await readBase(base)
  const common = { baseSha256, base }
  const adapters = {
    spam: createAdapter({ ...common, seed: 3, rank: 2 }),
    topic: createAdapter({
      ...common,
      seed: 4,
      rank: 5,
      alpha: 3,
      scaling: 'rslora',
      targetModules: ['c_attn'],
      labels: ['World', 'Sports', 'Business', 'Sci/Tech'],
      maxLength: 12,
    }),
    mood: createAdapter({
      ...common,
      seed: 5,
      rank: 1,
      alpha: 1,
      scaling: 'alpha',
      targetModules: String.raw`.*\.1\.mlp\.c_\w+`,
      labels: ['2', '1', '0'],
    }),
  }
  const dirOf = (name: string) => join(dir, name)
  for (const [name, adapter] of Object.entries(adapters)) await writeAdapter(dirOf(name), adapter)
  return { dir, base, adapters: { spam: dirOf('spam'), topic: dirOf('topic'), mood: dirOf('mood') } }
}

/** The largest difference between numbers in the same place; infinite for lists of different lengths. */
export const largestDifference = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  a.length === b.length ? Math.max(...Array.from(a, (value, at) => Math.abs(value - b[at]!))) : Infinity
