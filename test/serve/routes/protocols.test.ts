/** Hugging Face's and KServe's protocols with real workers behind them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { LabelScore } from '../../../src/runtime/index.ts'
import { createApp, type InferenceService } from '../../../src/serve/index.ts'
import { jsonOf, post, problemOf, type Served, serveBundles } from '../fixtures.ts'

interface Output {
  name: string
  shape: number[]
  data: (string | number)[]
  parameters: { labels: string }
}

interface InferAnswer {
  outputs: [Output, Output, Output]
}

let served: Served
let service: InferenceService
let app: ReturnType<typeof createApp>

beforeAll(async () => {
  served = await serveBundles()
  service = served.service
  app = createApp({ service })
})
afterAll(() => served.close())

describe('POST /models/{name}', () => {
  it('answers as Hugging Face does, the likeliest label first', async () => {
    const one = await jsonOf<[LabelScore, ...LabelScore[]][]>(post(app, '/models/merged', { inputs: 'ok' }))
    expect(one).toHaveLength(1)
    expect(one[0]!).toHaveLength(4)
    expect(one[0]!.map(({ score }) => score)).toEqual(one[0]!.map(({ score }) => score).toSorted((a, b) => b - a))
    const body = { inputs: ['ok', 'no'], parameters: { top_k: 1 }, options: { wait_for_model: true } }
    const two = await jsonOf<[LabelScore, ...LabelScore[]][]>(post(app, '/models/unmerged/mood', body))
    expect(two.map((labels: unknown[]) => labels.length)).toEqual([1, 1])
    expect(Object.keys(two[0]![0])).toEqual(['label', 'score'])
  })

  it('names a field at fault, and what is not there', async () => {
    const sigmoid = { inputs: 'ok', parameters: { function_to_apply: 'sigmoid' } }
    expect(await problemOf(post(app, '/models/merged', sigmoid))).toMatchObject({
      path: 'parameters.function_to_apply',
    })
    expect(await problemOf(post(app, '/models/nix', { inputs: 'ok' }))).toMatchObject({ status: 404 })
    expect(await problemOf(post(app, '/models/unmerged/nix', { inputs: 'ok' }))).toMatchObject({ status: 404 })
  })
})

describe('KServe', () => {
  const infer = (body: unknown, model = 'merged') => post(app, `/v2/models/${model}/infer`, body)
  const input = (data: unknown[], shape = [data.length]) => ({ name: 'text', datatype: 'BYTES', shape, data })

  it('describes server and models', async () => {
    expect(await jsonOf(app.request('/v2/health/live'))).toEqual({ live: true })
    expect(await jsonOf(app.request('/v2/health/ready'))).toEqual({ ready: true })
    expect(await jsonOf(app.request('/v2'))).toMatchObject({ name: 'graft', extensions: [] })
    expect(await jsonOf(app.request('/v2/models/merged'))).toMatchObject({
      name: 'merged',
      inputs: [{ name: 'text', datatype: 'BYTES', shape: [-1] }],
    })
    expect(await jsonOf(app.request('/v2/models/merged/ready'))).toEqual({ name: 'merged', ready: true })
    expect(await problemOf(app.request('/v2/models/nix'))).toMatchObject({ status: 404, code: 'serve-model' })
    expect(await problemOf(app.request('/v2/models/nix/ready'))).toMatchObject({ status: 404 })
  })

  it('gives labels and scores as tensors', async () => {
    const { results } = await jsonOf(post(app, '/v1/classify', { inputs: ['ok', 'no'], model: 'merged', top_k: null }))
    const body = await jsonOf<InferAnswer>(infer({ id: '7', inputs: [input(['ok', 'no'], [2, 1])] }))
    expect(body).toMatchObject({ id: '7', model_name: 'merged' })
    const [label, score, scores] = body.outputs
    expect(label).toEqual({
      name: 'label',
      datatype: 'BYTES',
      shape: [2],
      data: results.map((each) => each.label),
    })
    expect(score).toMatchObject({ name: 'score', datatype: 'FP32', shape: [2] })
    expect(score.data[0]).toBeCloseTo(results[0].score, 5)
    expect(scores).toMatchObject({ name: 'scores', shape: [2, 4] })
    expect(JSON.parse(scores.parameters.labels)).toEqual(['World', 'Sports', 'Business', 'Sci/Tech'])
  })

  it('takes an adapter as a parameter, and gives only the outputs that were asked for', async () => {
    const body = { inputs: [input(['ok'])], parameters: { adapter: 'mood' }, outputs: [{ name: 'score' }] }
    const answer = await jsonOf<InferAnswer>(infer(body, 'unmerged'))
    expect(answer.outputs.map(({ name }) => name)).toEqual(['score'])
  })

  it.each([
    ['a shape that is not that of the data', { inputs: [input(['ok'], [2])] }, 'inputs.0.shape'],
    ['two inputs', { inputs: [input(['ok']), input(['ok'])] }, 'inputs'],
    ['another type', { inputs: [{ ...input([1]), datatype: 'INT64' }] }, 'inputs.0.datatype'],
    ['an unknown output', { inputs: [input(['ok'])], outputs: [{ name: 'logits' }] }, 'outputs.0.name'],
  ])('refuses %s', async (_, body, path) => {
    expect(await problemOf(infer(body))).toMatchObject({ status: 400, path })
  })
})
