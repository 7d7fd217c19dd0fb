/** Runs a bundle's graph on onnxruntime-node: token batches in, logits out. */
import { InferenceSession, Tensor } from 'onnxruntime-node'
import type { Batch } from '../core/batch.ts'
import { GraftError } from '../core/errors.ts'
import type { TensorMap } from '../core/tensors.ts'

export interface SessionOptions {
  /** The stack of adapters by input name, for an unmerged graph. */
  stack?: TensorMap | undefined
  /** Threads of ONNX Runtime; all cores by default. */
  threads?: number | undefined
}

export interface Logits {
  /** [rows, labels] */
  data: Float32Array
  labels: number
}

export interface Session {
  /**
   * @param adapterIndex for each row its adapter's place in the stack (unmerged graphs only)
   * @throws GraftError `adapter-index` for an index past the stack
   */
  run(batch: Batch, adapterIndex?: readonly number[]): Promise<Logits>
  close(): Promise<void>
}

/**
 * Loads a graph.
 * @param graph path of the `model.onnx` file, or its bytes
 * @throws GraftError `bundle` where ONNX Runtime cannot load it
 */
export async function openSession(
  graph: string | Uint8Array,
  { stack, threads }: SessionOptions = {},
): Promise<Session> {
  const session = await load(graph, threads)
  const adapters = stack && toTensors(stack)
  const count = stack?.get('score.weight')?.shape[0] ?? 0
  return {
    async run(batch, adapterIndex = []) {
      const feeds = tokens(batch)
      if (adapters) {
        checkIndices(adapterIndex, batch.rows, count)
        Object.assign(feeds, adapters, { adapter_index: integers(adapterIndex, [batch.rows]) })
      }
      const { logits } = await session.run(feeds).catch((error: unknown) => fail(graph, 'cannot be run', error))
      if (!(logits?.data instanceof Float32Array)) return fail(graph, 'cannot be run', 'no float32 output "logits"')
      return { data: logits.data, labels: logits.dims[1] ?? 0 }
    },
    close: () => session.release(),
  }
}

async function load(graph: string | Uint8Array, threads: number | undefined): Promise<InferenceSession> {
  const options: InferenceSession.SessionOptions = {
    executionProviders: ['cpu'],
    graphOptimizationLevel: 'all',
    ...(threads !== undefined && { intraOpNumThreads: threads }),
  }
  // Its types have one signature for paths and one for bytes, and none for either.
  const session =
    typeof graph === 'string' ? InferenceSession.create(graph, options) : InferenceSession.create(graph, options)
  return session.catch((error: unknown) => fail(graph, 'cannot be loaded', error))
}

function fail(graph: string | Uint8Array, problem: string, cause: unknown): never {
  const reason = cause instanceof Error ? cause.message : String(cause)
  const file = typeof graph === 'string' ? graph : undefined
  throw new GraftError('bundle', `${file ?? 'the graph'} ${problem}: ${reason}`, {
    hint: 'Make the bundle again with `graft export`.',
    file,
    cause,
  })
}

/** Checked before the run: ONNX would count a negative index from the end. */
function checkIndices(indices: readonly number[], rows: number, count: number): void {
  if (indices.length !== rows) throw new Error(`${indices.length} adapter indices for ${rows} rows`)
  const wrong = indices.find((index) => !Number.isInteger(index) || index < 0 || index >= count)
  if (wrong === undefined) return
  throw new GraftError('adapter-index', `adapter index ${wrong} is outside of the stack of ${count} adapters`, {
    hint: `Use an index from 0 to ${count - 1}.`,
    value: wrong,
  })
}

const integers = (values: ArrayLike<number>, dims: number[]) =>
  new Tensor('int64', BigInt64Array.from(Array.from(values, BigInt)), dims)

const tokens = ({ inputIds, attentionMask, rows, length }: Batch): Record<string, Tensor> => ({
  input_ids: integers(inputIds, [rows, length]),
  attention_mask: integers(attentionMask, [rows, length]),
})

const toTensors = (stack: TensorMap): Record<string, Tensor> =>
  Object.fromEntries([...stack].map(([name, { data, shape }]) => [name, new Tensor('float32', data, shape)]))
