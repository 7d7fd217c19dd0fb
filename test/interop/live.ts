/**
 * Both directions with the real libraries: they write and Graft reads, then Graft writes and they read.
 *
 *     npm run test:interop -- --python PATH [--update]
 *
 * Without --python the `python3` of the PATH is used. --update writes the golden files anew.
 */
import { spawnSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import ranks from 'js-tiktoken/ranks/gpt2'
import { parsePeftAdapter, serializeAdapter } from '../../src/core/adapter.ts'
import { loraDelta } from '../../src/core/lora.ts'
import { serializeSafetensors } from '../../src/core/safetensors.ts'
import { createGpt2Tokenizer } from '../../src/core/tokenizer/gpt2.ts'
import { exportBundle, openBundle } from '../../src/export/index.ts'
import { writeAdapter } from '../../src/files/adapter-folder.ts'
import { readBase, writeBase } from '../../src/files/base-folder.ts'
import { sha256 } from '../../src/files/hash.ts'
import { importModel } from '../../src/files/import.ts'
import { createBase } from '../../src/train/base.ts'
import { randomAdapter } from '../fixtures/adapter.ts'
import { hasSharedData, sharedData } from '../shared-data.ts'
import { adapterDifferences, baseDifference, goldenBatches, logitsOfAdapter, readJsonFile } from './compare.ts'
import { golden, goldenBase, ourAdapters } from './ours.ts'
import { realDifference, realTexts } from './real.ts'
import { sharedTexts } from './texts.ts'
import { checkTokenizers, tokenizerFolders, trainTokenizers } from './tokenizers.ts'

const { values } = parseArgs({
  options: { python: { type: 'string', default: 'python3' }, update: { type: 'boolean', default: false } },
})
const script = fileURLToPath(new URL('./interop.py', import.meta.url))
const realScript = fileURLToPath(new URL('./real.py', import.meta.url))
const RANDOM_TEXTS = 20_000
const TOLERANCE = 1e-4

const howToInstall =
  'In a virtual environment run `pip install -r test/interop/requirements.txt`, then ' +
  '`npm run test:interop -- --python PATH/bin/python`.'

/** Runs a script; its output is returned, what it says on stderr is shown where it fails. */
const pythonOf =
  (file: string) =>
  (...args: string[]): string => {
    const { status, stdout, stderr, error } = spawnSync(values.python, [file, ...args], {
      encoding: 'utf8',
      maxBuffer: 2 ** 30,
    })
    if (status === 0) return stdout
    console.error(error?.message ?? stderr)
    if (args[0] === 'versions') console.error(`\n${values.python} lacks the libraries. ${howToInstall}`)
    process.exit(1)
  }

const python = pythonOf(script)

interface Result {
  name: string
  ok: boolean
  detail: string
}

const results: Result[] = []

function report(result: Result): void {
  results.push(result)
  console.log(`${result.ok ? 'ok    ' : 'FAILED'}  ${result.name}: ${result.detail}`)
}

const differs = (name: string, difference: number) =>
  report({ name, ok: difference < TOLERANCE, detail: `max difference ${difference.toExponential(1)}` })

/** The libraries write, Graft reads. */
async function readTheirs(folder: string, work: string): Promise<void> {
  for (const name of readdirSync(join(folder, 'bases')).filter((each) => each !== 'language-model')) {
    differs(
      `transformers' ${name} in Graft`,
      await baseDifference(join(folder, 'bases', name), join(work, `base-${name}`)),
    )
  }
  const base = join(work, 'base')
  await importModel(join(folder, 'adapters-base'), { out: base })
  for (const name of readdirSync(join(folder, 'adapters'))) {
    const { merged, unmerged } = await adapterDifferences(join(folder, 'adapters', name), base, join(work, name))
    differs(`PEFT's ${name} in Graft, merged`, merged)
    if (unmerged !== undefined) differs(`PEFT's ${name} in Graft, unmerged`, unmerged)
  }
}

/** Models with real weights, where `npm run models:fetch` put them. */
async function readReal(work: string): Promise<void> {
  const models = fileURLToPath(new URL('../../models/hf', import.meta.url))
  if (!existsSync(models)) return console.log('        no real weights: `npm run models:fetch` gets them')
  writeFileSync(join(work, 'texts.json'), JSON.stringify(realTexts()))
  for (const name of readdirSync(models)) {
    const [source, folder] = [join(models, name), join(work, `real-${name}`)]
    pythonOf(realScript)(source, join(work, 'texts.json'), folder)
    const { texts, otherIds, difference, largest } = await realDifference(source, folder, join(work, name))
    report({
      name: `${name} with a random head in Graft`,
      ok: otherIds === 0 && difference < TOLERANCE * Math.min(1, largest),
      detail: `${texts} texts, ${otherIds} with other ids, max difference ${difference.toExponential(1)} of ${largest.toFixed(2)}`,
    })
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

const TEXTS = [
  'ok',
  'Free entry in 2 a wkly comp to win FA Cup tickets!',
  'Grüße aus 東京 🎉',
  'see you at six',
  ' ',
  'a b c '.repeat(40),
]

/** Graft writes a base with GPT-2's vocabulary, and bundles of it. */
async function writeBundles(out: string): Promise<string> {
  const folder = join(out, 'vocabulary')
  await writeBase(folder, createBase({ n_embd: 16, n_layer: 2, n_head: 2, n_inner: 32, n_positions: 64 }, 1))
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

function writeTokens(out: string, tokenizerFolder: string): void {
  const folder = join(out, 'tokenizer')
  mkdirSync(folder)
  for (const file of ['vocab.json', 'merges.txt', 'tokenizer.json', 'tokenizer_config.json'])
    copyFileSync(join(tokenizerFolder, file), join(folder, file))
  const random = python('texts', String(RANDOM_TEXTS))
    .trim()
    .split('\n')
    .map((line): string => JSON.parse(line))
  const shared = hasSharedData ? sharedTexts() : []
  console.log(`        token ids of ${random.length} random texts and of ${shared.length} of the shared data`)
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

interface Checked extends Result {
  adapter?: string
  logits?: number[][][]
}

/** PEFT's logits of our adapters, for the tests that run without Python. */
async function updateOurs(checked: readonly Checked[]): Promise<void> {
  const adapters = ourAdapters(await goldenBase())
  const ours = checked.flatMap(({ adapter: name, logits }) => {
    const adapter = name === undefined ? undefined : adapters.get(name)
    return adapter ? [[name, { sha256: sha256(serializeAdapter(adapter)['adapter_model.safetensors']), logits }]] : []
  })
  writeFileSync(join(golden, 'ours.json'), `${JSON.stringify(Object.fromEntries(ours))}\n`)
}

async function main(): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), 'graft-interop-'))
  try {
    console.log(
      Object.entries(JSON.parse(python('versions')))
        .map((each) => each.join(' '))
        .join(', '),
    )
    const theirs = values.update ? golden : join(work, 'theirs')
    if (values.update) rmSync(golden, { recursive: true, force: true })
    python('golden', theirs)
    if (values.update) trainTokenizers(values.python, join(golden, 'tokenizers'))
    await readTheirs(theirs, work)
    await readReal(work)
    const out = join(work, 'ours')
    await writeAdapters(out)
    writeTokens(out, await writeBundles(out))
    if (hasSharedData) await writeDeltas(out)
    const shared = hasSharedData && existsSync(sharedData('hf-gpt2-tokenizer')) ? [sharedData('.')] : []
    const checked = python('check', out, ...shared)
      .trim()
      .split('\n')
      .map((line): Checked => JSON.parse(line))
    checked.forEach(report)
    const folders = tokenizerFolders(golden)
    for await (const result of checkTokenizers(values.python, folders, join(work, 'tokenizers'))) report(result)
    if (!values.update) return
    await updateOurs(checked)
    python('losses', fileURLToPath(new URL('../../models/gpt-mini', import.meta.url)), join(golden, 'gpt-mini.json'))
    python('tokens', join(out, 'tokenizer', 'tokenizer.json'), join(golden, 'tokens.json'))
    if (hasSharedData) python('deltas', sharedData('peft-gpt2-lora-causal'), join(golden, 'causal-deltas.json'))
  } finally {
    rmSync(work, { recursive: true, force: true })
    const failed = results.filter(({ ok }) => !ok).length
    console.log(`\n${results.length - failed} passed, ${failed} failed`)
    if (failed > 0) process.exitCode = 1
  }
}

await main()
