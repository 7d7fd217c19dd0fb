/** A tiny base and a data set on disk that a tiny model can learn. */
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createConfig } from '../../src/core/families/gpt2.ts'
import { createRandom } from '../../src/core/random.ts'
import { writeBase } from '../../src/files/base-folder.ts'
import { initializeBase } from '../../src/core/initialize.ts'
import { type LabelledExample, prepareDataset, writeDataset } from '../../src/train/dataset.ts'

/** With GPT-2's vocabulary, since training encodes real texts. */
const config = createConfig({
  n_positions: 16,
  n_embd: 8,
  n_layer: 2,
  n_head: 2,
  n_inner: 12,
  initializer_range: 0.3,
})

const words = {
  fruit: ['apple', 'pear', 'plum', 'fig', 'grape', 'melon'],
  tool: ['hammer', 'saw', 'drill', 'file', 'plane', 'wrench'],
}

/** Lists of one to five words of a kind, no two alike. */
function examples(count: number): LabelledExample[] {
  const random = createRandom(1)
  const texts = new Map<string, string>()
  while (texts.size < count) {
    const label = texts.size % 2 ? 'tool' : 'fruit'
    const length = 1 + random.integer(5)
    const chosen = Array.from({ length }, () => words[label][random.integer(6)])
    texts.set(chosen.join(' '), label)
  }
  return [...texts].map(([text, label], at) => ({ text, label, file: 'words.csv', line: at + 2 }))
}

export interface Fixture {
  /** A new folder for the test's files. */
  dir: string
  base: string
  /** 40 texts to train on, 10 to validate, 10 to test. */
  data: string
}

/** Writes base and data set into a new folder. */
export async function writeFixture(): Promise<Fixture> {
  const dir = await mkdtemp(join(tmpdir(), 'graft-train-'))
  const [base, data] = [join(dir, 'base'), join(dir, 'data')]
  await writeBase(base, { config, weights: initializeBase(config, createRandom(1)) })
  await writeDataset(data, await prepareDataset(examples(60), { split: [4 / 6, 1 / 6, 1 / 6] }))
  return { dir, base, data }
}
