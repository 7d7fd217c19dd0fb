/** One adapter as a slot of an unmerged graph's stack: its tensors padded to the sizes that all slots have. */
import type { Adapter } from '../core/adapter.ts'
import { stackAdapters } from '../core/bundle.ts'
import type { GPT2Config } from '../core/config.ts'
import { GraftError } from '../core/errors.ts'
import { adaptableLayers } from '../core/layers.ts'
import { largestRank } from '../core/lora.ts'
import { sizeOf, type TensorData, type TensorMap } from '../core/tensors.ts'

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

/**
 * An adapter's tensors in the shapes of one slot.
 * @throws GraftError `adapter` for a rank or a number of labels over the limit, or a layer that the graph takes no adapter for
 */
export function packAdapter(adapter: Adapter, layout: StackLayout, file: string): TensorMap {
  checkLimit('rank', largestRank(adapter), layout.limits.rank, file)
  checkLimit('number of labels', adapter.info.labels.length, layout.limits.labels, file)
  const tensors = stackAdapters([adapter], layout.config, layout.targets)
  const shapes = stackShapes(layout, 1)
  return new Map([...tensors].map(([name, tensor]) => [name, pad(tensor, shapes.get(name) ?? tensor.shape)]))
}

function checkLimit(what: string, value: number, limit: number, file: string): void {
  if (value <= limit) return
  throw new GraftError('adapter', `${file}: its ${what} is ${value}, and the server's limit ${limit}`, {
    hint: `Raise the limit when the server starts, or train an adapter within it.`,
    file,
    value,
  })
}

/** Pads a matrix [1, rows, columns] with zeros below and to the right. */
function pad({ shape, data }: TensorData, target: number[]): TensorData {
  const [, rows = 0, columns = 0] = shape
  const [, , targetColumns = 0] = target
  const padded = new Float32Array(sizeOf(target))
  // The usual case, and a hundred times faster than many short rows.
  if (columns === targetColumns) padded.set(data)
  else {
    for (let row = 0; row < rows; row++) {
      padded.set(data.subarray(row * columns, (row + 1) * columns), row * targetColumns)
    }
  }
  return { shape: target, data: padded }
}
