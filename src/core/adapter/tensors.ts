/**
 * The tensors of an adapter: their parts, names and shapes. Training, PEFT's files, the stacks of an unmerged graph and its inputs are
 * all made of these.
 */
import { modelOf } from '../families.ts'
import type { AdaptableLayer, ModelConfig } from '../family.ts'
import { adaptableLayers } from '../layers.ts'

/** One of the pair of a layer. */
export interface AdapterTensor {
  /** Its field of a `LoraLayer`. */
  part: 'a' | 'b'
  /** As the model's functions and the inputs of graphs name it. */
  name: string
  /** As PEFT names it in the model; there it lies transposed. */
  peftName: string
}

/** The pair of a layer: A [in, r] and B [r, out]. */
export function adapterTensors({
  name,
  kind,
}: Pick<AdaptableLayer, 'name' | 'kind'>): [a: AdapterTensor, b: AdapterTensor] {
  const peftName = (letter: 'A' | 'B') =>
    kind === 'embedding' ? `${name}.lora_embedding_${letter}` : `${name}.lora_${letter}.weight`
  return [
    { part: 'a', name: `${name}.lora_A`, peftName: peftName('A') },
    { part: 'b', name: `${name}.lora_B`, peftName: peftName('B') },
  ]
}

/** Shape of a part of a layer's pair. */
export const adapterShape = <Size>(
  part: AdapterTensor['part'],
  { in: input, out }: Pick<AdaptableLayer, 'in' | 'out'>,
  rank: Size,
): (number | Size)[] => (part === 'a' ? [input, rank] : [rank, out])

/** Sizes of a stack of adapters: numbers, or names for what is free. */
export interface StackSizes<Size> {
  adapters: Size
  rank: Size
  labels: Size
}

/**
 * The inputs of an unmerged graph besides tokens and `adapter_index`, by name: `<layer>.lora_A` [adapters, in, rank] and `<layer>.lora_B`
 * [adapters, rank, out] of each target, and the tensors of the head [adapters, …].
 * @param targets names of the layers that the graph takes adapters for
 */
export function stackShapes<Size>(
  config: ModelConfig,
  targets: Iterable<string>,
  { adapters, rank, labels }: StackSizes<Size>,
): Map<string, (number | Size)[]> {
  const chosen = new Set(targets)
  const layers = adaptableLayers(config).filter(({ name }) => chosen.has(name))
  const pairs = layers.flatMap((layer) =>
    adapterTensors(layer).map(({ name, part }): [string, (number | Size)[]] => [
      name,
      [adapters, ...adapterShape(part, layer, rank)],
    ]),
  )
  const head = modelOf(config)
    .head(1)
    .map(({ name, shape, perLabel }): [string, (number | Size)[]] => [
      name,
      [adapters, ...(perLabel ? [labels, ...shape.slice(1)] : shape)],
    ])
  return new Map([...pairs, ...head])
}
