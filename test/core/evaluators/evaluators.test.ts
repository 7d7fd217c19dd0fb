/** The tasks against scikit-learn and SciPy, and what a label, an answer and a threshold are. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { averagePrecision, bestThreshold } from '../../../src/core/metrics/multi-label.ts'
import { createEvaluator } from '../../../src/core/evaluators.ts'
import { labelFormat } from '../../../src/core/label-formats.ts'
import { binaryCrossEntropyAt } from '../../../src/core/evaluators/multi-label.ts'

const golden: {
  multiLabel: ({ truth: number[][]; logits: number[][]; thresholds: number[]; hammingErrors: number[] } & Record<
    'precision' | 'recall' | 'f1' | 'support',
    number[]
  > &
    Record<'loss' | 'accuracy' | 'microF1' | 'macroF1' | 'meanAveragePrecision', number>)[]
  regression: ({ truth: number[]; values: number[] } & Record<string, number>)[]
} = JSON.parse(readFileSync(new URL('../../interop/golden/tasks.json', import.meta.url), 'utf8'))

const place = { file: 'data.csv', line: 7 }

describe('multi-label', () => {
  it.each(golden.multiLabel)('measures as scikit-learn and PyTorch do, case %#', (expected) => {
    const labels = expected.truth[0]!.map((_, id) => `label ${id}`)
    const task = createEvaluator({ problemType: 'multi_label_classification', labels, thresholds: expected.thresholds })
    const scores = expected.logits.map((row) => task.scores(row))
    const measures = task.measure(expected.truth, scores)
    if (measures.problemType !== 'multi_label_classification') throw new Error('another task')
    for (const name of ['accuracy', 'microF1', 'macroF1', 'meanAveragePrecision'] as const)
      expect(measures[name]).toBeCloseTo(expected[name], 12)
    for (const name of ['precision', 'recall', 'f1', 'support'] as const)
      for (const [id, each] of measures.perClass.entries()) expect(each[name]).toBeCloseTo(expected[name][id]!, 12)
    // PyTorch's is in single precision. Scores end at the largest number below 1, so a logit of 60 counts as 36.7.
    const count = labels.length * scores.length
    expect(binaryCrossEntropyAt(expected.truth, expected.logits)(1).loss / count).toBeCloseTo(expected.loss, 5)
    const capped = expected.logits.map((row) => row.map((logit) => Math.min(logit, 53 * Math.LN2)))
    expect(measures.loss).toBeCloseTo(binaryCrossEntropyAt(expected.truth, capped)(1).loss / count, 9)
    expect(measures.score).toBe(measures.microF1)
    expect(task.errors(expected.truth, scores)).toEqual(expected.hammingErrors)
  })

  it('gives its logits back', () => {
    const task = createEvaluator({ problemType: 'multi_label_classification', labels: ['a', 'b'] })
    for (const logit of [-700, -30, -1, 0, 2, 30])
      expect(task.logitsOf(task.scores([logit]))[0]! / (logit || 1)).toBeCloseTo(logit ? 1 : 0, 1)
    expect(task.logitsOf(task.scores([1000]))[0]).toBeLessThan(Infinity)
  })

  it('answers with the labels at or above their thresholds', () => {
    const task = createEvaluator({
      problemType: 'multi_label_classification',
      labels: ['a', 'b', 'c'],
      thresholds: [0.5, 0.9, 0.1],
    })
    expect(task.answer([0.5, 0.8, 0.2])).toMatchObject({ label: 'b', score: 0.8, labels: ['a', 'c'] })
    expect(task.answer([0.4, 0.8, 0.05]).labels).toEqual([])
  })

  it('reads lists, single names and none, and stores them alike', () => {
    const { read, names } = labelFormat('multi_label_classification')
    expect(read(['joy', 'anger', ' joy'], place)).toBe('["anger","joy"]')
    expect(read('["joy", "anger"]', place)).toBe('["anger","joy"]')
    expect(read(' joy; really ', place)).toBe('["joy; really"]')
    expect(read('', place)).toBe('[]')
    expect(names('["anger","joy"]')).toEqual(['anger', 'joy'])
    for (const wrong of ['[joy]', '[{"a":1}]', '["joy"', '["a",""]'])
      expect(() => read(wrong, place)).toThrow(/data\.csv, line 7/)
  })

  it('encodes names as ones', () => {
    const task = createEvaluator({ problemType: 'multi_label_classification', labels: ['a', 'b', 'c'] })
    expect(task.encode('["c","a"]', place)).toEqual([1, 0, 1])
    expect(task.encode('[]', place)).toEqual([0, 0, 0])
    expect(() => task.encode('["d"]', place)).toThrow('data.csv, line 7: unknown label "d"')
  })

  it('calibrates: never a higher loss, and thresholds that give the best F1', () => {
    const { truth, logits } = golden.multiLabel[0]!
    const labels = truth[0]!.map((_, id) => `label ${id}`)
    const task = createEvaluator({ problemType: 'multi_label_classification', labels })
    const { temperature, thresholds } = task.calibrate(truth, logits)
    const loss = binaryCrossEntropyAt(truth, logits)
    expect(loss(1 / temperature).loss).toBeLessThanOrEqual(loss(1).loss)
    const scores = logits.map((row) => task.scores(row, temperature))
    const tuned = createEvaluator({ problemType: 'multi_label_classification', labels, thresholds })
    const f1 = (at: typeof task) => at.measure(truth, scores) as unknown as { macroF1: number }
    expect(f1(tuned).macroF1).toBeGreaterThan(f1(task).macroF1)
  })
})

describe('bestThreshold', () => {
  it('is half-way between the scores, nearest to a half of equally good ones, and one half for a label that none has', () => {
    expect(bestThreshold([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4])).toBeCloseTo(0.25)
    expect(bestThreshold([0, 1, 0, 1], [0.1, 0.2, 0.7, 0.8])).toBeCloseTo(0.15)
    expect(bestThreshold([0, 1], [0.4, 0.9])).toBe(0.5)
    expect(bestThreshold([0, 0], [0.6, 0.9])).toBe(0.5)
    expect(bestThreshold([1, 0], [0.6, 0.6])).toBe(0.5)
  })
})

describe('averagePrecision', () => {
  it('counts texts of one score together', () => {
    expect(averagePrecision([1, 0, 1, 0], [0.5, 0.5, 0.5, 0.5])).toBe(0.5)
    expect(averagePrecision([1, 1, 0, 0], [0.9, 0.8, 0.7, 0.1])).toBe(1)
  })
})

describe('regression', () => {
  it.each(golden.regression)('measures as scikit-learn and SciPy do, case %#', (expected) => {
    const task = createEvaluator({ problemType: 'regression', labels: ['stars'] })
    const scores = expected.values.map((value) => task.scores([value]))
    const measures = task.measure(expected.truth, scores) as unknown as Record<string, number>
    for (const name of ['meanSquaredError', 'meanAbsoluteError', 'r2', 'pearson', 'spearman'])
      expect(measures[name]).toBeCloseTo(expected[name]!, 6)
    expect(measures.loss).toBeCloseTo(expected.loss!, 5)
    expect(measures.score).toBe(measures.r2)
  })

  it('reads numbers alone', () => {
    const { read, names } = labelFormat('regression')
    expect([' 3.50', '-1e-3', '+.5'].map((cell) => read(cell, place))).toEqual(['3.5', '-0.001', '0.5'])
    expect(names('3.5')).toEqual([])
    for (const wrong of ['', '3,5', 'three', '1e999', 'Infinity', '0x10'])
      expect(() => read(wrong, place)).toThrow(/^data\.csv, line 7: /)
  })

  it('answers with the number', () => {
    const task = createEvaluator({ problemType: 'regression', labels: ['stars'] })
    const expected = { label: 'stars', score: 2.5, value: 2.5, scores: [{ label: 'stars', score: 2.5 }] }
    expect(task.answer(task.scores([2.5]))).toEqual(expected)
    expect(task.encode('2.5', place)).toBe(2.5)
  })
})

describe('single label', () => {
  const task = createEvaluator({ labels: ['ham', 'spam'] })

  it('is what a task is that says nothing', () => {
    expect(task.problemType).toBe('single_label_classification')
    const answer = task.answer(task.scores(Float32Array.of(0, 2)))
    expect(answer.label).toBe('spam')
    expect(answer).not.toHaveProperty('labels')
    expect(
      task.errors(
        [1, 0],
        [
          [0.2, 0.8],
          [0.2, 0.8],
        ],
      ),
    ).toEqual([0, 1])
  })

  it('refuses lists and empty cells', () => {
    const { read } = labelFormat()
    expect(read(' spam ', place)).toBe('spam')
    for (const wrong of ['  ', ['a', 'b']]) expect(() => read(wrong, place)).toThrow(/^data\.csv, line 7: /)
  })
})
