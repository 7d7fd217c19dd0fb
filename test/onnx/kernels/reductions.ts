/** Cases of reductions and softmax. */
import * as tf from '@tensorflow/tfjs'
import type { CaseFunction, Input } from '../compare.ts'
import { type Case, type Cases, bool, f32, few, i32, within } from './cases.ts'

type Reduction = (x: tf.Tensor, axis?: number | number[], keepDims?: boolean) => tf.Tensor

/** Over all axes, one (from either end), several, none; kept or not. */
function reduction(reduce: Reduction, ...makers: ((shape: Input['shape']) => Input)[]): Case[] {
  const fns: CaseFunction[] = [
    (x) => reduce(x, -1),
    (x) => reduce(x, 0, true),
    (x) => reduce(x, [-1, 0]),
    (x) => reduce(x, [1, 2], true),
    (x) => reduce(x, []),
  ]
  const shapes: Input['shape'][] = [
    ['batch', 2, 'sequence'],
    [2, 3, 1, 2],
  ]
  const all = { fn: (x: tf.Tensor) => reduce(x), inputs: makers.flatMap((make) => [[make([])], [make(['batch', 3])]]) }
  return [all, ...fns.map((fn) => ({ fn, inputs: makers.flatMap((make) => shapes.map((shape) => [make(shape)])) }))]
}

const along = (fns: CaseFunction[], ...inputs: Input[]): Case[] =>
  fns.map((fn) => ({ fn, inputs: inputs.map((input) => [input]) }))

const empty = (fn: CaseFunction): Case => ({ fn, inputs: [[f32([0, 3])], [f32([3, 0])]] })

export const reductions: Cases = {
  All: reduction(tf.all, bool),
  Any: reduction(tf.any, bool),
  ArgMax: along(
    [(x) => tf.argMax(x), (x) => tf.argMax(x, -1), (x) => tf.argMax(x, 1)],
    f32(['batch', 'sequence']),
    few(['batch', 7]),
    f32([2, 3, 4]),
  ),
  ArgMin: along([(x) => tf.argMin(x), (x) => tf.argMin(x, -1)], f32(['batch', 'sequence']), few([4, 7])),
  Max: reduction(tf.max, f32, i32),
  Mean: reduction(tf.mean, f32, i32),
  Min: reduction(tf.min, f32, i32),
  Prod: reduction(tf.prod, f32, few),
  Sum: [...reduction(tf.sum, f32, i32, bool), empty((x) => tf.sum(x, 0)), empty((x) => tf.sum(x))],
  Softmax: along(
    [(x) => tf.softmax(x)],
    f32([5]),
    within(-80, 80)(['batch', 'sequence', 4]),
    f32(['batch', 'sequence']),
  ),
}
