/** A tensor as plain data: what files hold and what crosses the boundaries between stages. */

export interface TensorData {
  /** Sizes, outermost first; `[]` for a scalar. */
  shape: number[]
  /** Row-major values. */
  data: Float32Array
}

/** Tensors by name, in file order. */
export type TensorMap = Map<string, TensorData>

/** Number of elements of a shape. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1)
