/** Several labels a text, and numbers, from data to served answers: trained, exported both ways, classified, evaluated. */
import { readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ProblemType } from '../../src/core/task.ts'
import { createRandom } from '../../src/core/random.ts'
import { exportBundle, openModel } from '../../src/export/index.ts'
import { readAdapter } from '../../src/files/adapter-folder.ts'
import { evaluateClassifier, openBundle } from '../../src/runtime/index.ts'
import { createApp, createInference } from '../../src/serve/index.ts'
import { prepareDataset } from '../../src/train/dataset.ts'
import type { StoredDataset } from '../../src/train/dataset.ts'
import { type TrainResult, train } from '../../src/train/train.ts'
import { type Fixture, writeFixture } from './fixtures.ts'

let fixture: Fixture
beforeAll(async () => {
  fixture = await writeFixture()
})
afterAll(() => rm(fixture.dir, { recursive: true }))

const path = (...names: string[]) => join(fixture.dir, ...names)

const colours = ['red', 'green', 'blue']

/** Texts of colours and other words, at random. */
const texts = Array.from({ length: 240 }, (_, at) => {
  const random = createRandom(1).fork(String(at))
  const has = colours.filter(() => random.uniform() < 0.4)
  return { has, text: random.shuffle([...has, 'and', 'the']).join(' ') }
})

async function dataset(problemType: ProblemType, label: (has: string[]) => string): Promise<StoredDataset> {
  const rows = texts.map(({ has, text }, line) => ({ text, label: label(has), file: 'texts', line }))
  const options = { problemType, keepRepeats: true, ...(problemType === 'regression' && { labels: ['count'] }) }
  return { ...(await prepareDataset(rows, options)), sha256: 'd'.repeat(64) }
}

const multiLabel = () => dataset('multi_label_classification', (has) => JSON.stringify(has.toSorted()))
/** Large numbers: they are trained on in their own units. */
const numbers = () => dataset('regression', (has) => String(1000 * has.length + 500))

const settings = { epochs: 25, batchSize: 16, learningRate: 0.03, threads: 1, device: 'cpu' } as const
const fit = async <Kind extends ProblemType>(
  name: string,
  data: StoredDataset,
  others = {},
): Promise<TrainResult<Kind>> =>
  train<Kind>({ base: fixture.base, dataset: data, out: path(name), ...settings, ...others })

describe('several labels a text', () => {
  let data: StoredDataset
  let result: TrainResult<'multi_label_classification'>
  beforeAll(async () => {
    data = await multiLabel()
    result = await fit('labels', data)
  })

  it('are learnt, with a threshold for each', async () => {
    expect(result.test).toMatchObject({ problemType: 'multi_label_classification', score: result.test.microF1 })
    expect(result.test.microF1).toBeGreaterThan(0.9)
    expect(result.test.meanAveragePrecision).toBeGreaterThan(0.9)
    const { info } = await readAdapter(path('labels'))
    expect(info).toMatchObject({ problemType: 'multi_label_classification', thresholds: result.thresholds })
    expect(info.thresholds).toHaveLength(3)
    expect(info.metrics).toMatchObject({ testMicroF1: result.test.microF1, testLoss: result.test.loss })
    expect(readFileSync(path('labels', 'report.html'), 'utf8')).toContain('Mean average precision')
  })

  it.each(['merged', 'unmerged'] as const)('are what a %s bundle answers', async (mode) => {
    const dir = path(`labels-${mode}`)
    const manifest = await exportBundle({
      adapters: [{ name: 'labels', dir: path('labels') }],
      mode,
      dir,
      probes: ['ok'],
    })
    const task = { problemType: 'multi_label_classification', thresholds: result.thresholds }
    expect(manifest.kind === 'merged' ? manifest : manifest.adapters[0]).toMatchObject(task)
    const config = JSON.parse(readFileSync(join(dir, 'config.json'), 'utf8'))
    expect(config.problem_type).toBe(mode === 'merged' ? 'multi_label_classification' : undefined)
    await using classifier = await openBundle(dir, { threads: 1 })
    expect(classifier.task()).toMatchObject({ ...task, labels: data.labels })
    const { microF1, loss, predictions, uncalibrated } = await evaluateClassifier<'multi_label_classification'>(
      classifier,
      data.splits.test,
      { temperature: result.temperature },
    )
    expect(microF1).toBeCloseTo(result.test.microF1, 6)
    expect(loss).toBeCloseTo(result.test.loss, 4)
    expect(uncalibrated?.loss).toBeCloseTo(result.test.uncalibrated.loss, 3)
    for (const { labels, scores } of predictions) {
      const above = scores.filter(({ score }, id) => score >= result.thresholds![id]!)
      expect(labels).toEqual(above.map(({ label }) => label))
    }
  })

  it('are served', async () => {
    const bundles = [{ name: 'labels', dir: path('labels-unmerged') }]
    const service = await createInference({ bundles, workers: 1, maxQueue: 64, maxBatchTokens: 512, maxAdapters: 4 })
    try {
      const app = createApp({ service })
      const post = async (url: string, body: unknown) => {
        const headers = { 'Content-Type': 'application/json' }
        const response = await app.request(url, { method: 'POST', body: JSON.stringify(body), headers })
        return { status: response.status, body: (await response.json()) as any } // oxlint-disable-line no-explicit-any -- of three protocols, whose shapes are what is tested
      }
      await using classifier = await openBundle(path('labels-unmerged'), { threads: 1 })
      const { label, labels, scores } = await classifier.classify('red and blue')
      const own = await post('/v1/classify', { inputs: 'red and blue', top_k: null })
      expect(own.body.results[0]).toMatchObject({ label, labels })
      expect(own.body.results[0]).not.toHaveProperty('value')
      const face = await post('/models/labels/labels', { inputs: 'red and blue' })
      expect(face.body[0]).toHaveLength(3)
      for (const each of scores)
        expect(face.body[0].find((given: typeof each) => given.label === each.label).score).toBeCloseTo(each.score, 5)
      const softmax = { inputs: 'red', parameters: { function_to_apply: 'softmax' } }
      expect((await post('/models/labels/labels', softmax)).status).toBe(400)
      const input = { name: 'text', datatype: 'BYTES', shape: [1], data: ['red and blue'] }
      const kserve = await post('/v2/models/labels/infer', { inputs: [input] })
      expect(kserve.body.outputs.map(({ name }: { name: string }) => name)).toEqual([
        'label',
        'score',
        'scores',
        'labels',
      ])
      expect(JSON.parse(kserve.body.outputs[3].data[0])).toEqual(labels)
      const { adapters } = (await (await app.request('/v1/adapters')).json()) as { adapters: object[] }
      expect(adapters[0]).toMatchObject({ problemType: 'multi_label_classification', thresholds: result.thresholds })
    } finally {
      await service.close()
    }
  })

  it('are learnt by a whole model too', async () => {
    await fit('labels-full', data, { method: 'full', learningRate: 0.01 })
    await using classifier = await openModel(path('labels-full'), { threads: 1 })
    expect(classifier.task().problemType).toBe('multi_label_classification')
    expect(classifier.task().thresholds).toHaveLength(3)
  })
})

describe('numbers', () => {
  it('are learnt, whatever their size, and answered', async () => {
    const data = await numbers()
    const result = await fit<'regression'>('numbers', data)
    expect(result.test.pearson).toBeGreaterThan(0.9)
    expect(result.test.meanAbsoluteError).toBeLessThan(400)
    const dir = path('numbers-merged')
    await exportBundle({ adapters: [{ name: 'numbers', dir: path('numbers') }], mode: 'merged', dir, probes: ['ok'] })
    const config = JSON.parse(readFileSync(join(dir, 'config.json'), 'utf8'))
    expect(config).toMatchObject({ problem_type: 'regression', id2label: { 0: 'count' } })
    await using classifier = await openBundle(dir, { threads: 1 })
    const few = await classifier.classify('and the')
    expect(few).toMatchObject({ label: 'count', score: few.value, scores: [{ label: 'count', score: few.value }] })
    expect((await classifier.classify('and red green blue the')).value).toBeGreaterThan(few.value! + 1500)
    const measured = await evaluateClassifier<'regression'>(classifier, data.splits.test, { temperature: 2 })
    expect(measured.meanSquaredError / result.test.meanSquaredError).toBeCloseTo(1, 3)
    expect(measured).not.toHaveProperty('uncalibrated')
    expect(readFileSync(path('numbers', 'report.html'), 'utf8')).toContain('Farthest off')
  })
})
