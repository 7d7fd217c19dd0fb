/** The inference graphs, run as any ONNX Runtime user would: contract, padding, masks, adapters of a mixed batch. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Batch } from '../../src/core/batch.ts'
import { stackAdapters } from '../../src/core/bundle/stack.ts'
import { adaptableLayers } from '../../src/core/layers.ts'
import { mergeLora } from '../../src/core/lora.ts'
import { createRandom } from '../../src/core/random.ts'
import { traceMerged, traceUnmerged } from '../../src/export/graph.ts'
import { type Graph, toOnnx } from '../../src/onnx/index.ts'
import { type Session, openSession } from '../../src/runtime/session.ts'
import { config, createAdapter, largestDifference, weights } from './fixtures.ts'
import { naiveLogits } from './naive-gpt2.ts'

const random = createRandom(7)
const adapters = [
  createAdapter({ seed: 3, rank: 2, targetModules: ['c_fc'], labels: ['a', 'b', 'c'] }),
  createAdapter({ seed: 4, rank: 4, scaling: 'rslora' }),
  createAdapter({ seed: 5, rank: 1, targetModules: ['wte', 'c_proj'], labels: ['a', 'b', 'c', 'd', 'e'] }),
]
const merged = adapters.map((adapter) => mergeLora(weights, adapter, config))
const targets = adaptableLayers(config).map(({ name }) => name)

let dir: string
const sessions: Session[] = []
beforeAll(async () => void (dir = await mkdtemp(join(tmpdir(), 'graft-graph-'))))
afterAll(async () => {
  await Promise.all(sessions.map((session) => session.close()))
  await rm(dir, { recursive: true })
})

async function open(graph: Graph, stack?: ReturnType<typeof stackAdapters>): Promise<Session> {
  const path = join(dir, `${sessions.length}.onnx`)
  await writeFile(path, toOnnx(graph))
  const session = await openSession(path, { stack, threads: 1 })
  sessions.push(session)
  return session
}

const tokens = (length: number) => Array.from({ length }, () => random.integer(config.vocab_size))

/** A batch of rows of equal length. */
const toBatch = (ids: number[][], masks = ids.map((row) => row.map(() => 1))): Batch => ({
  inputIds: Int32Array.from(ids.flat()),
  attentionMask: Int32Array.from(masks.flat()),
  rows: ids.length,
  length: ids[0]!.length,
})

const rowsOf = ({ data, labels }: { data: Float32Array; labels: number }) =>
  Array.from({ length: data.length / labels }, (_, row) => Array.from(data.subarray(row * labels, (row + 1) * labels)))

describe('traceMerged', () => {
  it("has Hugging Face Optimum's inputs and output, with free sizes", async () => {
    const graph = await traceMerged(config, merged[0]!)
    expect(graph.inputs.map(({ name, type, shape }) => [name, type, shape])).toEqual([
      ['input_ids', 'int64', ['batch', 'sequence']],
      ['attention_mask', 'int64', ['batch', 'sequence']],
    ])
    expect([...graph.outputs].map(([name, { type, shape }]) => [name, type, shape])).toEqual([
      ['logits', 'float32', ['batch', 3]],
    ])
  })

  it('computes GPT-2, wherever the mask has its zeros', async () => {
    const session = await open(await traceMerged(config, merged[0]!))
    const masks = [
      [1, 1, 1, 1, 1, 1, 1, 1],
      [1, 1, 1, 1, 1, 0, 0, 0],
      [0, 0, 0, 1, 1, 1, 1, 1],
      [1, 0, 1, 1, 0, 0, 1, 0],
      [0, 0, 0, 0, 0, 0, 0, 1],
      [1, 0, 0, 0, 0, 0, 0, 0],
    ]
    const ids = masks.map((mask) => tokens(mask.length))
    const found = rowsOf(await session.run(toBatch(ids, masks)))
    for (const [row, mask] of masks.entries()) {
      const expected = naiveLogits(config, merged[0]!, ids[row]!, mask)
      expect(largestDifference(found[row]!, expected)).toBeLessThan(1e-4)
    }
    const [unpadded] = rowsOf(await session.run(toBatch([ids[1]!.slice(0, 5)])))
    expect(largestDifference(found[1]!, unpadded!)).toBeLessThan(1e-4)
  })

  it('takes texts from one token to the last position', async () => {
    const session = await open(await traceMerged(config, merged[1]!))
    for (const length of [1, 2, config.n_positions]) {
      const ids = tokens(length)
      const [found] = rowsOf(await session.run(toBatch([ids])))
      const mask = ids.map(() => 1)
      expect(largestDifference(found!, naiveLogits(config, merged[1]!, ids, mask))).toBeLessThan(1e-4)
    }
  })
})

describe('traceUnmerged', () => {
  it('takes stacks of any size, for the target layers only', async () => {
    const graph = await traceUnmerged(config, weights, new Set(['transformer.h.1.mlp.c_fc']))
    expect(graph.inputs.slice(2).map(({ name, type, shape }) => [name, type, shape])).toEqual([
      ['adapter_index', 'int64', ['batch']],
      ['transformer.h.1.mlp.c_fc.lora_A', 'float32', ['adapters', 16, 'rank']],
      ['transformer.h.1.mlp.c_fc.lora_B', 'float32', ['adapters', 'rank', 24]],
      ['score.weight', 'float32', ['adapters', 'labels', 16]],
    ])
    expect([...graph.outputs].map(([name, { shape }]) => [name, shape])).toEqual([['logits', ['batch', 'labels']]])
  })

  it('gives each row of a mixed batch what its merged model gives it alone', async () => {
    const session = await open(
      await traceUnmerged(config, weights, new Set(targets)),
      stackAdapters(adapters, config, targets),
    )
    const indices = [2, 0, 1, 1, 0, 2, 2]
    const ids = indices.map(() => tokens(9))
    const mask = [1, 1, 1, 1, 1, 1, 0, 0, 0]
    const masks = indices.map((_, row) => (row % 2 ? mask : mask.map(() => 1)))
    const found = rowsOf(await session.run(toBatch(ids, masks), indices))
    for (const [row, index] of indices.entries()) {
      const expected = naiveLogits(config, merged[index]!, ids[row]!, masks[row]!)
      expect(largestDifference(found[row]!.slice(0, expected.length), expected)).toBeLessThan(1e-4)
      expect(found[row]!.slice(expected.length).every((logit) => logit === 0)).toBe(true)
    }
  })

  it('serves another stack with the same graph', async () => {
    const graph = await traceUnmerged(config, weights, new Set(targets))
    const session = await open(graph, stackAdapters(adapters.slice(0, 1), config, targets))
    const ids = tokens(5)
    const [found] = rowsOf(await session.run(toBatch([ids]), [0]))
    const expected = naiveLogits(config, merged[0]!, ids, [1, 1, 1, 1, 1])
    expect(largestDifference(found!, expected)).toBeLessThan(1e-4)
  })

  it.each([3, -1, 0.5])('refuses the adapter index %d of a stack of 3 before the run', async (index) => {
    const stack = stackAdapters(adapters, config, targets)
    const session = await open(await traceUnmerged(config, weights, new Set(targets)), stack)
    const run = session.run(toBatch([tokens(2)]), [index])
    await expect(run).rejects.toMatchObject({ code: 'adapter-index', value: index })
  })
})
