/** Evaluation: probabilities in the order of the set, the mean loss, and metrics, whatever the batches. */
import { describe, expect, it } from 'vitest'
import type { Batch } from '../../src/core/batch.ts'
import { createEvaluator } from '../../src/core/evaluators.ts'
import { type Metrics, softmax } from '../../src/core/metrics.ts'
import { batchAccuracy, evaluateSet } from '../../src/train/evaluate.ts'

const task = createEvaluator({ labels: ['a', 'b', 'c'] })

/** Logits that depend on a text alone: its sum, its first token, its length. */
async function fakeLogits({ inputIds, attentionMask, rows, length }: Batch): Promise<Float32Array> {
  const logits = new Float32Array(rows * 3)
  for (let row = 0; row < rows; row++) {
    const ids = inputIds.subarray(row * length, (row + 1) * length)
    const real = ids.filter((_, at) => attentionMask[row * length + at] === 1)
    logits.set([real.reduce((sum, id) => sum + id, 0) / 50, real[0]! / 10, real.length / 5], 3 * row)
  }
  return logits
}

/** 100 texts of 1 to 17 tokens. */
const sequences = Array.from({ length: 100 }, (_, text) =>
  Array.from({ length: 1 + ((7 * text) % 17) }, (_, at) => (text * 31 + at * 17) % 20),
)
const set = { sequences, labels: sequences.map((_, text) => text % 3) }

describe('evaluateSet', () => {
  it('gives what one text after the other gives, in the order of the set', async () => {
    const { scores, measures } = await evaluateSet(fakeLogits, set, task, 99)
    const { loss, accuracy, perClass } = measures as typeof measures & Metrics
    const expected = await Promise.all(
      sequences.map(async (ids) =>
        softmax(
          await fakeLogits({
            inputIds: Int32Array.from(ids),
            attentionMask: new Int32Array(ids.length).fill(1),
            rows: 1,
            length: ids.length,
          }),
        ),
      ),
    )
    expect(scores).toEqual(expected)
    const losses = expected.map((row, text) => -Math.log(row[text % 3]!))
    expect(loss).toBeCloseTo(losses.reduce((sum, value) => sum + value) / 100, 6)
    const hits = expected.filter((row, text) => row.indexOf(Math.max(...row)) === text % 3)
    expect(accuracy).toBeCloseTo(hits.length / 100, 12)
    expect(perClass.map(({ support }) => support)).toEqual([34, 33, 33])
  })

  it('has a finite loss where a probability rounds to 0, and none where the logits are no numbers', async () => {
    const one = { sequences: [[1]], labels: [0] }
    const lossOf = async (...logits: number[]) =>
      (await evaluateSet(async () => Float32Array.from(logits), one, task, 0)).measures.loss
    const finite = await lossOf(0, 1000, 0)
    expect(finite).toBeGreaterThan(50)
    expect(finite).toBeLessThan(Infinity)
    expect(await lossOf(Number.NaN, 1, 0)).toBeNaN()
  })
})

describe('batchAccuracy', () => {
  it('is the share of rows whose largest logit is that of their label', () => {
    const logits = Float32Array.of(3, 1, 2, 0, 5, -1, 1, 2, 9, 4, 3, 2)
    expect(batchAccuracy(logits, [0, 1, 0, 0])).toBe(0.75)
  })
})
