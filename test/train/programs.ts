/** Tiny training programs and batches for them. */
import { padBatch } from '../../src/core/batch.ts'
import { createConfig } from '../../src/core/families/gpt2.ts'
import { linearLayers } from '../../src/core/layers.ts'
import { createRandom } from '../../src/core/random.ts'
import {
  type ClassifierOptions,
  type LoraTrainingOptions,
  fullProgram,
  loraProgram,
} from '../../src/train/program/classifier.ts'
import { type Feed, type Feeds, tokenFeeds } from '../../src/train/engine.ts'
import type { TrainingProgram } from '../../src/train/program.ts'
import { config, tokens, weights } from '../model/fixtures.ts'

const PAD = 19

/** A new base's classifier, three labels; without dropout unless asked for. */
const classifier = ({ dropout = 0, weightDecay = 0.01 } = {}): ClassifierOptions => ({
  config: createConfig({ ...config, embd_pdrop: dropout, resid_pdrop: dropout }),
  weights: new Map([...weights].filter(([name]) => name !== 'score.weight')),
  labels: 3,
  weightDecay,
  random: createRandom(4),
})

interface FullOptions {
  /** Of embeddings and residuals. */
  dropout?: number
  weightDecay?: number
}

export const full = (options?: FullOptions): TrainingProgram => fullProgram(classifier(options))

export const lora = (
  options: Partial<LoraTrainingOptions> = {},
  base: Partial<ClassifierOptions> = {},
): TrainingProgram =>
  loraProgram(
    { ...classifier(), ...base },
    {
      rank: 2,
      scaling: 2,
      dropout: 0,
      targets: linearLayers(config).map(({ name }) => name),
      initialization: 'kaiming', // larger than the default: ΔW matters after a few steps
      ...options,
    },
  )

/** A batch of `rows` random texts of up to `length` tokens; the first is of that length. */
export function createBatch(rows: number, length: number, seed: number): Feeds & { labels: Feed } {
  const random = createRandom(seed)
  const sequences = Array.from({ length: rows }, (_, row) =>
    tokens(row === 0 ? length : 1 + random.integer(length), seed + 1000 * row),
  )
  const labels = Int32Array.from(sequences, () => random.integer(3))
  return { ...tokenFeeds(padBatch(sequences, PAD)), labels: { data: labels, shape: [rows] } }
}

/** A text to classify. */
export const probe: Feeds = tokenFeeds(padBatch([tokens(5), tokens(3)], PAD))
