/** One adapter as a slot of an unmerged graph's stack: its tensors padded to the sizes that all slots have. */
import type { Adapter } from '../core/adapter.ts'
import { stackAdapters } from '../core/bundle.ts'
import type { GPT2Config } from '../core/config.ts'
import { GraftError } from '../core/errors.ts'
import { adaptableLayers } from '../core/layers.ts'
import { largestRank } from '../core/lora.ts'
import { sizeOf, type TensorData } from '../core/tensors.ts'

export interface StackLimits {
  /** Largest r of an adapter. Each row of a batch computes as much, whatever its own adapter's is. */
  rank: number
  /** Most labels of an adapter. */
  labels: number
}

export interface StackLayout {
  config: GPT2Config
  /** Layers that the graph takes adapters for. */
  targets: readonly string[]
  limits: StackLimits
}

/** Shape of every input of the stack, `[slots, …]`. */
export function stackShapes({ config, targets, limits }: StackLayout, slots: number): Map<string, number[]> {
  const layers = adaptableLayers(config).filter(({ name }) => targets.includes(name))
  const shapes = layers.flatMap((layer): [string, number[]][] => [
    [`${layer.name}.lora_A`, [slots, layer.in, limits.rank]],
    [`${layer.name}.lora_B`, [slots, limits.rank, layer.out]],
  ])
  return new Map([...shapes, ['score.weight', [slots, limits.labels, config.n_embd]]])
}

/** Elements of one slot: its tensors one after the other, in the order of `stackShapes`. */
export const slotSize = (layout: StackLayout): number =>
  [...stackShapes(layout, 1).values()].reduce((sum, shape) => sum + sizeOf(shape), 0)

/**
 * Writes an adapter into the memory of a slot.
 * @param memory `slotSize` elements
 * @throws GraftError `adapter` for a rank or a number of labels over the limit, or a layer that the graph takes no adapter for
 */
export function packAdapter(adapter: Adapter, layout: StackLayout, memory: Float32Array, file: string): void {
  checkLimit('rank', largestRank(adapter), layout.limits.rank, file)
  checkLimit('number of labels', adapter.info.labels.length, layout.limits.labels, file)
  const tensors = stackAdapters([adapter], layout.config, layout.targets)
  memory.fill(0)
  let start = 0
  for (const [name, shape] of stackShapes(layout, 1)) {
    const end = start + sizeOf(shape)
    const tensor = tensors.get(name)
    if (tensor) place(tensor, shape, memory.subarray(start, end))
    start = end
  }
}

function checkLimit(what: string, value: number, limit: number, file: string): void {
  if (value <= limit) return
  throw new GraftError('adapter', `${file}: its ${what} is ${value}, and the server's limit ${limit}`, {
    hint: `Raise the limit when the server starts, or train an adapter within it.`,
    file,
    value,
  })
}

/** Copies a matrix [1, rows, columns] into the upper left of a larger one. */
function place({ shape, data }: TensorData, target: number[], into: Float32Array): void {
  const [, rows = 0, columns = 0] = shape
  const [, , targetColumns = 0] = target
  // The usual case, and a hundred times faster than many short rows.
  if (columns === targetColumns) into.set(data)
  else {
    for (let row = 0; row < rows; row++) {
      into.set(data.subarray(row * columns, (row + 1) * columns), row * targetColumns)
    }
  }
}
