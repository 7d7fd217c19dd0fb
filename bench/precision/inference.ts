/** Merged bundles in each precision on ONNX Runtime in Node, in turns; and an unmerged one with 64 adapters against a merged one. */
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { createRandom } from '../../src/core/random.ts'
import { writeModel } from '../gpt2/model.ts'
import { median } from '../measure.ts'
import { importModel } from '../../src/files/import.ts'
import { PRECISIONS, bases, writeBundles } from './bundles.ts'
import { printTable, ratio } from './table.ts'

const ROUNDS = 30
const SIZES = [
  [1, 24],
  [8, 32],
] as const
const ADAPTERS = 64

/** Runs a graph on random ids. */
type Run = () => Promise<number>

function feedsOf(session: InferenceSession, rows: number, length: number): Record<string, Tensor> {
  const random = createRandom(1)
  const [size, shape] = [rows * length, [rows, length]]
  const int64 = (value: () => number) =>
    new Tensor(
      'int64',
      BigInt64Array.from({ length: size }, () => BigInt(value())),
      shape,
    )
  const known: Record<string, Tensor> = {
    input_ids: int64(() => 1000 + random.integer(20_000)),
    attention_mask: int64(() => 1),
    token_type_ids: int64(() => 0),
  }
  return Object.fromEntries(Object.entries(known).filter(([name]) => session.inputNames.includes(name)))
}

const milliseconds =
  (session: InferenceSession, feeds: Record<string, Tensor>): Run =>
  async () => {
    const started = performance.now()
    await session.run(feeds)
    return performance.now() - started
  }

/** In turns, so that all see the same noise of the machine. */
async function inTurns(runs: Record<string, Run>): Promise<Record<string, number[]>> {
  const times = Object.fromEntries(Object.keys(runs).map((name) => [name, [] as number[]]))
  for (let round = -5; round < ROUNDS; round++) {
    for (const [name, run] of Object.entries(runs)) {
      const time = await run()
      if (round >= 0) times[name]?.push(time)
    }
  }
  return times
}

const open = (bundle: string, threads: number) =>
  InferenceSession.create(join(bundle, 'onnx/model.onnx'), { intraOpNumThreads: threads })

async function bytesOf(bundle: string): Promise<number> {
  const sizes = await Promise.all(
    ['model.onnx', 'model.onnx_data'].map((file) => stat(join(bundle, 'onnx', file)).catch(() => ({ size: 0 }))),
  )
  return sizes.reduce((sum, { size }) => sum + size, 0)
}

export async function measureInference(threads: number): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'graft-precision-'))
  const rows: string[][] = []
  try {
    await writeModel(join(dir, 'gpt2'), 'small')
    await importModel(join(dir, 'gpt2'), { out: join(dir, 'gpt2-small') })
    for (const [name, base] of [...bases(), ['GPT-2 small', join(dir, 'gpt2-small')] as const]) {
      const bundles = await writeBundles(base, join(dir, name), 'merged')
      const sizes = await Promise.all(PRECISIONS.map((precision) => bytesOf(bundles[precision] ?? '')))
      for (const [batch, length] of SIZES) {
        const sessions = await Promise.all(Object.values(bundles).map((bundle) => open(bundle, threads)))
        const runs = PRECISIONS.map((precision, at) => [
          precision,
          milliseconds(sessions[at]!, feedsOf(sessions[at]!, batch, length)), // one for each precision
        ])
        const times = await inTurns(Object.fromEntries(runs))
        for (const [at, precision] of PRECISIONS.entries())
          rows.push([
            `${name}, ${batch} × ${length}`,
            precision,
            median(times[precision] ?? []).toFixed(2),
            ratio(times['fp32'], times[precision] ?? []),
            `${((sizes[at] ?? NaN) / 1e6).toFixed(1)} MB`,
            `${((100 * (sizes[at] ?? NaN)) / (sizes[0] ?? NaN)).toFixed(0)} %`,
          ])
        await Promise.all(sessions.map((session) => session.release()))
      }
      await rm(join(dir, name), { recursive: true })
    }
    printTable(
      `Merged bundles, onnxruntime-node, ${threads} thread`,
      ['model', 'precision', 'ms', 'against fp32', 'graph', 'of fp32'],
      rows,
    )
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** Each row of the batch through another of 64 adapters, against the merged graph. */
export async function measureAdapters(threads: number): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'graft-precision-'))
  const rows: string[][] = []
  for (const [name, base] of bases()) {
    const folder = join(dir, `${name}-64`)
    const [merged, unmerged] = [
      await writeBundles(base, folder, 'merged', ['int8']),
      await writeBundles(base, folder, 'unmerged', ['int8']),
    ]
    const [one, many] = await Promise.all([open(merged['int8'] ?? '', threads), open(unmerged['int8'] ?? '', threads)])
    const [batch, length] = [8, 32]
    const feeds = { ...feedsOf(many, batch, length), ...stackOf(many, batch) }
    const times = await inTurns({
      merged: milliseconds(one, feedsOf(one, batch, length)),
      unmerged: milliseconds(many, feeds),
    })
    rows.push([
      `${name}, ${batch} × ${length}`,
      median(times['merged'] ?? []).toFixed(2),
      median(times['unmerged'] ?? []).toFixed(2),
      `${((100 * median(times['merged'] ?? [])) / median(times['unmerged'] ?? [])).toFixed(0)} %`,
    ])
    await Promise.all([one.release(), many.release()])
  }
  await rm(dir, { recursive: true })
  printTable(
    `int8, ${ADAPTERS} adapters of rank 8 mixed in a batch, ${threads} thread`,
    ['model', 'merged, ms', 'unmerged, ms', "share of merged's rate"],
    rows,
  )
}

/** A stack of random adapters of rank 8 and two labels, and which one each row has. */
function stackOf(session: InferenceSession, batch: number): Record<string, Tensor> {
  const random = createRandom(2)
  const sizes: Record<string, number> = { adapters: ADAPTERS, rank: 8, labels: 2 }
  const stack: Record<string, Tensor> = {
    adapter_index: new Tensor(
      'int64',
      BigInt64Array.from({ length: batch }, (_, row) => BigInt((row * 7) % ADAPTERS)),
      [batch],
    ),
  }
  for (const each of session.inputMetadata) {
    if (!each.isTensor || each.type !== 'float32') continue
    const shape = each.shape.map((size) => (typeof size === 'number' ? size : (sizes[size] ?? NaN)))
    const data = Float32Array.from(
      { length: shape.reduce((product, size) => product * size, 1) },
      () => 0.01 * random.normal(),
    )
    stack[each.name] = new Tensor('float32', data, shape)
  }
  return stack
}
