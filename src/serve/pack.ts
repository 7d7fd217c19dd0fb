/** One adapter as a slot of an unmerged graph's stack: its tensors padded to the sizes that all slots have. */
import type { Adapter } from '../core/adapter.ts'
import { placeTensor, stackAdapters } from '../core/bundle/stack.ts'
import { stackShapes } from '../core/adapter/tensors.ts'
import { GraftError } from '../core/errors.ts'
import type { ModelConfig } from '../core/family.ts'
import { largestRank } from '../core/lora.ts'
import { sizeOf, type TensorData } from '../core/tensors.ts'

export interface StackLimits {
  /** Largest r of an adapter. Each row of a batch computes as much, whatever its own adapter's is. */
  rank: number
  /** Most labels of an adapter. */
  labels: number
}

export interface StackLayout {
  config: ModelConfig
  /** Layers that the graph takes adapters for. */
  targets: readonly string[]
  limits: StackLimits
}

/** Shape of every input of the stack, `[slots, …]`. */
export const slotShapes = ({ config, targets, limits }: StackLayout, slots: number): Map<string, number[]> =>
  stackShapes(config, targets, { adapters: slots, ...limits })

/** Elements of one slot: its tensors one after the other, in the order of `slotShapes`. */
export const slotSize = (layout: StackLayout): number =>
  [...slotShapes(layout, 1).values()].reduce((sum, shape) => sum + sizeOf(shape), 0)

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
  for (const [name, shape] of slotShapes(layout, 1)) {
    const end = start + sizeOf(shape)
    const tensor = tensors.get(name)
    if (tensor) placeOne(tensor, shape, memory.subarray(start, end))
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

/** The one tensor of a stack of one, into a place of a stack's sizes. */
const placeOne = ({ shape: [, ...own], data }: TensorData, [, ...shape]: number[], into: Float32Array) =>
  placeTensor({ shape: own, data }, shape, into)
