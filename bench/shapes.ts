/** The models whose training step is measured, with random weights: their shapes, a LoRA program, and a batch. */
import { familyNamed, parseConfig } from '../src/core/families.ts'
import { createConfig } from '../src/core/families/gpt2.ts'
import type { ModelConfig } from '../src/core/family.ts'
import { initializeBase } from '../src/core/initialize.ts'
import { linearLayers } from '../src/core/layers.ts'
import { createRandom } from '../src/core/random.ts'
import type { Feeds } from '../src/train/engine.ts'
import { type LoraTrainingOptions, loraProgram } from '../src/train/program/classifier.ts'
import type { TrainingProgram } from '../src/train/program.ts'

/** A model, and the size of its batches. */
export interface Shape {
  config(): ModelConfig
  rows: number
  length: number
}

/** The embedding is only looked up, so a small one changes no time and saves memory. */
const VOCABULARY = 1000

const tutorial = () => createConfig({ vocab_size: VOCABULARY })

const gpt2Small = () =>
  createConfig({ vocab_size: VOCABULARY, n_embd: 768, n_layer: 12, n_head: 12, n_inner: null, n_positions: 1024 })

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

export const SHAPES = {
  tutorial: { config: tutorial, rows: 8, length: 64 },
  'gpt2-small': { config: gpt2Small, rows: 8, length: 64 },
  minilm: { config: encoder, rows: 8, length: 64 },
  'minilm-32': { config: encoder, rows: 32, length: 32 },
  smollm2: { config: decoder, rows: 4, length: 64 },
} satisfies Record<string, Shape>

export type ShapeName = keyof typeof SHAPES

/** LoRA r 8 on all linear layers. */
export function createProgram(
  config: ModelConfig,
  basePrecision: LoraTrainingOptions['basePrecision'] = 'fp32',
): TrainingProgram {
  const random = createRandom(1)
  const targets = linearLayers(config).map(({ name }) => name)
  return loraProgram(
    { config, weights: initializeBase(config, random), labels: 2, weightDecay: 0.01, random },
    { rank: 8, scaling: 2, dropout: 0, targets, initialization: 'normal', basePrecision },
  )
}

/** Full texts of random tokens. */
export function createBatch({ rows, length }: Pick<Shape, 'rows' | 'length'>): Feeds {
  const random = createRandom(2)
  const [size, shape] = [rows * length, [rows, length]]
  return {
    input_ids: { data: Int32Array.from({ length: size }, () => random.integer(VOCABULARY)), shape },
    attention_mask: { data: new Int32Array(size).fill(1), shape },
    labels: { data: Int32Array.from({ length: rows }, (_, row) => row % 2), shape: [rows] },
  }
}
