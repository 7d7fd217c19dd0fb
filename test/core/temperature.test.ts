/** Temperature scaling: answers stay, the loss never rises, few texts prove little, and many give the temperature back. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { argMax, meanCrossEntropy, softmax } from '../../src/core/metrics.ts'
import { createRandom } from '../../src/core/random.ts'
import { crossEntropyAt } from '../../src/core/evaluators/single-label.ts'
import { fitTemperature as fit } from '../../src/core/temperature.ts'

const fitTemperature = (truth: number[], logits: Float32Array[]) => fit(crossEntropyAt(truth, logits))
const lossAt = (temperature: number, truth: number[], logits: Float32Array[]) =>
  crossEntropyAt(truth, logits)(1 / temperature).loss / truth.length

const row = (labels: number, size: number) =>
  fc.array(fc.double({ min: -size, max: size, noNaN: true }), { minLength: labels, maxLength: labels })

/** Logits of 1 to 40 texts, two to five labels, of a random size. */
const sets = fc
  .tuple(fc.integer({ min: 2, max: 5 }), fc.constantFrom(0.01, 1, 10, 1000))
  .chain(([labels, size]) => fc.array(fc.tuple(fc.nat(labels - 1), row(labels, size)), { minLength: 1, maxLength: 40 }))
  .map((texts) => ({
    truth: texts.map(([label]) => label),
    logits: texts.map(([, values]) => Float32Array.from(values)),
  }))

/** Texts that are all classified alike, with a distance between the two logits. */
const alike = (count: number, gap: number) => Array.from({ length: count }, () => Float32Array.of(gap, 0))

const confidence = (gap: number, temperature: number) => 1 / (1 + Math.exp(-gap / temperature))

describe('fitTemperature', () => {
  it('is a positive number that changes no answer and never makes the loss worse', () => {
    fc.assert(
      fc.property(sets, ({ truth, logits }) => {
        const temperature = fitTemperature(truth, logits)
        expect(temperature).toBeGreaterThan(0)
        expect(temperature).toBeLessThan(Infinity)
        const scaled = logits.map((values) => values.map((value) => value / temperature))
        for (const [at, values] of logits.entries()) {
          const best = scaled[at]!.reduce((a, b) => Math.max(a, b))
          expect(scaled[at]![argMax(values)]).toBeGreaterThanOrEqual(best)
        }
        const [before, after] = [lossAt(1, truth, logits), lossAt(temperature, truth, logits)]
        expect(after).toBeLessThanOrEqual(before + 1e-9 * (1 + before))
      }),
      { numRuns: 300 },
    )
  })

  it('goes by the loss that the scaled logits have', () => {
    const random = createRandom(2)
    const logits = Array.from({ length: 50 }, () => Float32Array.from({ length: 3 }, () => 10 * random.normal()))
    const truth = logits.map(() => random.integer(3))
    const scaled = logits.map((values) => softmax(values, 3))
    expect(lossAt(3, truth, logits)).toBeCloseTo(meanCrossEntropy(truth, scaled), 10)
  })

  it.each([0.5, 1, 2.5, 4])('gives the temperature %d back that many texts show', (expected) => {
    const random = createRandom(5)
    const texts = Array.from({ length: 4000 }, () => Float32Array.from({ length: 4 }, () => 2 * random.normal()))
    const truth = texts.map((values) => {
      let left = random.uniform()
      const label = softmax(values).findIndex((probability) => (left -= probability) < 0)
      return Math.max(0, label)
    })
    const logits = texts.map((values) => values.map((value) => value * expected))
    // Sharpening stops short of the best by what chance explains.
    expect(fitTemperature(truth, logits) / expected).toBeGreaterThan(0.93)
    expect(fitTemperature(truth, logits) / expected).toBeLessThan(expected < 1 ? 1.15 : 1.07)
  })

  it.each([
    [3, 1],
    [10, 2.6],
    [56, 2.6],
    [1000, 2],
  ])('does not take %d texts of which all are right for certainty', (count, gap) => {
    const temperature = fitTemperature(Array(count).fill(0), alike(count, gap))
    expect(temperature).toBeLessThanOrEqual(1)
    // That so many are right by luck must not be less likely than 1 %, or nothing is changed.
    const sure = confidence(gap, temperature)
    expect(temperature === 1 || sure <= Math.exp(-3.3 / count)).toBe(true)
    expect(sure).toBeLessThan(0.998)
  })

  it('leaves a confidence that few texts cannot better, whatever its size', () => {
    expect(fitTemperature(Array(56).fill(0), alike(56, 8))).toBe(1)
    expect(fitTemperature([0], alike(1, 0.1))).toBe(1)
  })

  it('does not take one mistake for ignorance, nor many for luck', () => {
    const [one, many] = [1, 100].map((count) => confidence(5, fitTemperature(Array(count).fill(1), alike(count, 5))))
    expect(one).toBeGreaterThan(0.7)
    expect(one).toBeLessThan(0.9)
    expect(many).toBeLessThan(0.51)
  })

  it('brings an overconfident model down to its accuracy', () => {
    const truth = Array.from({ length: 200 }, (_, at) => (at % 10 === 0 ? 1 : 0))
    expect(confidence(6, fitTemperature(truth, alike(200, 6)))).toBeCloseTo(0.9, 2)
  })
})
