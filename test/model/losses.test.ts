/** The losses of several labels and of numbers, and their gradients, against PyTorch's as transformers calls it. */
import { readFileSync } from 'node:fs'
import * as tf from '@tensorflow/tfjs'
import { beforeAll, describe, expect, it } from 'vitest'
import { taskLosses } from '../../src/model/losses.ts'

interface Case {
  loss: number
  gradient: number[][]
}

const golden: {
  multiLabel: (Case & { truth: number[][]; logits: number[][] })[]
  regression: (Case & { truth: number[]; values: number[] })[]
} = JSON.parse(readFileSync(new URL('../interop/golden/tasks.json', import.meta.url), 'utf8'))

beforeAll(async () => {
  tf.enableProdMode() // else TF.js prints an advertisement for its native package
  await tf.setBackend('cpu')
})

const cases = [
  ...golden.multiLabel.map(
    (each, at) =>
      [`several labels, ${at}`, 'multi_label_classification', each.logits, tf.tensor2d(each.truth), each] as const,
  ),
  ...golden.regression.map(
    (each, at) =>
      [`numbers, ${at}`, 'regression', each.values.map((value) => [value]), tf.tensor1d(each.truth), each] as const,
  ),
]

describe('taskLosses', () => {
  it.each(cases)('are those of PyTorch: %s', (_, problemType, logits, targets, expected) => {
    const { loss } = taskLosses[problemType]
    const { value, grad } = tf.valueAndGrad((x: tf.Tensor) => loss(x as tf.Tensor2D, targets))(tf.tensor2d(logits))
    expect(value.dataSync()[0]).toBeCloseTo(expected.loss, 5)
    const gradient = Array.from(grad.dataSync())
    for (const [at, each] of expected.gradient.flat().entries()) expect(gradient[at]).toBeCloseTo(each, 6)
  })
})
