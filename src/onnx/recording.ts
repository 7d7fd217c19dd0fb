/** What one run of a traced function did: the kernels that TF.js called, and what they were called with. */
import type { TypedArray } from '@tensorflow/tfjs'

/** A tensor that the program made from numbers. */
export interface Constant {
  kind: 'constant'
  shape: readonly number[]
  dtype: string
  values: TypedArray
}

/** Where a tensor comes from. */
export type Source = { kind: 'input'; name: string } | { kind: 'output'; call: Call; position: number } | Constant

export interface Call {
  /** TF.js' name of the kernel. */
  kernel: string
  /** The tf.* function that called it, as a phrase for messages. */
  caller: string
  /** By TF.js' names, in order; optional ones that are missing are left out. */
  inputs: readonly (readonly [name: string, source: Source])[]
  attributes: Readonly<Record<string, unknown>>
  /** Shapes of its outputs in this run. */
  shapes: readonly (readonly number[])[]
}

export interface Recording {
  calls: Call[]
  /** Outputs of the function by name, in order. */
  outputs: Map<string, Source>
}
