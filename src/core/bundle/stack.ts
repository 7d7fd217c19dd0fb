/** The adapters of an unmerged graph as its inputs: stacked, scaled, and padded with zeros to one size. */
import type { Adapter } from '../adapter.ts'
import type { GPT2Config } from '../config.ts'
import { GraftError } from '../errors.ts'
import { adaptableLayers } from '../layers.ts'
import { largestRank } from '../lora.ts'
import type { TensorData, TensorMap } from '../tensors.ts'

/** Copies a matrix into the upper left of the `index`th matrix of a stack, `[adapters, rows, columns]`. */
function place(stack: TensorData, index: number, matrix: TensorData, factor = 1): void {
  const [, stackRows = 0, stackColumns = 0] = stack.shape
  const [rows = 0, columns = 0] = matrix.shape
  for (let row = 0; row < rows; row++) {
    const start = (index * stackRows + row) * stackColumns
    for (let column = 0; column < columns; column++) {
      stack.data[start + column] = factor * matrix.data[row * columns + column]! // within the shape
    }
  }
}

function stack(matrices: (TensorData | undefined)[], rows: number, columns: number, factors?: number[]): TensorData {
  const result = {
    shape: [matrices.length, rows, columns],
    data: new Float32Array(matrices.length * rows * columns),
  }
  for (const [index, matrix] of matrices.entries()) if (matrix) place(result, index, matrix, factors?.[index])
  return result
}

/**
 * Checks that a graph has inputs for all of an adapter, which would be lost without a word.
 * @param name of the adapter, for errors
 * @throws GraftError `adapter`
 */
export function checkStackable({ layers, saved }: Adapter, targets: readonly string[], name = 'an adapter'): void {
  const missing = [...layers.keys()].find((layer) => !targets.includes(layer))
  if (missing !== undefined) {
    throw new GraftError('adapter', `${name} changes ${missing}, which the graph takes no adapter for`, {
      hint: `Export again with this adapter. The graph's layers: ${targets.join(', ')}.`,
      value: missing,
    })
  }
  const [whole] = saved.keys()
  if (whole === undefined) return
  throw new GraftError('adapter', `${name} replaces ${whole} whole, which an unmerged graph cannot take`, {
    hint: 'Export this adapter merged: `graft export --mode merged`.',
    value: whole,
  })
}

/**
 * The inputs of an unmerged graph, by name, for these adapters in the order of `adapter_index`:
 * `<layer>.lora_A` `[adapters, in, r]` and `<layer>.lora_B` `[adapters, r, out]` for each target layer, B times the
 * adapter's scaling, and `score.weight` `[adapters, labels, n_embd]`. Ranks and label counts are padded with zeros to the
 * largest; an adapter without a layer gets zeros there.
 * @param targets names of the layers that the graph takes adapters for
 * @throws GraftError `adapter` for an adapter with a layer outside of `targets`, or with tensors that replace the base's
 */
export function stackAdapters(adapters: readonly Adapter[], config: GPT2Config, targets: readonly string[]): TensorMap {
  for (const adapter of adapters) checkStackable(adapter, targets)
  const rank = Math.max(...adapters.map(largestRank))
  const labels = Math.max(...adapters.map((adapter) => adapter.info.labels.length))
  const inputs: TensorMap = new Map()
  for (const layer of adaptableLayers(config).filter(({ name }) => targets.includes(name))) {
    const pairs = adapters.map(({ layers }) => layers.get(layer.name))
    inputs.set(
      `${layer.name}.lora_A`,
      stack(
        pairs.map((pair) => pair?.a),
        layer.in,
        rank,
      ),
    )
    inputs.set(
      `${layer.name}.lora_B`,
      stack(
        pairs.map((pair) => pair?.b),
        rank,
        layer.out,
        pairs.map((pair) => pair?.scaling ?? 1),
      ),
    )
  }
  return inputs.set(
    'score.weight',
    stack(
      adapters.map(({ score }) => score),
      labels,
      config.n_embd,
    ),
  )
}
