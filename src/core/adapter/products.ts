/** Norms and inner products of ΔW = s·A·B without ΔW: by the small products of its factors. */
import type { LoraLayer } from '../lora.ts'
import type { TensorData } from '../tensors.ts'

/** XᵀY of two matrices with as many rows, `[columns of X, columns of Y]`, in double precision. */
export function transposedProduct(x: TensorData, y: TensorData): Float64Array {
  const [rows = 0, n = 0] = x.shape
  const m = y.shape[1] ?? 0
  const result = new Float64Array(n * m)
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < n; i++) {
      const factor = x.data[row * n + i]! // within the shape, as below
      for (let j = 0; j < m; j++) result[i * m + j]! += factor * y.data[row * m + j]!
    }
  }
  return result
}

/** XYᵀ of two matrices with as many columns, `[rows of X, rows of Y]`. */
function productTransposed(x: TensorData, y: TensorData): Float64Array {
  const [n = 0, columns = 0] = x.shape
  const m = y.shape[0] ?? 0
  const result = new Float64Array(n * m)
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < m; j++) {
      let sum = 0
      for (let column = 0; column < columns; column++)
        sum += x.data[i * columns + column]! * y.data[j * columns + column]! // within the shape
      result[i * m + j] = sum
    }
  }
  return result
}

/** The Frobenius inner product of two layers' ΔW: tr((AᵀA')(B'Bᵀ)). */
export function deltaProduct(x: LoraLayer, y: LoraLayer): number {
  const left = transposedProduct(x.a, y.a)
  const right = productTransposed(x.b, y.b)
  return x.scaling * y.scaling * left.reduce((sum, value, at) => sum + value * (right[at] ?? 0), 0)
}

/** The Frobenius norm of a layer's ΔW. Rounding may make a square of zero negative. */
export const deltaNorm = (layer: LoraLayer): number => Math.sqrt(Math.max(0, deltaProduct(layer, layer)))

/** The Frobenius norm of a tensor. */
export const norm = ({ data }: TensorData): number => Math.sqrt(data.reduce((sum, value) => sum + value * value, 0))
