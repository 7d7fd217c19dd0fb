/** Evaluation of a classifier: labels by name, the numbers of its own predictions, progress, and an orderly stop. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Classifier, evaluateClassifier, exportBundle, openBundle } from '../../src/export/index.ts'
import { type Fixture, writeFixture } from '../export/fixtures.ts'

let fixture: Fixture
let classifier: Classifier

beforeAll(async () => {
  fixture = await writeFixture()
  const dir = join(fixture.dir, 'bundle')
  const adapters = [{ dir: fixture.adapters.spam }, { dir: fixture.adapters.mood }]
  await exportBundle({ adapters, mode: 'unmerged', dir, probes: ['ok'] })
  classifier = await openBundle(dir, { threads: 1 })
})
afterAll(async () => {
  await classifier.close()
  await rm(fixture.dir, { recursive: true })
})

/** Texts of cycling labels, as of a file with a header. */
const labelled = (count: number, labels: string[]) =>
  Array.from({ length: count }, (_, at) => ({
    text: `message number ${at}`,
    label: labels[at % labels.length]!,
    file: 'messages.csv',
    line: at + 2,
  }))

describe('evaluateClassifier', () => {
  it('matches labels by name, whatever their ids', async () => {
    const texts = labelled(9, ['0', '1', '2']) // the adapter's ids are the other way round
    const { perClass, confusion, accuracy, predictions } = await evaluateClassifier(classifier, texts, {
      adapter: 'mood',
    })
    expect(perClass.map(({ label, support }) => [label, support])).toEqual([
      ['2', 3],
      ['1', 3],
      ['0', 3],
    ])
    const hits = texts.filter(({ label }, at) => predictions[at]!.label === label)
    expect(accuracy).toBeCloseTo(hits.length / 9, 10)
    expect(confusion.flat().reduce((sum, count) => sum + count, 0)).toBe(9)
  })

  it('takes the loss from the probability of the true label', async () => {
    const texts = labelled(4, ['ham', 'spam'])
    const { loss, predictions, rocAuc, truncated, seconds } = await evaluateClassifier(classifier, texts, {
      adapter: 'spam',
    })
    const losses = predictions.map(({ scores }, at) => -Math.log(scores[at % 2]!.score))
    expect(loss).toBeCloseTo(losses.reduce((sum, value) => sum + value, 0) / 4, 10)
    expect(rocAuc).toBeGreaterThanOrEqual(0)
    expect(truncated).toBe(0)
    expect(seconds).toBeGreaterThan(0)
  })

  it('says how honest confidence is, and was before it was scaled, and where it was wrong', async () => {
    const texts = labelled(40, ['ham', 'spam'])
    const { calibration, uncalibrated, mistakes, predictions, loss } = await evaluateClassifier(classifier, texts, {
      adapter: 'spam',
      temperature: 2,
    })
    const mean = predictions.reduce((sum, { score }) => sum + score, 0) / 40
    expect(calibration.confidence).toBeCloseTo(mean, 10)
    // Twice the logits are the odds squared.
    const before = predictions.map(({ score }) => score ** 2 / (score ** 2 + (1 - score) ** 2))
    expect(uncalibrated?.calibration.confidence).toBeCloseTo(before.reduce((sum, score) => sum + score, 0) / 40, 5)
    expect(uncalibrated?.loss).not.toBeCloseTo(loss, 3)
    const wrong = predictions
      .map(({ label, score }, at) => ({ at, label, score }))
      .filter(({ at, label }) => label !== texts[at]!.label)
    const [worst] = wrong.toSorted((a, b) => b.score - a.score)
    expect(mistakes).toHaveLength(Math.min(10, wrong.length))
    expect(mistakes[0]).toEqual({
      text: texts[worst!.at]!.text,
      label: texts[worst!.at]!.label,
      predicted: worst!.label,
      confidence: worst!.score,
    })
    expect(await evaluateClassifier(classifier, texts, { adapter: 'spam' })).not.toHaveProperty('uncalibrated')
  })

  it('gives predictions in the order of the texts, and reports progress', async () => {
    const texts = labelled(600, ['ham', 'spam'])
    const progress: number[] = []
    const { predictions } = await evaluateClassifier(classifier, texts, {
      adapter: 'spam',
      onProgress: (done) => progress.push(done),
    })
    expect(progress).toEqual([512, 600])
    const [alone] = await classifier.classify([texts[550]!.text], { adapter: 'spam' })
    expect(predictions[550]!.score).toBeCloseTo(alone!.score, 5)
    expect(predictions[550]!.label).toBe(alone!.label)
  })

  it('counts texts that were cut', async () => {
    const texts = labelled(2, ['ham', 'spam'])
    texts[1]!.text = 'word '.repeat(100)
    expect(await evaluateClassifier(classifier, texts, { adapter: 'spam' })).toMatchObject({ truncated: 1 })
  })

  it('refuses a label that the model does not know, before it classifies', async () => {
    const texts = labelled(600, ['ham'])
    texts[599]!.label = 'Ham'
    const progress: number[] = []
    const run = evaluateClassifier(classifier, texts, { adapter: 'spam', onProgress: (done) => progress.push(done) })
    await expect(run).rejects.toMatchObject({ code: 'data-label', file: 'messages.csv', line: 601, value: 'Ham' })
    await expect(run).rejects.toThrow('the labels are "ham", "spam"')
    expect(progress).toEqual([])
  })

  it('stops when asked to, and wants an adapter that is there', async () => {
    const texts = labelled(2, ['ham', 'spam'])
    const signal = AbortSignal.abort(new Error('stopped'))
    await expect(evaluateClassifier(classifier, texts, { adapter: 'spam', signal })).rejects.toThrow('stopped')
    await expect(evaluateClassifier(classifier, texts)).rejects.toMatchObject({ code: 'adapter-index' })
  })
})
