/** Whole runs: what is written and when. */
import { readdirSync, writeFileSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import ranks from 'js-tiktoken/ranks/gpt2'
import { serializeAdapter } from '../../../src/core/adapter.ts'
import { modelOf } from '../../../src/core/families.ts'
import { checkAdapter } from '../../../src/core/adapter/fit.ts'
import { createConfig } from '../../../src/core/families/gpt2.ts'
import { parameterShapes } from '../../../src/core/layers.ts'
import { sizeOf } from '../../../src/core/tensors.ts'
import { createGpt2Tokenizer } from '../../../src/core/tokenizer/gpt2.ts'
import { referenceLogits } from '../../../src/export/reference.ts'
import { readAdapter } from '../../../src/files/adapter-folder.ts'
import { readBase } from '../../../src/files/base-folder.ts'
import type { EvaluationRecord } from '../../../src/train/report.ts'
import type { TrainSettingsInput } from '../../../src/train/settings.ts'
import type { TrainPlan } from '../../../src/train/train.ts'
import { describeKept } from '../../../src/cli/training-progress.ts'
import { randomAdapter, scoreOf } from '../../fixtures/adapter.ts'
import { base, dataset, fixture, history, path, read, refusal, run, traces } from './runs.ts'

describe('train --method lora', () => {
  it('writes an adapter of this base, with its curves and its provenance', async () => {
    let plan: TrainPlan | undefined
    const result = await run('adapter', { onStart: (started) => void (plan = started) })
    expect(traces('adapter')).toEqual(['adapter'])
    expect(readdirSync(path('adapter')).toSorted()).toEqual([
      '.graft-files.json',
      'adapter_config.json',
      'adapter_model.safetensors',
      'curves.svg',
      'graft.json',
      'metrics.jsonl',
      'report.html',
    ])
    const adapter = await readAdapter(path('adapter'))
    await checkAdapter(adapter, { ...base, tokenizer: 'gpt2' }, 'adapter')
    expect(adapter.config).toMatchObject({ r: 8, lora_alpha: 16, base_model_name_or_path: fixture.base })
    expect(adapter.info).toEqual({
      formatVersion: 1,
      kind: 'adapter',
      labels: ['fruit', 'tool'],
      baseSha256: base.sha256,
      baseConfig: { n_head: 2, layer_norm_epsilon: 1e-5, activation_function: 'gelu_new', tokenizer: 'gpt2' },
      scripts: ['Latin'],
      settingSources: { epochs: 'given', batchSize: 'given', learningRate: 'given' },
      dataSha256: dataset.sha256,
      maxLength: 16, // the base's positions
      hyperparameters: expect.objectContaining({ method: 'lora', epochs: 3, learningRate: 0.03, batchSize: 8 }),
      seed: 123,
      metrics: {
        validationAccuracy: result.validation.accuracy,
        validationMacroF1: result.validation.macroF1,
        validationLoss: result.validation.loss,
        validationLossUncalibrated: result.validation.uncalibrated.loss,
        validationCalibrationError: result.validation.calibration.expectedError,
        validationCalibrationErrorUncalibrated: result.validation.uncalibrated.calibration.expectedError,
        testAccuracy: result.test.accuracy,
        testMacroF1: result.test.macroF1,
        testLoss: result.test.loss,
        testLossUncalibrated: result.test.uncalibrated.loss,
        testCalibrationError: result.test.calibration.expectedError,
        testCalibrationErrorUncalibrated: result.test.uncalibrated.calibration.expectedError,
        temperature: result.temperature,
      },
    })
    expect(plan).toMatchObject({ totalSteps: 15, resumedAt: 0, targets: [...adapter.layers.keys()] })
    expect(plan?.targets).toHaveLength(4 * modelOf(base.config).sizes.layers)
    expect(result).toMatchObject({ out: path('adapter'), steps: 15, parameters: plan?.parameters })
  })

  it('counts the parameters', async () => {
    let plan: TrainPlan | undefined
    await run('counted', { settings: { epochs: 1 }, onStart: (started) => void (plan = started) })
    const baseSize = [...base.weights.values()].reduce((sum, { data }) => sum + data.length, 0)
    const { layers, head } = await readAdapter(path('counted'))
    const pairs = [...layers.values()].reduce((sum, { a, b }) => sum + a.data.length + b.data.length, 0)
    const trainable = pairs + head.get('score.weight')!.data.length
    expect(plan?.parameters).toEqual({ trainable, total: baseSize + trainable })
  })

  it('keeps the best step, whose adapter gives the results that were reported', async () => {
    const settings = { evalEvery: 1, learningRate: 0.3, epochs: 2 }
    const result = await run('best', { settings })
    const evaluations = history('best').filter(
      (entry): entry is Required<EvaluationRecord> => entry.kind === 'evaluation',
    )
    const best = evaluations.toSorted((a, b) => a.calibratedLoss - b.calibratedLoss)[0]
    expect(result.bestStep).toBe(best?.step)
    expect(result.bestStep).toBeLessThan(10)
    // The head was divided by the temperature: what was written is what was calibrated.
    expect(Math.abs(Math.log(result.temperature))).toBeGreaterThan(0.1)
    expect(result.validation.loss).toBeCloseTo(best?.calibratedLoss ?? NaN, 6)
    expect(result.validation.uncalibrated.loss).toBeCloseTo(best?.loss ?? NaN, 6)
    expect(result.validation.accuracy).toBe(best?.accuracy)
    expect(result.test.loss).toBeCloseTo(await testLoss('best'), 5)
  })

  it('says which step was kept, and where the run stopped', async () => {
    // A rate so low that nothing gets better.
    const result = await run('early', { learningRate: 1e-20, patience: 1 })
    expect(result).toMatchObject({ bestStep: 5, steps: 10, plannedSteps: 15 })
    expect(describeKept(result)).toBe(
      'Kept step 5 of 10, the best on the validation part. Stopped early, 5 steps before the end: it got no better.',
    )
    expect(describeKept({ ...result, steps: 15 })).toBe('Kept step 5 of 15, the best on the validation part.')
  })

  it("writes the embedding's adapter with a row for each token, zero where no text has it", async () => {
    const plans: TrainPlan[] = []
    const settings = { epochs: 2, lora: { rank: 2, targetModules: ['wte', 'c_fc'] } }
    const result = await run('embedding', { settings, onStart: (plan) => plans.push(plan) })
    expect(result.test.loss).toBeCloseTo(await testLoss('embedding'), 5)
    const adapter = await readAdapter(path('embedding'))
    const { a } = adapter.layers.get('transformer.wte')!
    expect(a.shape).toEqual([50257, 2])
    const { encode } = createGpt2Tokenizer(ranks)
    const used = new Set(dataset.splits.train.flatMap(({ text }) => encode(text).ids))
    const changed = Array.from({ length: 50257 }, (_, id) => id).filter((id) => a.data[2 * id] !== 0)
    expect(changed).toEqual([...used].toSorted((x, y) => x - y))
    const stored = [...adapter.layers.values()].reduce((sum, { a, b }) => sum + sizeOf(a.shape) + sizeOf(b.shape), 0)
    expect(plans[0]?.parameters.trainable).toBe(stored + sizeOf(scoreOf(adapter).shape))
  })

  /** The loss on the test part of an adapter as it was written, by the reference. */
  async function testLoss(name: string): Promise<number> {
    const { encode } = createGpt2Tokenizer(ranks)
    const { test } = dataset.splits
    const adapter = await readAdapter(path(name))
    const sequences = test.map(({ text }) => encode(text).ids)
    const logits = await referenceLogits({ config: base.config, weights: base.weights, adapter }, sequences)
    const losses = logits.map((row, at) => {
      const label = dataset.labels.indexOf(test[at]!.label)
      return Math.log(row.reduce((sum, logit) => sum + Math.exp(logit), 0)) - row[label]!
    })
    return losses.reduce((sum, loss) => sum + loss) / losses.length
  }

  it('ends in the middle of an epoch where the steps end there, after an evaluation', async () => {
    const most = await run('most', { settings: { maxSteps: 7 } })
    expect(most).toMatchObject({ steps: 7, settings: { maxSteps: 7 } })
    expect(history('most').at(-1)).toMatchObject({ kind: 'evaluation', step: 7 })
    expect((await run('least', { settings: { epochs: 1, minSteps: 8 } })).steps).toBe(8)
  })

  it('refuses an option that there is not, before anything else', async () => {
    const misspelt = { leraningRate: 1 } as TrainSettingsInput
    expect(await refusal('misspelt', { settings: misspelt })).toMatchObject({
      code: 'usage',
      message: expect.stringContaining('unknown setting "leraningRate"'),
    })
    expect(traces('misspelt')).toEqual([])
  })

  it('gives the same on both engines, within what single precision leaves', async () => {
    const settings = { epochs: 1 }
    const [compiled, eager] = [
      await run('compiled', { settings }),
      await run('eager', { settings: { ...settings, device: 'tfjs-cpu' } }),
    ]
    expect(eager.test.loss).toBeCloseTo(compiled.test.loss, 4)
    expect(history('eager').map(({ loss }) => loss)).toEqual(
      history('compiled').map(({ loss }) => expect.closeTo(loss, 4) as number),
    )
  })

  it("writes less than 1 % of the base's file at r 8 for the tutorial's model", () => {
    const tutorial = createConfig()
    const files = serializeAdapter(randomAdapter({ config: tutorial, rank: 8 }))
    const baseBytes = [...parameterShapes(tutorial).values()].reduce((sum, shape) => sum + 4 * sizeOf(shape), 0)
    expect(files['adapter_model.safetensors'].length / baseBytes).toBeLessThan(0.01)
  })
})

describe('train refuses', () => {
  it('a target that matches nothing, though another does, and leaves nothing behind', async () => {
    expect(await refusal('porj', { settings: { lora: { targetModules: ['c_attn', 'c_porj'] } } })).toMatchObject({
      code: 'usage',
      message: 'target modules "c_porj" match no layer of the model',
    })
    expect(traces('porj')).toEqual([])
  })

  it('a base for another problem', async () => {
    await cp(fixture.base, path('ranking'), { recursive: true })
    const config = JSON.parse(read('ranking', 'config.json').toString())
    writeFileSync(path('ranking', 'config.json'), JSON.stringify({ ...config, problem_type: 'ranking' }))
    expect(await refusal('of-ranking', { base: path('ranking') })).toMatchObject({
      code: 'config',
      message: expect.stringContaining('problem_type "ranking" is not supported'),
    })
  })
})

describe('train --method full', () => {
  it('learns', async () => {
    const result = await run('learnt', { settings: { method: 'full', epochs: 15, learningRate: 0.02 } })
    expect(result.test.accuracy).toBeGreaterThanOrEqual(0.9)
  })

  it('writes a base that can be trained on, with embeddings of unused tokens as they were', async () => {
    await run('model', { settings: { method: 'full' } })
    const model = await readBase(path('model'))
    expect(model.config).toMatchObject({
      architectures: ['GPT2ForSequenceClassification'],
      id2label: { 0: 'fruit', 1: 'tool' },
      label2id: { fruit: 0, tool: 1 },
      problem_type: 'single_label_classification',
    })
    expect(model.info).toMatchObject({ kind: 'model', labels: ['fruit', 'tool'], baseSha256: base.sha256 })
    const [before, after] = [base.weights, model.weights].map((weights) => weights.get('transformer.wte.weight')!.data)
    const changed = new Set<number>()
    for (const [at, value] of after!.entries()) if (value !== before![at]) changed.add(Math.floor(at / 8))
    const { encode } = createGpt2Tokenizer(ranks)
    const used = new Set(dataset.splits.train.flatMap(({ text }) => encode(text).ids))
    expect([...changed].toSorted((a, b) => a - b)).toEqual([...used].toSorted((a, b) => a - b))
    for (const name of model.weights.keys()) expect(model.weights.get(name)).not.toEqual(base.weights.get(name))
    const next = await run('next', { base: path('model'), settings: { epochs: 1 } })
    expect(next.test.loss).toBeLessThan(1)
  })
})
