/** Runs a bundle's graph, whichever ONNX Runtime loaded it: token batches in, logits out. */
import type { Batch } from './batch.ts'
import type { Model } from './classifier/tasks.ts'
import { GraftError } from './errors.ts'
import type { ModelConfig } from './family.ts'
import type { TensorMap } from './tensors.ts'

/** An input of the graph as plain data: type, row-major values, sizes. Each ONNX Runtime makes its own tensor of it. */
export type Feed =
  | readonly ['int64', BigInt64Array, readonly number[]]
  | readonly ['float32', Float32Array, readonly number[]]

/** A graph that an ONNX Runtime has loaded. */
export interface LoadedGraph {
  /** Names of its inputs. */
  readonly inputs: readonly string[]
  /** @returns the output `logits`, `[rows, labels]` */
  run(feeds: Record<string, Feed>): Promise<{ data: Float32Array; dims: readonly number[] }>
  close(): Promise<void>
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

/** The stack of a model's adapters in their order, for an unmerged graph, whose code is loaded for those alone; none if merged. */
export async function stackOf(model: Model, config: ModelConfig): Promise<TensorMap | undefined> {
  if (!('adapters' in model)) return undefined
  const { stackAdapters } = await import('./bundle/stack.ts')
  return stackAdapters([...model.adapters.values()], config, model.targets)
}

/** @param stack of adapters by input name, for an unmerged graph; what is written into its tensors counts from the next run on */
export function createSession(graph: LoadedGraph, stack?: TensorMap): Session {
  const adapters = stack && toFeeds(stack)
  const count = stack ? ([...stack.values()][0]?.shape[0] ?? 0) : 0
  return {
    async run(batch, adapterIndex = []) {
      const feeds = tokens(batch, graph)
      if (adapters) {
        checkIndices(adapterIndex, batch.rows, count)
        Object.assign(feeds, adapters, { adapter_index: integers(adapterIndex, [batch.rows]) })
      }
      const { data, dims } = await graph.run(feeds)
      return { data, labels: dims[1] ?? 0 }
    },
    close: () => graph.close(),
  }
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

const integers = (values: ArrayLike<number>, dims: number[]): Feed => [
  'int64',
  BigInt64Array.from(Array.from(values, BigInt)),
  dims,
]

const tokens = ({ inputIds, attentionMask, rows, length }: Batch, { inputs }: LoadedGraph): Record<string, Feed> => ({
  input_ids: integers(inputIds, [rows, length]),
  attention_mask: integers(attentionMask, [rows, length]),
  // All of a text is of the first type: pairs of texts are not classified.
  ...(inputs.includes('token_type_ids') && {
    token_type_ids: ['int64', new BigInt64Array(rows * length), [rows, length]] as const,
  }),
})

const toFeeds = (stack: TensorMap): Record<string, Feed> =>
  Object.fromEntries([...stack].map(([name, { data, shape }]): [string, Feed] => [name, ['float32', data, shape]]))
