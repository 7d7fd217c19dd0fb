/**
 * Kernel mappings: for each TensorFlow.js kernel, the ONNX operators that compute the same. To map another kernel, add
 * an entry to the file in `kernels/` where it fits.
 */
import type { Dim } from './dims.ts'
import type { Graph, Value } from './graph.ts'
import { activations } from './kernels/activations.ts'
import { elementwise } from './kernels/elementwise.ts'
import { indexing } from './kernels/indexing.ts'
import { composites } from './kernels/composites.ts'
import { convolution } from './kernels/convolution.ts'
import { normalization } from './kernels/normalization.ts'
import { products } from './kernels/products.ts'
import { reductions } from './kernels/reductions.ts'
import { shapes } from './kernels/shapes.ts'
import { slicing } from './kernels/slicing.ts'

/** A kernel's call in one of the runs of the traced function. */
export interface Trial<Attributes = object> {
  attributes: Attributes
  /** The numbers that a shape is in this run. */
  numbers(shape: readonly Dim[]): number[]
}

/** What a mapping needs besides its inputs. */
export interface KernelContext<Attributes = object> {
  graph: Graph
  /** The call in each run; `sizes` (kernels/define.ts) reads symbolic sizes from them. */
  trials: readonly Trial<Attributes>[]
  /** The dimension that a list of numbers, one for each trial, stands for. */
  toDim(numbers: readonly number[]): Dim | undefined
  /** Only shapes are asked for, in one run. Its numbers for sizes may then exceed what a table or an axis holds. */
  isTrial: boolean
}

/** A kernel's inputs by their TF.js names; a variadic kernel has the names "0", "1", … */
export type KernelInputs = Record<string, Value>

export type Kernel = (inputs: KernelInputs, attributes: object, context: KernelContext) => Value | Value[]

/** All mappings by TF.js kernel name. */
export const kernels: Readonly<Record<string, Kernel>> = {
  ...elementwise,
  ...activations,
  ...reductions,
  ...shapes,
  ...slicing,
  ...indexing,
  ...products,
  ...convolution,
  ...normalization,
  ...composites,
}
