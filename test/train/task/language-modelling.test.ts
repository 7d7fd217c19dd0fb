/** Language modelling as a task: its sampled softmax is an unbiased one, its perplexity is exact, and both engines train on it. */
import { describe, expect, it } from 'vitest'
import { createRandom } from '../../../src/core/random.ts'
import type { Engine, Feeds } from '../../../src/train/engine.ts'
import { createCompiledEngine } from '../../../src/train/engine/compiled.ts'
import { createEagerEngine } from '../../../src/train/engine/eager.ts'
import { languageModelProgram } from '../../../src/train/program/language-model.ts'
import { type LanguageModellingOptions, languageModellingTask } from '../../../src/train/task/language-modelling.ts'
import { config, weights } from '../../model/fixtures.ts'
import { optionsOf } from '../engine.suite.ts'

const VOCABULARY = config.vocab_size

/** Counts up by one or two tokens, always the same in a sequence: what comes next can be known from the second token on. */
function sequences(count: number, seed: number): number[][] {
  const random = createRandom(seed)
  return Array.from({ length: count }, () => {
    const [first, by] = [random.integer(VOCABULARY), 1 + random.integer(2)]
    return Array.from({ length: 7 }, (_, at) => (first + by * at) % VOCABULARY)
  })
}

const task = (options: Partial<LanguageModellingOptions> = {}) =>
  languageModellingTask({
    train: sequences(50, 1),
    validation: sequences(9, 2),
    vocabularySize: VOCABULARY,
    endOfText: VOCABULARY - 1,
    neighbours: false,
    batchSize: 8,
    samples: 10,
    seed: 3,
    ...options,
  })

const programWith = (neighbourLoss: number) =>
  languageModelProgram({
    config,
    weights: new Map([...weights].filter(([name]) => name !== 'score.weight')),
    weightDecay: 0.01,
    neighbourLoss,
  })
const program = programWith(0)

const dataOf = (feeds: Feeds, name: string) => [...(feeds[name]?.data ?? [])]

describe('languageModellingTask', () => {
  it('makes batches in which each sequence predicts its next tokens, among distinct candidates', () => {
    const { batches, stepsPerEpoch } = task()
    const made = batches(0).map((batch) => batch())
    expect(stepsPerEpoch).toBe(7)
    expect(made.map(({ feeds }) => feeds.input_ids.shape)).toEqual([...Array.from({ length: 6 }, () => [8, 6]), [2, 6]])
    expect(made.map(({ tokens }) => tokens)).toEqual([...Array(6).fill(48), 12])
    const seen = made.flatMap(({ feeds }) => {
      const candidates = dataOf(feeds, 'candidates')
      expect(new Set(candidates).size).toBe(candidates.length)
      const [ids, places] = [dataOf(feeds, 'input_ids'), dataOf(feeds, 'next_candidates')]
      return Array.from({ length: ids.length / 6 }, (_, row) =>
        String([...ids.slice(6 * row, 6 * row + 6), candidates[places[6 * row + 5]!]]),
      )
    })
    expect(seen.toSorted()).toEqual(sequences(50, 1).map(String).toSorted())
  })

  it('makes the same batches for the same seed and epoch, others for others', () => {
    const feedsOf = (seed: number, epoch: number) => task({ seed }).batches(epoch)[0]!().feeds
    expect(feedsOf(3, 1)).toEqual(feedsOf(3, 1))
    expect(feedsOf(3, 1)).not.toEqual(feedsOf(3, 0))
    expect(feedsOf(3, 1)).not.toEqual(feedsOf(4, 1))
  })

  it('estimates the sum over the whole vocabulary without bias', () => {
    const values = Array.from({ length: VOCABULARY }, (_, id) => Math.exp(Math.sin(7 * id)))
    const whole = values.reduce((sum, value) => sum + value, 0)
    const { batches } = task({ train: [[0, 1, 2]], samples: 6 })
    const estimates = Array.from({ length: 4000 }, (_, epoch) => {
      const { feeds } = batches(epoch)[0]!()
      const biases = dataOf(feeds, 'candidate_biases')
      return dataOf(feeds, 'candidates').reduce((sum, id, at) => sum + values[id]! * Math.exp(biases[at]!), 0)
    })
    const mean = estimates.reduce((sum, value) => sum + value, 0) / estimates.length
    const deviation = Math.sqrt(estimates.reduce((sum, value) => sum + (value - mean) ** 2, 0) / estimates.length)
    expect(deviation).toBeGreaterThan(0) // it is a sample
    // Within four standard errors of the mean.
    expect(Math.abs(mean - whole)).toBeLessThan((4 * deviation) / Math.sqrt(estimates.length))
  })

  async function train(engine: Engine, epochs: number, { batches } = task()): Promise<number[]> {
    const losses: number[] = []
    for (let epoch = 0; epoch < epochs; epoch++) {
      for (const batch of batches(epoch)) {
        losses.push((await engine.step(batch().feeds, { learningRate: 0.01, step: losses.length + 1 })).loss)
      }
    }
    return losses
  }

  it('draws neighbours from the same text, on both sides and the token itself among them', () => {
    const [a, b] = [
      [0, 1, 2, VOCABULARY - 1],
      [3, 4, 5, 6, 7],
    ]
    const { batches } = task({ train: [[...a, ...b]], neighbours: true }) // the last token is predicted, and is no input
    const drawn = Array.from({ length: 200 }, (_, epoch) => {
      const { feeds } = batches(epoch)[0]!()
      const candidates = dataOf(feeds, 'candidates')
      return dataOf(feeds, 'neighbour_candidates').map((place) => candidates[place])
    })
    for (let at = 0; at < 8; at++) {
      const own = new Set(at < a.length ? a : b.slice(0, -1))
      expect(new Set(drawn.map((ids) => ids[at]))).toEqual(own)
    }
  })

  it.each([0, 0.5])('trains alike on both engines, with a weight of neighbours of %s', async (neighbourLoss) => {
    const options = optionsOf(programWith(neighbourLoss))
    const [eager, compiled] = [await createEagerEngine(options), await createCompiledEngine(options)]
    const own = task({ neighbours: neighbourLoss > 0 })
    const [a, b] = [await train(eager, 2, own), await train(compiled, 2, own)]
    for (const [at, loss] of a.entries()) expect(Math.abs(b[at]! / loss - 1)).toBeLessThan(1e-4)
    expect((await own.evaluate(compiled)).loss).toBeCloseTo((await own.evaluate(eager)).loss, 3)
    await Promise.all([eager.dispose(), compiled.dispose()])
  })

  it('learns what comes next: the exact loss falls from that of guessing towards that of one unknown in six', async () => {
    const engine = await createCompiledEngine(optionsOf(program), { threads: 1 })
    const before = await task().evaluate(engine)
    await train(engine, 40)
    const after = await task().evaluate(engine)
    expect(before.loss).toBeGreaterThan(0.8 * Math.log(VOCABULARY))
    // Of six next tokens one is either of two, the others are certain.
    expect(after.loss).toBeGreaterThan(0.9 * (Math.log(2) / 6))
    expect(after.loss).toBeLessThan(Math.log(VOCABULARY) / 4)
    await engine.dispose()
  })
})
