/** What Graft writes of a family for others to read: a base, adapters of every kind, a model trained whole, and merged bundles of them. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Adapter } from '../../../src/core/adapter.ts'
import { modelOf, parseConfig } from '../../../src/core/families.ts'
import type { ModelConfig } from '../../../src/core/family.ts'
import { adaptableLayers, linearLayers } from '../../../src/core/layers.ts'
import { createRandom } from '../../../src/core/random.ts'
import type { TensorMap } from '../../../src/core/tensors.ts'
import { assembleModel } from '../../../src/export/assemble.ts'
import { exportBundle, openBundle } from '../../../src/export/index.ts'
import { writeAdapter } from '../../../src/files/adapter-folder.ts'
import { type Base, readBase, writeBase } from '../../../src/files/base-folder.ts'
import { openTokenizer, readTokenizer } from '../../../src/files/tokenizer-files.ts'
import { createBase } from '../../../src/train/base.ts'
import { type StoredDataset, prepareDataset } from '../../../src/train/dataset.ts'
import { train } from '../../../src/train/train.ts'
import { randomAdapter } from '../../fixtures/adapter.ts'
import { readJsonFile } from '../compare.ts'
import { golden, shrink, withPatterns } from '../ours.ts'
import { TEXTS } from '../texts.ts'

/** The golden tokenizer that a family's models have; others have Llama 3's. */
const TOKENIZERS: Readonly<Record<string, string>> = {
  gpt2: 'smollm2',
  bert: 'bert-uncased',
  distilbert: 'bert-cased',
  roberta: 'roberta',
  'xlm-roberta': 'xlm-roberta',
  mistral: 'llama-2',
  qwen2: 'qwen2',
  qwen3: 'qwen2',
}

const PAD_TOKENS = ['[PAD]', '<pad>', '<|endoftext|>', '<unk>']
const SIZES = { width: 16, layers: 2, heads: 2, inner: 24, positions: 64 }
export const LABELS = ['ham', 'other', 'spam']

interface TokenizerJson {
  added_tokens: { id: number; content: string }[]
}

function padIdOf(folder: string): number | undefined {
  const { added_tokens: added } = readJsonFile<TokenizerJson>(join(folder, 'tokenizer.json'))
  const name = PAD_TOKENS.find((token) => added.some(({ content }) => content === token))
  return added.find(({ content }) => content === name)?.id
}

/** Larger than a fresh model's weights, so that every tensor matters; those that scale a normalization are about 1. */
function enlarged(config: ModelConfig, weights: TensorMap): TensorMap {
  const isScale = new Map(modelOf(config).parameters.map(({ name, start }) => [name, start === 'ones']))
  return new Map(
    [...weights].map(([name, { shape, data }]) => {
      const random = createRandom(2).fork(name)
      return [name, { shape, data: data.map(() => (isScale.get(name) ? 1 : 0) + 0.3 * random.normal()) }]
    }),
  )
}

export async function writeFamilyBase(family: string, out: string, sizes = SIZES): Promise<Base> {
  const folder = join(golden, 'tokenizers', TOKENIZERS[family] ?? 'llama-3')
  const tokenizer = await readTokenizer(folder)
  const vocabulary = (await openTokenizer(tokenizer)).vocabularySize
  const created = createBase({ family, ...sizes, vocabulary }, 1)
  const config = parseConfig({ ...created.config, pad_token_id: padIdOf(folder) })
  await writeBase(out, { config, weights: enlarged(config, created.weights) }, { tokenizer })
  return readBase(out)
}

/** All linear layers, with another rank and scale for some of them, with the rank's root, and with the token embedding. */
function adaptersOf({ config, sha256: baseSha256, dir: base }: Base): Record<string, Adapter> {
  const last = (name = '') => name.slice(name.lastIndexOf('.') + 1)
  const linear = linearLayers(config).map(({ name }) => last(name))
  const [first = '', , second = ''] = linear
  const embedding = last(adaptableLayers(config).find(({ kind }) => kind === 'embedding')?.name)
  const common = { config, baseSha256, base, labels: LABELS }
  const made = {
    'all-linear': randomAdapter({ ...common, seed: 1, rank: 3 }),
    patterns: withPatterns(randomAdapter({ ...common, seed: 2, rank: 4 }), { [first]: 2 }, { [second]: 1.5 }),
    rslora: randomAdapter({ ...common, seed: 3, rank: 8, scaling: 'rslora', targetModules: [first, second] }),
    embedding: randomAdapter({ ...common, seed: 4, rank: 2, targetModules: [embedding, first] }),
  }
  for (const adapter of Object.values(made)) shrink(adapter).info.maxLength = SIZES.positions
  return made
}

/** Thirty texts with labels, to train on for some steps. */
export async function trainingSet(): Promise<StoredDataset> {
  const rows = Array.from({ length: 30 }, (_, at) => ({
    text: `${TEXTS[at % 3]} ${at}`,
    label: LABELS[at % 3] ?? '',
    file: 'rows.csv',
    line: at + 2,
  }))
  return { ...(await prepareDataset(rows, {})), sha256: 'd'.repeat(64) }
}

/** Trained whole, for some steps: what is asked is how it is written. */
async function trainWhole(base: string, out: string): Promise<void> {
  const dataset = await trainingSet()
  await train({ base, dataset, out, method: 'full', maxSteps: 6, learningRate: 0.05, maxLength: SIZES.positions })
}

interface Answering {
  logits(texts: readonly string[]): Promise<Float32Array[]>
  close(): Promise<void>
}

/** Writes the logits that Graft gives for texts, beside what gives them. */
export async function writeAnswers(dir: string, model: Answering, texts: readonly string[] = TEXTS): Promise<void> {
  const logits = await model.logits(texts)
  await model.close()
  const rows = texts.map((text, at) => ({ text, logits: [...(logits[at] ?? [])] }))
  writeFileSync(join(dir, 'texts.json'), JSON.stringify(rows))
}

/** Writes all of it: `base`, `adapters/NAME`, `whole`, `bundles/NAME`, the last three with `texts.json`. */
export async function writeFamily(family: string, out: string): Promise<void> {
  mkdirSync(join(out, 'adapters'), { recursive: true })
  mkdirSync(join(out, 'bundles'))
  const dir = join(out, 'base')
  const base = await writeFamilyBase(family, dir)
  const bundle = async (name: string, from: { base: string; adapters?: { dir: string }[] }) => {
    await exportBundle({ ...from, mode: 'merged', dir: join(out, 'bundles', name) })
    await writeAnswers(join(out, 'bundles', name), await openBundle(join(out, 'bundles', name)))
  }
  for (const [name, adapter] of Object.entries(adaptersOf(base))) {
    const folder = join(out, 'adapters', name)
    await writeAdapter(folder, adapter)
    await writeAnswers(folder, await assembleModel(folder, { adapter: true, base: dir }))
  }
  await bundle('adapted', { base: dir, adapters: [{ dir: join(out, 'adapters', 'embedding') }] })
  const whole = join(out, 'whole')
  await trainWhole(dir, whole)
  await writeAnswers(whole, await assembleModel(whole, {}))
  await bundle('whole', { base: whole })
}

/** Writes a merged bundle of a base with real weights and an adapter with random ones, with the answers to texts. */
export async function writeRealBundle(dir: string, work: string, out: string, texts: readonly string[]): Promise<void> {
  const base = await readBase(dir)
  const { config, sha256: baseSha256 } = base
  const adapter = shrink(randomAdapter({ config, baseSha256, base: dir, labels: LABELS, rank: 4, alpha: 0.5 }))
  adapter.info.maxLength = modelOf(config).sizes.positions
  await writeAdapter(work, adapter)
  await exportBundle({ base: dir, adapters: [{ dir: work }], mode: 'merged', dir: out })
  await writeAnswers(out, await openBundle(out), texts)
}
