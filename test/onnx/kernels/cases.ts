/** What a table of cases looks like, and the inputs that many cases share. */
import type * as tf from '@tensorflow/tfjs'
import type { Dim } from '../../../src/onnx/dims.ts'
import { type CaseFunction, type Input, bool, f32, given, i32 } from '../compare.ts'

/** A function that calls the kernel, and the lists of inputs to call it with. */
export interface Case {
  fn: CaseFunction
  inputs: Input[][]
}

/** Cases by TF.js kernel name. */
export type Cases = Record<string, Case[]>

/** Makes an input of a shape. */
type Make = (shape: Dim[]) => Input

export const within =
  (from: number, to: number): Make =>
  (shape) =>
    f32(shape, [from, to])

/** Ranks 0 to 4, symbolic sizes, a size of zero. */
const SHAPES: Dim[][] = [[], [5], ['batch', 3], [2, 0], ['batch', 2, 'sequence'], [2, 1, 3, 2]]

/** A function of one tensor, tried with each way to make its input. */
export function unary(fn: (x: tf.Tensor) => tf.Tensor, ...makers: Make[]): Case[] {
  const [first = f32, ...others] = makers
  const rest = others.flatMap((make) => [[make([])], [make(['batch', 6])]])
  return [{ fn, inputs: [...SHAPES.map((shape) => [first(shape)]), ...rest] }]
}

/** Shapes that broadcast, both ways. */
const PAIRS: [Dim[], Dim[]][] = [
  [[], []],
  [[3], []],
  [[], ['batch', 3]],
  [
    ['batch', 3],
    ['batch', 3],
  ],
  [['batch', 'sequence', 3], [3]],
  [
    ['batch', 1, 4],
    ['sequence', 1],
  ],
  [
    [2, 1, 3, 1],
    [2, 1, 4],
  ],
  [[0, 3], [3]],
]

/** A function of two tensors that broadcast, tried with each pair of ways to make them. */
export function binary(fn: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor, ...makers: [Make, Make][]): Case[] {
  const pairs = makers.length > 0 ? makers : [[f32, f32] as const]
  return [{ fn, inputs: pairs.flatMap(([left, right]) => PAIRS.map(([a, b]) => [left(a), right(b)])) }]
}

/** Each function with the input in every type. */
export const moves = (shape: Dim[], ...fns: CaseFunction[]): Case[] =>
  fns.map((fn) => ({ fn, inputs: [[f32(shape)], [i32(shape)], [bool(shape)]] }))

/** The same without bools. */
export const numbers = (shape: Dim[], ...fns: CaseFunction[]): Case[] =>
  fns.map((fn) => ({ fn, inputs: [[f32(shape)], [i32(shape)]] }))

/** Integers that repeat, so that comparisons find equals. */
export const few: Make = (shape) => i32(shape, [-2, 3])

/** Numbers that are their own halves' neighbours: rounding ties, signed zeros. */
export const TIES = [-2.5, -1.5, -0.5, -0, 0, 0.5, 1.5, 2.5, 3.49, -3.51]

/** What arithmetic must pass through or recognize. */
export const SPECIAL = given([Number.NaN, Infinity, -Infinity, 0, 1])

export { bool, f32, i32 }
