/** Fewer bits: adapters trained on an int8 or NF4 base in PEFT, on the original base and on bitsandbytes' own; narrow bundles in ONNX Runtime's Python package. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { checkAdapter } from '../../../src/core/adapter/fit.ts'
import { padBatch } from '../../../src/core/batch.ts'
import { createEncoder } from '../../../src/core/encoder.ts'
import { createRandom } from '../../../src/core/random.ts'
import { assembleModel } from '../../../src/export/assemble.ts'
import { exportBundle, openBundle } from '../../../src/export/index.ts'
import { readAdapter } from '../../../src/files/adapter-folder.ts'
import type { Base } from '../../../src/files/base-folder.ts'
import { openTokenizer, readTokenizer } from '../../../src/files/tokenizer-files.ts'
import { tokenizerIdentity } from '../../../src/core/tokenizer.ts'
import { createCompiledEngine } from '../../../src/train/engine/compiled.ts'
import { tokenFeeds } from '../../../src/train/engine.ts'
import { ADAMW_DEFAULTS } from '../../../src/train/optimizer.ts'
import { loraProgram } from '../../../src/train/program/classifier.ts'
import { flatten } from '../../../src/train/program.ts'
import { stateName } from '../../../src/train/step.ts'
import { train } from '../../../src/train/train.ts'
import { LABELS, trainingSet, writeAnswers, writeFamilyBase } from './our-families.ts'
import { type Python, reportLines } from './python.ts'

const MAX_LENGTH = 64
/** bitsandbytes' kernel for CPUs wants rows of whole blocks. */
const SIZES = { width: 64, layers: 2, heads: 2, inner: 128, positions: MAX_LENGTH }

/** Some steps at a high rate, so that the adapter matters. */
async function trainOn(base: Base, basePrecision: 'int8' | 'nf4', out: string): Promise<void> {
  const dataset = await trainingSet()
  const settings = { maxSteps: 8, learningRate: 0.02, maxLength: MAX_LENGTH }
  await train({ base: base.dir, dataset, out, lora: { rank: 4, dropout: 0, basePrecision }, ...settings })
}

/** What the adapter answers on a base in NF4: the program that training runs, without dropout. */
async function onNarrowBase(
  base: Base,
  dir: string,
): Promise<{ logits(texts: readonly string[]): Promise<Float32Array[]>; close(): Promise<void> }> {
  const { config, weights, sha256 } = base
  const tokenizer = await readTokenizer(base.dir, config)
  const identity = { config, sha256, tokenizer: tokenizerIdentity(tokenizer) }
  const adapter = await checkAdapter(await readAdapter(dir), identity, dir)
  const [layer] = adapter.layers.values()
  const targets = [...adapter.layers.keys()]
  const program = loraProgram(
    { config, weights, labels: LABELS.length, weightDecay: 0, random: createRandom(1) },
    { rank: 4, scaling: layer?.scaling ?? NaN, dropout: 0, targets, initialization: 'normal', basePrecision: 'nf4' },
  )
  const tensors = new Map(adapter.head)
  for (const [name, { a, b }] of adapter.layers) tensors.set(`${name}.lora_A`, a).set(`${name}.lora_B`, b)
  const engine = await createCompiledEngine({ program, optimizer: ADAMW_DEFAULTS, seed: 1 })
  const state = await engine.state()
  for (const group of program.groups) state.set(stateName(group, 'values'), flatten(group, tensors))
  await engine.restore(state)
  const encode = createEncoder(config, await openTokenizer(tokenizer))
  return {
    async logits(texts) {
      const rows: Float32Array[] = []
      for (const text of texts)
        rows.push(await engine.evaluate(tokenFeeds(padBatch([encode(text, MAX_LENGTH).ids], 0))))
      return rows
    },
    close: () => engine.dispose(),
  }
}

export async function checkPrecision(python: Python, work: string): Promise<void> {
  mkdirSync(work)
  for (const family of ['bert', 'gpt2', 'llama']) {
    const base = await writeFamilyBase(family, join(work, family, 'base'), SIZES)
    for (const precision of ['int8', 'nf4'] as const) {
      const folder = join(work, family, 'adapters', precision)
      await trainOn(base, precision, folder)
      await writeAnswers(folder, await assembleModel(folder, { adapter: true, base: base.dir }))
    }
    const adapter = join(work, family, 'adapters', 'nf4')
    mkdirSync(join(work, family, 'narrow'))
    await writeAnswers(join(work, family, 'narrow'), await onNarrowBase(base, adapter))
    for (const precision of ['fp16', 'int8', 'int4'] as const) {
      const dir = join(work, family, 'bundles', precision)
      const calibration = [{ texts: [{ text: 'ok', label: 'ham', file: 'precision.ts', line: 1 }] }]
      const options = { base: base.dir, adapters: [{ dir: adapter }], calibration, maxAccuracyDrop: 1 }
      await exportBundle({ ...options, mode: 'merged', precision, dir })
      await writeAnswers(dir, await openBundle(dir))
    }
  }
  reportLines(python('precision.py', [work]))
}
