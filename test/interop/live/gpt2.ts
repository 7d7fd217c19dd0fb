/** GPT-2, with its own vocabulary: models and adapters of every kind, bundles, token ids and a published adapter's ΔW. */
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import ranks from 'js-tiktoken/ranks/gpt2'
import { parsePeftAdapter, serializeAdapter } from '../../../src/core/adapter.ts'
import { loraDelta } from '../../../src/core/lora.ts'
import { serializeSafetensors } from '../../../src/core/safetensors.ts'
import { createGpt2Tokenizer } from '../../../src/core/tokenizer/gpt2.ts'
import { exportBundle, openBundle } from '../../../src/export/index.ts'
import { writeAdapter } from '../../../src/files/adapter-folder.ts'
import { readBase, writeBase } from '../../../src/files/base-folder.ts'
import { sha256 } from '../../../src/files/hash.ts'
import { importModel } from '../../../src/files/import.ts'
import { createBase } from '../../../src/train/base.ts'
import { randomAdapter } from '../../fixtures/adapter.ts'
import { hasSharedData, sharedData } from '../../shared-data.ts'
import { adapterDifferences, baseDifference, goldenBatches, logitsOfAdapter, readJsonFile } from '../compare.ts'
import { golden, goldenBase, ourAdapters } from '../ours.ts'
import { TEXTS, sharedTexts } from '../texts.ts'
import { type Python, parseLines, reportLines } from './python.ts'
import { type Result, note, reportDifference } from './report.ts'

const RANDOM_TEXTS = 20_000

/** The libraries write, Graft reads. */
export async function readTheirs(folder: string, work: string): Promise<void> {
  for (const name of readdirSync(join(folder, 'bases')).filter((each) => each !== 'language-model')) {
    reportDifference(
      `transformers' ${name} in Graft`,
      await baseDifference(join(folder, 'bases', name), join(work, `base-${name}`)),
    )
  }
  const base = join(work, 'base')
  await importModel(join(folder, 'adapters-base'), { out: base })
  for (const name of readdirSync(join(folder, 'adapters'))) {
    const { merged, unmerged } = await adapterDifferences(join(folder, 'adapters', name), base, join(work, name))
    reportDifference(`PEFT's ${name} in Graft, merged`, merged)
    if (unmerged !== undefined) reportDifference(`PEFT's ${name} in Graft, unmerged`, unmerged)
  }
}

/** Graft writes adapters and their logits. */
async function writeAdapters(out: string): Promise<void> {
  const base = await goldenBase()
  // A base as Graft writes it, and a classifier on it.
  const { config, weights } = base
  await writeBase(join(out, 'adapters-base'), {
    config,
    weights: new Map([...weights].filter(([name]) => name !== 'score.weight')),
  })
  await importModel(join(golden, 'bases', 'seven-labels-sharded'), { out: join(out, 'bases', 'seven-labels') })
  copyFileSync(
    join(golden, 'bases', 'seven-labels-sharded', 'golden.json'),
    join(out, 'bases', 'seven-labels', 'golden.json'),
  )
  const batches = goldenBatches(join(golden, 'adapters', 'rank-1'))
  for (const [name, adapter] of ourAdapters(base)) {
    const folder = join(out, 'adapters', name)
    await writeAdapter(folder, adapter)
    writeFileSync(join(folder, 'golden.json'), JSON.stringify(await logitsOfAdapter(base, adapter, batches)))
  }
}

const labels = ['ham', 'spam', 'other']

/** Graft writes a base with GPT-2's vocabulary, and bundles of it. */
async function writeBundles(out: string): Promise<string> {
  const folder = join(out, 'vocabulary')
  await writeBase(folder, createBase({ width: 16, layers: 2, heads: 2, inner: 32, positions: 64 }, 1))
  const base = await readBase(folder)
  const adapter = randomAdapter({ config: base.config, labels, baseSha256: base.sha256, rank: 2 })
  await writeAdapter(join(out, 'vocabulary-adapter'), { ...adapter, info: { ...adapter.info, maxLength: 64 } })
  // The second with its weights beside the graph, as large models have them.
  for (const [name, externalFrom] of [['merged', undefined] as const, ['weights-beside', 1] as const]) {
    const dir = join(out, 'bundles', name)
    const adapters = [{ dir: join(out, 'vocabulary-adapter') }]
    await exportBundle({ base: folder, adapters, mode: 'merged', dir, externalFrom })
    const classifier = await openBundle(dir)
    const logits = await classifier.logits(TEXTS)
    await classifier.close()
    const golden = TEXTS.map((text, at) => ({ text, logits: [...(logits[at] ?? [])] }))
    writeFileSync(join(dir, 'texts.json'), JSON.stringify(golden))
  }
  return folder
}

function writeTokens(python: Python, out: string, tokenizerFolder: string): void {
  const folder = join(out, 'tokenizer')
  mkdirSync(folder)
  for (const file of ['vocab.json', 'merges.txt', 'tokenizer.json', 'tokenizer_config.json'])
    copyFileSync(join(tokenizerFolder, file), join(folder, file))
  const random = parseLines<string>(python('interop.py', ['texts', String(RANDOM_TEXTS)]))
  const shared = hasSharedData ? sharedTexts() : []
  note(`token ids of ${random.length} random texts and of ${shared.length} of the shared data`)
  const { encode } = createGpt2Tokenizer(ranks)
  const lines = [...random, ...shared].map((text) => `${JSON.stringify({ text, ids: encode(text).ids })}\n`)
  writeFileSync(join(folder, 'tokens.jsonl'), lines.join(''))
}

async function writeDeltas(out: string): Promise<void> {
  const source = sharedData('peft-gpt2-lora-causal')
  const { layers } = await parsePeftAdapter(
    {
      'adapter_config.json': readJsonFile(join(source, 'adapter_config.json')),
      'adapter_model.safetensors': readFileSync(join(source, 'adapter_model.safetensors')),
    },
    source,
  )
  mkdirSync(join(out, 'causal'))
  const deltas = new Map([...layers].map(([name, layer]) => [name, loraDelta(layer)]))
  writeFileSync(join(out, 'causal', 'deltas.safetensors'), serializeSafetensors(deltas))
  writeFileSync(join(out, 'causal', 'source.json'), JSON.stringify({ adapter: source }))
}

export interface Checked extends Result {
  adapter?: string
  logits?: number[][][]
}

/** Graft writes all of it, and the libraries read it. */
export async function checkOurs(python: Python, out: string): Promise<Checked[]> {
  await writeAdapters(out)
  writeTokens(python, out, await writeBundles(out))
  if (hasSharedData) await writeDeltas(out)
  const shared = hasSharedData && existsSync(sharedData('hf-gpt2-tokenizer')) ? [sharedData('.')] : []
  return reportLines<Checked>(python('interop.py', ['check', out, ...shared]))
}

/** PEFT's logits of our adapters, for the tests that run without Python. */
export async function updateOurs(checked: readonly Checked[]): Promise<void> {
  const adapters = ourAdapters(await goldenBase())
  const ours = checked.flatMap(({ adapter: name, logits }) => {
    const adapter = name === undefined ? undefined : adapters.get(name)
    return adapter ? [[name, { sha256: sha256(serializeAdapter(adapter)['adapter_model.safetensors']), logits }]] : []
  })
  writeFileSync(join(golden, 'ours.json'), `${JSON.stringify(Object.fromEntries(ours))}\n`)
}
