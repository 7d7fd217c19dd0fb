/** The adapters of an unmerged graph as its inputs: stacked, scaled, and padded with zeros to one size. */
import type { Adapter } from '../adapter.ts'
import { adapterTensors, stackShapes } from '../adapter/tensors.ts'
import { GraftError } from '../errors.ts'
import type { ModelConfig } from '../family.ts'
import { adaptableLayers } from '../layers.ts'
import { largestRank } from '../lora.ts'
import { type TensorData, type TensorMap, sizeOf } from '../tensors.ts'

/** A matrix's rows and columns; a vector is one row. */
const sides = (shape: readonly number[]): [rows: number, columns: number] => [shape.at(-2) ?? 1, shape.at(-1) ?? 1]

/**
 * Copies a tensor into the upper left of a place that is as large or larger, the rest of which stays as it is.
 * @param shape of the place: a matrix, or a vector
 */
export function placeTensor({ shape: own, data }: TensorData, shape: readonly number[], into: Float32Array): void {
  const [[rows, columns], [, width]] = [sides(own), sides(shape)]
  // The usual case, and a hundred times faster than many short rows.
  if (columns === width) into.set(data)
  else for (let row = 0; row < rows; row++) into.set(data.subarray(row * columns, (row + 1) * columns), row * width)
}

/**
 * Checks that a graph has inputs for all of an adapter, which would be lost without a word.
 * @param name of the adapter, for errors
 * @throws GraftError `adapter`
 */
export function checkStackable(
  { layers, head, saved }: Adapter,
  config: ModelConfig,
  targets: readonly string[],
  name = 'an adapter',
): void {
  const missing = [...layers.keys()].find((layer) => !targets.includes(layer))
  if (missing !== undefined) {
    throw new GraftError('adapter', `${name} changes ${missing}, which the graph takes no adapter for`, {
      hint: `Export again with this adapter. The graph's layers: ${targets.join(', ')}.`,
      value: missing,
    })
  }
  const inputs = stackShapes(config, targets, { adapters: 1, rank: 1, labels: 1 })
  const whole = [...saved.keys(), ...head.keys()].find((tensor) => !inputs.has(tensor))
  if (whole === undefined) return
  throw new GraftError('adapter', `${name} replaces ${whole} whole, which an unmerged graph cannot take`, {
    hint: 'Export this adapter merged: `graft export --mode merged`.',
    value: whole,
  })
}

/** All that an adapter gives to a graph, by input name: B times the adapter's scaling. */
function inputsOf({ layers, head }: Adapter, config: ModelConfig): TensorMap {
  const tensors: TensorMap = new Map(head)
  for (const layer of adaptableLayers(config)) {
    const pair = layers.get(layer.name)
    if (!pair) continue
    const [a, b] = adapterTensors(layer)
    tensors.set(a.name, pair.a)
    tensors.set(b.name, { shape: pair.b.shape, data: pair.b.data.map((value) => pair.scaling * value) })
  }
  return tensors
}

/**
 * The inputs of an unmerged graph, by name, for these adapters in the order of `adapter_index`, as `stackShapes` has them. Ranks and
 * label counts are padded with zeros to the largest; an adapter without a layer gets zeros there.
 * @param targets names of the layers that the graph takes adapters for
 * @throws GraftError `adapter` for an adapter with a layer outside of `targets`, or with tensors that replace the base's
 */
export function stackAdapters(
  adapters: readonly Adapter[],
  config: ModelConfig,
  targets: readonly string[],
): TensorMap {
  for (const adapter of adapters) checkStackable(adapter, config, targets)
  const shapes = stackShapes(config, targets, {
    adapters: adapters.length,
    rank: Math.max(...adapters.map(largestRank)),
    labels: Math.max(...adapters.map((adapter) => adapter.info.labels.length)),
  })
  const stack: TensorMap = new Map(
    [...shapes].map(([name, shape]) => [name, { shape, data: new Float32Array(sizeOf(shape)) }]),
  )
  for (const [index, adapter] of adapters.entries()) {
    const tensors = inputsOf(adapter, config)
    for (const [
      name,
      {
        shape: [, ...shape],
        data,
      },
    ] of stack) {
      const tensor = tensors.get(name)
      const size = sizeOf(shape)
      if (tensor) placeTensor(tensor, shape, data.subarray(index * size, (index + 1) * size))
    }
  }
  return stack
}
