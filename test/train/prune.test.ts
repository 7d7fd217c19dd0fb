/** Smaller bases: what is left gives the numbers that it gave before. */
import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as tf from '@tensorflow/tfjs'
import { afterAll, describe, expect, it } from 'vitest'
import { padBatch } from '../../src/core/batch.ts'
import { createEncoder } from '../../src/core/encoder.ts'
import { modelOf, parseConfig } from '../../src/core/families.ts'
import { readBase, writeBase } from '../../src/files/base-folder.ts'
import { openTokenizer, readTokenizer } from '../../src/files/tokenizer-files.ts'
import { states } from '../../src/model/families.ts'
import { denseLayers } from '../../src/model/layers.ts'
import { createBase } from '../../src/train/base.ts'
import { type PrunableBase, prune } from '../../src/train/prune.ts'
import { writeTokenizer } from '../fixtures/tokenizer.ts'
import { toTensors } from '../model/fixtures.ts'

const dir = mkdtempSync(join(tmpdir(), 'graft-prune-'))
afterAll(() => rm(dir, { recursive: true }))

const words = ['apple', 'pear', 'plum', 'fig', 'grape', 'melon', 'red', 'sweet']
const texts = ['apple pear red', 'sweet plum apple apple']

/** The folder of a tokenizer of the kind that a family has. */
function tokenizerOf(family: string): string {
  const golden = (name: string) => fileURLToPath(new URL(`../interop/golden/tokenizers/${name}`, import.meta.url))
  if (family === 'llama') return golden('llama-3')
  if (family === 'qwen3') return golden('qwen2')
  if (family === 'roberta') return golden('roberta')
  writeTokenizer(join(dir, family), 'word-piece', words)
  return join(dir, family)
}

async function baseOf(family: string): Promise<PrunableBase> {
  const sizes = { width: 16, layers: 3, heads: 2, inner: 24, positions: 32 }
  if (family === 'gpt2') return { ...createBase({ family, ...sizes }, 3), tokenizer: 'gpt2' }
  const tokenizer = await readTokenizer(tokenizerOf(family))
  const vocabulary = (await openTokenizer(tokenizer)).vocabularySize
  const { config, weights } = createBase({ family, ...sizes, vocabulary }, 3)
  return { config: parseConfig({ ...config, pad_token_id: family === 'roberta' ? 1 : 0 }), weights, tokenizer }
}

/** The state by which each text is classified. */
async function pooled({ config, weights, tokenizer }: PrunableBase): Promise<number[][]> {
  const encode = createEncoder(config, await openTokenizer(tokenizer))
  return texts.map((text) =>
    tf.tidy(() => {
      const parameters = toTensors(weights)
      const { inputIds, attentionMask, length } = padBatch([encode(text, 32).ids], 0)
      const [ids, mask] = [inputIds, attentionMask].map((values) => tf.tensor2d(values, [1, length], 'int32'))
      const batch = { inputIds: ids!, attentionMask: mask! } // two of them
      const layers = denseLayers(config, parameters)
      return states(config, parameters, batch, { layers, pool: true }).arraySync()[0] ?? []
    }),
  )
}

describe.each(['gpt2', 'bert', 'distilbert', 'roberta', 'llama', 'qwen3'])(
  'a smaller base of the family %s',
  (family) => {
    it('without tokens that no text has gives the texts the same states', async () => {
      const base = await baseOf(family)
      const { base: small, tokens } = await prune(base, { texts })
      expect(tokens.after).toBeLessThan(tokens.before)
      expect(modelOf(small.config).sizes.vocabulary).toBe(tokens.after)
      expect(await pooled(small)).toEqual(await pooled(base))
    })

    it('is read again as it was written', async () => {
      const { base: small } = await prune(await baseOf(family), { texts, layers: [0, 2] })
      const out = join(dir, `${family}-small`)
      await writeBase(out, small, { tokenizer: small.tokenizer })
      const again = await readBase(out)
      const tokenizer = await readTokenizer(out, again.config)
      expect(await pooled({ ...again, tokenizer })).toEqual(await pooled(small))
    })

    it('without a layer has the others in its place', async () => {
      const base = await baseOf(family)
      const { base: small, layers } = await prune(base, { layers: [0, 2] })
      expect(layers).toEqual({ before: 3, after: 2 })
      expect(modelOf(small.config).sizes.layers).toBe(2)
      const tensorsOf = (weights: PrunableBase['weights'], layer: number) =>
        [...weights].filter(([name]) => name.includes(`.${layer}.`)).map(([, { data }]) => data)
      expect(tensorsOf(small.weights, 1).length).toBeGreaterThan(5)
      expect(tensorsOf(small.weights, 1)).toEqual(tensorsOf(base.weights, 2))
      expect([...small.weights.keys()].filter((name) => name.includes('.2.'))).toEqual([])
    })
  },
)

describe('prune', () => {
  it('leaves out what occurs too seldom', async () => {
    const base = await baseOf('bert')
    const [all, often] = await Promise.all([1, 3].map((minCount) => prune(base, { texts, minCount })))
    const { encode } = await openTokenizer(often!.base.tokenizer)
    expect(often!.tokens.after).toBe(all!.tokens.after - 4) // pear, red, sweet and plum, which are spelled now
    expect(encode('apple').ids.length).toBeLessThan(encode('plum').ids.length)
  })

  it.each([
    [{ layers: [0, 3] }, 'usage', 'layers 0, 3: the base has 0 to 2'],
    [{ layers: [1, 0] }, 'usage', 'layers 1, 0: the base has 0 to 2'],
    [{ layers: [0, 0] }, 'usage', 'layers 0, 0: the base has 0 to 2'],
    [{ layers: [] }, 'usage', 'layers none: the base has 0 to 2'],
    [{ texts: ['apple'], minCount: 9 }, 'usage', 'no token occurs 9 times in the texts'],
  ])('refuses %o', async (options, code, message) => {
    await expect(prune(await baseOf('bert'), options)).rejects.toMatchObject({ code, message })
  })
})
