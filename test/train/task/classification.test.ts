import { describe, expect, it } from 'vitest'
import { createEvaluator } from '../../../src/core/evaluators.ts'
import { classificationTask } from '../../../src/train/task/classification.ts'
import type { TrainingBatch } from '../../../src/train/task.ts'

const TEXTS = 200
const LENGTH = 20
const PAD = 0

/** Texts of the tokens 1 to 20, in this order. */
const train = {
  sequences: Array.from({ length: TEXTS }, () => Array.from({ length: LENGTH }, (_, at) => at + 1)),
  labels: Array.from({ length: TEXTS }, () => 0),
}

const task = (tokenDropout: number, sequences: number[][] = train.sequences, special = new Set<number>()) =>
  classificationTask({
    train: { ...train, sequences },
    validation: train,
    task: createEvaluator({ labels: ['one', 'two'] }),
    padTokenId: PAD,
    batchSize: 10,
    tokenDropout,
    special,
    seed: 1,
  })

/** The texts of a batch, without padding. */
function textsOf({ feeds }: TrainingBatch): number[][] {
  const { data, shape } = feeds.input_ids ?? { data: [], shape: [] }
  const [rows = 0, columns = 0] = shape
  return Array.from({ length: rows }, (_, row) =>
    Array.from(data.slice(row * columns, (row + 1) * columns), Number).filter((id) => id !== PAD),
  )
}

describe('classificationTask', () => {
  it('leaves out the given share of tokens, in order, others in each epoch', () => {
    const { batches } = task(0.25)
    const first = batches(0).flatMap((batch) => textsOf(batch()))
    const second = batches(1).flatMap((batch) => textsOf(batch()))
    const share = 1 - first.flat().length / (TEXTS * LENGTH)
    expect(share).toBeGreaterThan(0.22)
    expect(share).toBeLessThan(0.28)
    for (const text of first) expect(text).toEqual(text.toSorted((a, b) => a - b))
    expect(second).not.toEqual(first)
  })

  it('leaves out the same ones in a run that goes on in the middle of an epoch', () => {
    const whole = task(0.25)
      .batches(3)
      .map((batch) => textsOf(batch()))
    const later = task(0.25)
      .batches(3)
      .slice(7)
      .map((batch) => textsOf(batch()))
    expect(later).toEqual(whole.slice(7))
  })

  it('keeps a text of which nothing would be left', () => {
    const texts = task(
      0.95,
      train.sequences.map(() => [5]),
    )
      .batches(0)
      .flatMap((batch) => textsOf(batch()))
    expect(texts).toEqual(train.sequences.map(() => [5]))
  })

  it('keeps the tokens around every text, and a text whole of which only they would be left', () => {
    const texts = task(0.5, train.sequences, new Set([1, LENGTH]))
      .batches(0)
      .flatMap((batch) => textsOf(batch()))
    for (const text of texts) expect([text[0], text.at(-1)]).toEqual([1, LENGTH])
    expect(texts.flat().length).toBeLessThan(0.65 * TEXTS * LENGTH)
    const short = train.sequences.map(() => [1, 7, LENGTH])
    const kept = task(0.95, short, new Set([1, LENGTH])).batches(0)
    expect(kept.flatMap((batch) => textsOf(batch()))).toEqual(short)
  })

  it('trains on whole texts without it', () => {
    expect(
      task(0)
        .batches(0)
        .flatMap((batch) => textsOf(batch())),
    ).toEqual(train.sequences)
  })
})
