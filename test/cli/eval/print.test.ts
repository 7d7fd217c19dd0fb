/** What an evaluation looks like: a matrix for few labels, pairs for many, numbers for long names. */
import { PassThrough } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it } from 'vitest'
import { printEvaluation } from '../../../src/cli/eval/print.ts'
import { worstMistakes } from '../../../src/core/calibration.ts'
import { createUi } from '../../../src/cli/ui.ts'
import type { MeasuresOf } from '../../../src/core/evaluator.ts'
import { createEvaluator } from '../../../src/core/evaluators.ts'

/** The text for predictions by label id, each for sure. */
function print(labels: string[], truth: number[], predicted: number[], truncated = 0, text?: string): string {
  const chunks: string[] = []
  const stdout = new PassThrough() as unknown as NodeJS.WriteStream
  stdout.on('data', (chunk: Buffer) => chunks.push(String(chunk)))
  const probabilities = predicted.map((id) => labels.map((_, label) => Number(label === id)))
  const predictions = predicted.map((id) => ({ label: labels[id]!, score: 1, scores: [], tokens: 1, truncated: false }))
  const measures = createEvaluator({ labels }).measure(
    truth,
    probabilities,
  ) as MeasuresOf<'single_label_classification'>
  const texts = truth.map((id, at) => ({ text: text ?? `text ${at}`, label: labels[id]! }))
  const mistakes = worstMistakes(texts, predictions, 10)
  const measured = { ...measures, loss: 0.25, mistakes, truncated, seconds: 0.5, predictions }
  printEvaluation(createUi({ stdout }), measured)
  return stripVTControlCharacters(chunks.join(''))
}

describe('printEvaluation', () => {
  it('prints all there is on two labels', () => {
    expect(`\n${print(['ham', 'spam'], [0, 0, 0, 1, 1], [0, 0, 1, 1, 1], 2)}`).toMatchInlineSnapshot(`
      "
      texts  accuracy  macro-F1    loss  ROC-AUC  texts/s
          5    80.0 %     0.800  0.2500   0.8333       10

      label  precision  recall     F1  texts
      ham        1.000   0.667  0.800      3
      spam       0.667   1.000  0.800      2

      truth \\ predicted  ham  spam
      ham                  2     1
      spam                 0     2

      confidence  accuracy  calibration error  by chance
         100.0 %    80.0 %              0.200      0.000

      Most confident mistakes:
      confidence  truth  predicted  text
         100.0 %  ham    spam       text 2

      2 texts were longer than the model takes: their ends were not read.
      "
    `)
  })

  it('numbers the columns where names are long', () => {
    const labels = ['card_payment_not_recognised', 'cash_withdrawal_charge']
    const text = print(labels, [0, 1, 1], [0, 0, 1])
    expect(text.slice(text.indexOf('truth'))).toMatchInlineSnapshot(`
      "truth \\ predicted                (1)  (2)
      (1) card_payment_not_recognised    1    0
      (2) cash_withdrawal_charge         1    1

      confidence  accuracy  calibration error  by chance
         100.0 %    66.7 %              0.333      0.000

      Most confident mistakes:
      confidence  truth                   predicted                    text
         100.0 %  cash_withdrawal_charge  card_payment_not_recognised  text 1
      "
    `)
  })

  it('lists the most confused pairs of many labels, most first, and keeps within a terminal', () => {
    const labels = Array.from({ length: 77 }, (_, id) => `intent_${id}`)
    const truth = labels.flatMap((_, id) => [id, id, id, id])
    // The first 20 labels are wrong once, label 5 three times.
    const predicted = truth.map((id, at) => (id === 5 ? (at % 4 < 3 ? 70 : 5) : id < 20 && at % 4 === 0 ? id + 1 : id))
    const text = print(labels, truth, predicted)
    expect(text).toContain('Labels most often taken for another, 15 of 20 pairs:\n')
    const pairs = text.slice(text.indexOf('Labels'), text.indexOf('confidence')).trimEnd().split('\n').slice(2)
    expect(pairs).toHaveLength(15)
    expect(pairs[0]).toMatch(/^intent_5 +intent_70 +3 +75\.0 %$/)
    expect(pairs[1]).toMatch(/^intent_0 +intent_1 +1 +25\.0 %$/)
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThan(80)
  })

  it('shows mistakes on one line, without what moves the cursor', () => {
    const printed = print(['ham', 'spam'], [0, 1], [1, 1], 0, `two\nlines \u001b[2J\u202e${'x'.repeat(100)}`)
    expect(printed).toMatch(/^ *100\.0 % +ham +spam +two lines \[2J x{60,}…$/m)
  })

  it('says so where many labels are never confused', () => {
    const labels = Array.from({ length: 13 }, (_, id) => `intent_${id}`)
    const ids = labels.map((_, id) => id)
    expect(print(labels, ids, ids)).toContain('No label was taken for another.')
  })
})
