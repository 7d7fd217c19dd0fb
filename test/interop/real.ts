/** Real weights: an imported model with a random head gives the token ids and the logits that transformers gives, batch by batch. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createEncoder } from '../../src/core/encoder.ts'
import { classifierConfig } from '../../src/core/labels.ts'
import { parseSafetensors } from '../../src/core/safetensors.ts'
import { traceMerged } from '../../src/export/graph.ts'
import { readBase } from '../../src/files/base-folder.ts'
import { importModel } from '../../src/files/import.ts'
import { openTokenizer, readTokenizer } from '../../src/files/tokenizer-files.ts'
import { toOnnx } from '../../src/onnx/index.ts'
import { openSession } from '../../src/runtime/session.ts'
import { type GoldenBatch, largestDifference, readJsonFile } from './compare.ts'

interface RealBatch extends GoldenBatch {
  texts: string[]
}

/** Of all of `real.py`'s batches. */
export interface RealDifference {
  texts: number
  /** Texts whose token ids differ. */
  otherIds: number
  /** The largest difference of a logit, and the largest logit. */
  difference: number
  largest: number
}

/** As in `real.py`. */
const LENGTH = 128

/** Texts of 1 to some hundred tokens: lines of the data sets that the project has, some of them joined. */
export function realTexts(count = 208): string[] {
  const read = (name: string) =>
    readFileSync(fileURLToPath(new URL(`../../examples/data/${name}.csv`, import.meta.url)), 'utf8').split('\n')
  const lines = ['intent', 'sentiment', 'spam'].flatMap(read).filter((line) => line !== '')
  return Array.from({ length: count }, (_, at) => {
    const joined = at % 8 === 0 ? 12 : 1 + (at % 3)
    const text = Array.from({ length: joined }, (__, next) => lines[(31 * at + next) % lines.length]).join(' ')
    return at % 13 === 0 ? text.slice(0, 3) : text
  })
}

/**
 * @param source a model's folder
 * @param folder what `real.py` wrote of it
 * @param out a folder for the base that it is imported as
 */
export async function realDifference(source: string, folder: string, out: string): Promise<RealDifference> {
  await importModel(source, { out })
  const base = await readBase(out)
  const { tensors } = parseSafetensors(readFileSync(join(folder, 'head.safetensors')), folder)
  const batches = readJsonFile<RealBatch[]>(join(folder, 'batches.json'))
  const labels = Array.from({ length: batches[0]?.logits[0]?.length ?? 0 }, (_, id) => `L${id}`)
  const encode = createEncoder(base.config, await openTokenizer(await readTokenizer(out, base.config)))
  const graph = await traceMerged(classifierConfig(base.config, { labels }), new Map([...base.weights, ...tensors]))
  const session = await openSession(toOnnx(graph))
  const difference = await largestDifference(session, batches)
  await session.close()
  const texts = batches.flatMap((batch) => batch.texts.map((text, row) => ({ text, ids: tokensOf(batch, row) })))
  return {
    texts: texts.length,
    otherIds: texts.filter(({ text, ids }) => String(encode(text, LENGTH).ids) !== String(ids)).length,
    difference,
    largest: Math.max(...batches.flatMap(({ logits }) => logits.flat()).map(Math.abs)),
  }
}

const tokensOf = ({ input_ids, attention_mask }: RealBatch, row: number) =>
  input_ids[row]?.filter((_, at) => attention_mask[row]?.[at] === 1)
