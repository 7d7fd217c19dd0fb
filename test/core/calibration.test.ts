/** Calibration against its definition, written out naively, and against simulated honest models. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { calibrationOf, worstMistakes } from '../../src/core/calibration.ts'
import { argMax } from '../../src/core/metrics.ts'
import { createRandom } from '../../src/core/random.ts'

/** Guo et al. 2017, equation 3, one bin after the other. */
function naiveError(truth: readonly number[], probabilities: readonly number[][]): number {
  let error = 0
  for (let bin = 1; bin <= 10; bin++) {
    const members = probabilities
      .map((row, at) => ({ confidence: Math.max(...row), right: argMax(row) === truth[at] }))
      .filter(({ confidence }) => confidence > (bin - 1) / 10 && confidence <= bin / 10)
    if (members.length === 0) continue
    const accuracy = members.filter(({ right }) => right).length / members.length
    const confidence = members.reduce((sum, member) => sum + member.confidence, 0) / members.length
    error += (members.length / truth.length) * Math.abs(accuracy - confidence)
  }
  return error
}

/** Three labels; logits wide enough for every bin. */
const texts = fc.array(
  fc.tuple(
    fc.nat(2),
    fc.tuple(fc.double({ min: -4, max: 4, noNaN: true }), fc.double({ min: -4, max: 4, noNaN: true })),
  ),
  { minLength: 1, maxLength: 60 },
)
const probabilitiesOf = ([a, b]: [number, number]): number[] => {
  const exponentials = [Math.exp(a), Math.exp(b), 1]
  const total = exponentials.reduce((sum, value) => sum + value)
  return exponentials.map((value) => value / total)
}

describe('calibrationOf', () => {
  it('is the definition', () => {
    fc.assert(
      fc.property(texts, (rows) => {
        const truth = rows.map(([label]) => label)
        const probabilities = rows.map(([, logits]) => probabilitiesOf(logits))
        const { expectedError, bins, confidence } = calibrationOf(truth, probabilities)
        expect(expectedError).toBeCloseTo(naiveError(truth, probabilities), 10)
        expect(bins.reduce((sum, { count }) => sum + count, 0)).toBe(rows.length)
        const mean = bins.reduce((sum, bin) => sum + bin.count * bin.confidence, 0) / rows.length
        expect(mean).toBeCloseTo(confidence, 10)
        for (const bin of bins) {
          expect(bin.confidence).toBeGreaterThan(bin.from)
          expect(bin.confidence).toBeLessThanOrEqual(bin.to + 1e-12)
        }
      }),
    )
  })

  it('puts a confidence on an edge into the bin below it, and 1 into the last', () => {
    const { bins } = calibrationOf(
      [0, 0, 1],
      [
        [0.5, 0.5],
        [1, 0],
        [0, 1],
      ],
    )
    expect(bins).toEqual([
      { from: 0.4, to: 0.5, count: 1, confidence: 0.5, accuracy: 1 },
      { from: 0.9, to: 1, count: 2, confidence: 1, accuracy: 1 },
    ])
  })

  it('is no number where a probability is none', () => {
    expect(
      calibrationOf(
        [0, 0],
        [
          [NaN, NaN],
          [1, 0],
        ],
      ).expectedError,
    ).toBeNaN()
  })

  it('knows what chance gives a model whose confidence is honest', () => {
    const random = createRandom(1)
    const rows = Array.from({ length: 112 }, () => 0.7 + 0.29 * random.uniform())
    const probabilities = rows.map((confidence) => [confidence, 1 - confidence])
    const errors = Array.from({ length: 400 }, () => {
      const truth = rows.map((confidence) => (random.uniform() < confidence ? 0 : 1))
      return calibrationOf(truth, probabilities).expectedError
    })
    const mean = errors.reduce((sum, error) => sum + error) / errors.length
    expect(
      calibrationOf(
        rows.map(() => 0),
        probabilities,
      ).chance / mean,
    ).toBeCloseTo(1, 1)
  })
})

describe('worstMistakes', () => {
  it('lists what was wrong, the most confident first', () => {
    const labelled = ['a', 'b', 'c', 'd'].map((text) => ({ text, label: 'ham' }))
    const predictions = [
      { label: 'spam', score: 0.6 },
      { label: 'ham', score: 0.99 },
      { label: 'spam', score: 0.9 },
      { label: 'eggs', score: 0.7 },
    ]
    expect(worstMistakes(labelled, predictions, 2)).toEqual([
      { text: 'c', label: 'ham', predicted: 'spam', confidence: 0.9 },
      { text: 'd', label: 'ham', predicted: 'eggs', confidence: 0.7 },
    ])
  })
})
