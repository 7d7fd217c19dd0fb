/** What a table of cases looks like, and the inputs that many of them share. */
import { type CaseFunction, type Input, bool, f32, i32 } from '../compare.ts'

/** A function that calls the kernel, and the lists of inputs to call it with. */
export interface Case {
  fn: CaseFunction
  inputs: Input[][]
}

/** Cases by TF.js kernel name. */
export type Cases = Record<string, Case[]>

const DTYPES = { f32, i32, bool }

/** Cases of a function of one tensor: ranks 0 to 4, symbolic and zero sizes, then the other types. */
export function unary(
  fn: (x: Tensor) => Tensor,
  { range, types = [] }: { range?: Input['range']; types?: ('i32' | 'bool')[] } = {},
): Case[] {
  const shapes = [[], [5], ['batch', 3], [2, 0], ['batch', 2, 'sequence'], [2, 1, 3, 2]]
  const others = types.flatMap((type) => [[DTYPES[type]([6])], [DTYPES[type](['batch', 'sequence'])]])
  return [{ fn, inputs: [...shapes.map((shape) => [f32(shape, range)]), ...others] }]
}

/** Pairs of shapes that broadcast, both ways. */
const PAIRS = [
  [[], []],
  [[3], []],
  [
    ['batch', 3],
    ['batch', 3],
  ],
  [['batch', 'sequence', 3], [3]],
  [['batch', 1, 4], ['sequence', 1]],
  [
    [2, 1, 3, 1],
    [2, 1, 4],
  ],
  [[0, 3], [3]],
]

/** Cases of a function of two tensors that broadcast. */
export function binary(
  fn: (a: Tensor, b: Tensor) => Tensor,
  { left, right, types = [f32] }: { left?: Input['range']; right?: Input['range']; types?: (typeof DTYPES)[] } = {},
): Case[] {
}
