/** Metrics against values worked out by hand and known from scikit-learn's documentation. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { argMax, evaluate, meanCrossEntropy, softmax } from '../../src/core/metrics.ts'

/** Probabilities that say `predicted` for sure, for `count` labels. */
const certain = (predicted: number[], count: number) =>
  predicted.map((id) => Array.from({ length: count }, (_, label) => (label === id ? 1 : 0)))

const binary = (scores: number[]) => scores.map((score) => Float32Array.of(1 - score, score))

describe('evaluate', () => {
  it('gives scikit-learn’s values for three labels', () => {
    // The example of sklearn.metrics.f1_score: macro 0.2667.
    const metrics = evaluate(['a', 'b', 'c'], [0, 1, 2, 0, 1, 2], certain([0, 2, 1, 0, 0, 1], 3))
    expect(metrics.accuracy).toBeCloseTo(1 / 3)
    expect(metrics.macroF1).toBeCloseTo(0.26666)
    expect(metrics.confusion).toEqual([
      [2, 0, 0],
      [1, 0, 1],
      [0, 2, 0],
    ])
    expect(metrics.perClass).toEqual([
      { label: 'a', precision: expect.closeTo(2 / 3), recall: 1, f1: expect.closeTo(0.8), support: 2 },
      { label: 'b', precision: 0, recall: 0, f1: 0, support: 2 },
      { label: 'c', precision: 0, recall: 0, f1: 0, support: 2 },
    ])
    expect(metrics).not.toHaveProperty('rocAuc')
  })

  it('gives different precision, recall and F1 by hand', () => {
    // spam: 3 found of 4, 1 false alarm of 6 ham.
    const truth = [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    const { perClass, accuracy } = evaluate(['ham', 'spam'], truth, certain([1, 1, 1, 0, 1, 0, 0, 0, 0, 0], 2))
    expect(accuracy).toBeCloseTo(0.8)
    expect(perClass[1]).toEqual({ label: 'spam', precision: 0.75, recall: 0.75, f1: 0.75, support: 4 })
    expect(perClass[0]).toMatchObject({ precision: expect.closeTo(5 / 6), recall: expect.closeTo(5 / 6), support: 6 })
  })

  it('counts 0 / 0 as 0 for a label that neither occurs nor is predicted', () => {
    const { perClass, macroF1 } = evaluate(['a', 'b', 'c'], [0, 1], certain([0, 1], 3))
    expect(perClass[2]).toEqual({ label: 'c', precision: 0, recall: 0, f1: 0, support: 0 })
    expect(macroF1).toBeCloseTo(2 / 3)
  })

  it('gives scikit-learn’s ROC-AUC', () => {
    // The example of sklearn.metrics.roc_auc_score.
    expect(evaluate(['n', 'p'], [0, 0, 1, 1], binary([0.1, 0.4, 0.35, 0.8])).rocAuc).toBe(0.75)
    expect(evaluate(['n', 'p'], [0, 0, 1, 1], binary([0.1, 0.2, 0.7, 0.8])).rocAuc).toBe(1)
    expect(evaluate(['n', 'p'], [1, 0, 1], binary([0.5, 0.5, 0.5])).rocAuc).toBe(0.5)
    expect(evaluate(['n', 'p'], [1, 1], binary([0.1, 0.9]))).not.toHaveProperty('rocAuc')
  })

  it('gives the ROC-AUC that counting all pairs gives', () => {
    const scored = fc.array(
      fc.record({ label: fc.integer({ min: 0, max: 1 }), score: fc.integer({ min: 0, max: 8 }) }),
      {
        minLength: 2,
        maxLength: 40,
      },
    )
    fc.assert(
      fc.property(scored, (rows) => {
        const of = (label: number) => rows.filter((row) => row.label === label).map(({ score }) => score)
        const pairs = of(1).flatMap((positive) => of(0).map((negative) => (Math.sign(positive - negative) + 1) / 2))
        fc.pre(pairs.length > 0)
        const area = pairs.reduce((sum, win) => sum + win, 0) / pairs.length
        const { rocAuc } = evaluate(
          ['n', 'p'],
          rows.map(({ label }) => label),
          binary(rows.map(({ score }) => score / 8)),
        )
        expect(rocAuc).toBeCloseTo(area, 10)
      }),
    )
  })
})

describe('argMax', () => {
  it('takes the first of equals', () => {
    expect(argMax([1, 3, 3, 2])).toBe(1)
    expect(argMax(Float32Array.of(-2, -1))).toBe(1)
  })
})

describe('softmax', () => {
  it('gives probabilities in the proportions of the exponentials', () => {
    const probabilities = [...softmax(Float32Array.of(0, 1, 3))]
    expect(probabilities.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 12)
    expect(probabilities[1]! / probabilities[0]!).toBeCloseTo(Math.E, 12)
    expect(probabilities[2]! / probabilities[1]!).toBeCloseTo(Math.E ** 2, 12)
  })

  it('takes logits of any size', () => {
    expect([...softmax(Float32Array.of(3e38, 3e38, -3e38))]).toEqual([0.5, 0.5, 0])
    expect([...softmax(Float32Array.of(Number.NaN, 1))]).toEqual([Number.NaN, Number.NaN])
  })
})

describe('meanCrossEntropy', () => {
  it('is the mean of minus the logarithm of the true label’s probability', () => {
    const expected = -(Math.log(0.5) + Math.log(0.2)) / 2
    const rows = [Float64Array.of(0.5, 0.3, 0.2), Float64Array.of(0.7, 0.1, 0.2)]
    expect(meanCrossEntropy([0, 2], rows)).toBeCloseTo(expected, 12)
  })

  it('stays finite for a probability of 0, and shows a NaN', () => {
    expect(meanCrossEntropy([0], [[0, 1]])).toBeGreaterThan(700)
    expect(meanCrossEntropy([0], [[0, 1]])).toBeLessThan(Infinity)
    expect(meanCrossEntropy([0], [[Number.NaN, Number.NaN]])).toBeNaN()
  })
})
