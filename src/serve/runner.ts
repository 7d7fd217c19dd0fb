/** A model within one worker: texts to logits, with one thread and a stack of adapter slots of its own. */
import { padBatch } from '../core/batch.ts'
import { type Encoded, padToken } from '../core/encoder.ts'
import { sizeOf, type TensorMap } from '../core/tensors.ts'
import { createEncoder } from '../runtime/encoder.ts'
import { openSession } from '../runtime/session.ts'
import { prepareAdapter, type PreparedAdapter, type Unprepared } from './prepare.ts'
import type { Row, RunResult, WorkerData, WorkerModel } from './protocol.ts'
import { insideRuntime } from './runtime-mark.ts'
import { splitRuns } from './split.ts'

export interface Runner {
  /** @throws GraftError `bundle` where ONNX Runtime fails */
  run(rows: readonly Row[]): Promise<RunResult>
  /** @throws GraftError `adapter`, `adapter-base`, `safetensors` */
  prepare(adapter: Unprepared): Promise<PreparedAdapter>
  /** Puts an adapter into a slot that no row refers to. */
  fill(slot: number, memory: Float32Array): void
}

/** @throws GraftError `bundle`, `config` */
export async function openRunner(
  model: WorkerModel,
  { maxBatchTokens, runtimeMark }: Pick<WorkerData, 'maxBatchTokens' | 'runtimeMark'>,
): Promise<Runner> {
  const encode = await createEncoder(model.config, model.tokenizer)
  const stack = model.stack && emptyStack(model.stack)
  // ONNX Runtime refuses shared memory, so each worker has a copy of the graph for as long as it loads, and its own stack.
  const graph = typeof model.graph === 'string' ? model.graph : Uint8Array.from(model.graph)
  const session = await insideRuntime(runtimeMark, () => openSession(graph, { stack, threads: 1 }))
  function fill(slot: number, memory: Float32Array): void {
    let start = 0
    for (const { shape, data } of stack?.values() ?? []) {
      const size = sizeOf(shape.slice(1))
      data.set(memory.subarray(start, start + size), slot * size)
      start += size
    }
  }
  for (const [slot, memory] of model.slots) fill(slot, memory)

  async function run(rows: readonly Row[]): Promise<RunResult> {
    const started = performance.now()
    const encoded = rows.map(({ text, maxLength }) => encode(text, maxLength))
    const logits = new Float32Array(rows.length * model.labels)
    const work = { rows: 0, tokens: 0, paddedTokens: 0 }
    for (const indices of toRuns(rows, encoded, maxBatchTokens)) {
      const sequences = indices.map((index) => encoded[index]!.ids) // indices into rows, and into encoded
      const batch = padBatch(sequences, padToken(model.config))
      const slots = stack && indices.map((index) => rows[index]!.slot)
      const { data, labels } = await insideRuntime(runtimeMark, () => session.run(batch, slots))
      for (const [at, index] of indices.entries()) {
        logits.set(data.subarray(at * labels, (at + 1) * labels), index * model.labels)
      }
      work.rows += batch.rows
      work.tokens += sequences.reduce((sum, ids) => sum + ids.length, 0)
      work.paddedTokens += batch.rows * batch.length
    }
    return {
      logits,
      labels: model.labels,
      tokens: encoded.map(({ ids }) => ids.length),
      truncated: encoded.map(({ truncated }) => truncated),
      work: { ...work, seconds: (performance.now() - started) / 1000 },
    }
  }
  async function prepare(adapter: Unprepared): Promise<PreparedAdapter> {
    if (!model.requirements) throw new Error(`model ${model.name} takes no adapters`)
    return prepareAdapter(adapter, model.requirements)
  }

  return { run, prepare, fill }
}

const emptyStack = (shapes: ReadonlyMap<string, number[]>): TensorMap =>
  new Map([...shapes].map(([name, shape]) => [name, { shape, data: new Float32Array(sizeOf(shape)) }]))

/** The rows that are classified, split by their real lengths: the queue only estimates them. */
function toRuns(rows: readonly Row[], encoded: readonly Encoded[], maxBatchTokens: number): number[][] {
  const taken = encoded.flatMap(({ truncated }, index) => (truncated && !rows[index]!.truncate ? [] : [index]))
  const lengths = taken.map((index) => encoded[index]!.ids.length) // one for each row
  return splitRuns(lengths, maxBatchTokens).map((run) => run.map((at) => taken[at]!)) // indices into lengths, and so taken
}
