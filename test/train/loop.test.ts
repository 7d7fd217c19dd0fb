/** The loop with a real engine: it learns, evaluates when it should, stops early, and resumes as if it had not stopped. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRandom } from '../../src/core/random.ts'
import type { Engine, TrainingState } from '../../src/train/engine.ts'
import { createCompiledEngine } from '../../src/train/engine/compiled.ts'
import { createEvaluator } from '../../src/core/evaluators.ts'
import type { EncodedSet } from '../../src/train/evaluate.ts'
import { classificationTask } from '../../src/train/task/classification.ts'
import { type LoopOptions, type Run, type RunState, runLoop } from '../../src/train/loop.ts'
import type { EvaluationRecord, HistoryRecord, StepRecord } from '../../src/train/report.ts'
import { optionsOf } from './engine.suite.ts'
import { full } from './programs.ts'

/** Texts of 1 to 8 tokens; those of label 0 are of the tokens 0 to 5, of label 1 of 6 to 11, of label 2 of 12 to 17. */
function separable(count: number, seed: number): EncodedSet {
  const random = createRandom(seed)
  const labels = Array.from({ length: count }, (_, text) => text % 3)
  const textOf = (label: number) => Array.from({ length: 1 + random.integer(8) }, () => 6 * label + random.integer(6))
  return { labels, sequences: labels.map(textOf) }
}

const train = separable(44, 1)
const validation = separable(20, 2)
const defaults: LoopOptions = { epochs: 3, learningRate: 0.01, warmup: 0.1, decay: 'linear' }
const task = classificationTask({
  train,
  validation,
  task: createEvaluator({ labels: ['a', 'b', 'c'] }),
  padTokenId: 19,
  batchSize: 8,
  tokenDropout: 0,
  special: new Set(),
  seed: 3,
})
const STEPS = 18 // 44 texts make 6 batches

let engine: Engine
let initial: TrainingState
beforeAll(async () => {
  engine = await createCompiledEngine(optionsOf(full({ dropout: 0.1 })), { threads: 1 })
  initial = await engine.state()
})
afterAll(() => engine.dispose())

/** Runs the loop from the start, or from where another stopped, and gives what it saved on the way too. */
async function run(options: Partial<LoopOptions> = {}, others: Partial<Run> = {}) {
  const saves: RunState[] = []
  const save = async (state: RunState) => void saves.push(structuredClone(state))
  await engine.restore(initial)
  const settings = { engine, task, save, ...others }
  const outcome = await runLoop({ ...settings, options: { ...defaults, ...options } }).then(
    (state) => ({ state }),
    (error: unknown) => ({ error }),
  )
  return { saves, ...outcome }
}

async function finished(
  options?: Partial<LoopOptions>,
  others?: Partial<Run>,
): Promise<RunState & { saves: RunState[] }> {
  const outcome = await run(options, others)
  if ('error' in outcome) throw outcome.error
  return { ...outcome.state, saves: outcome.saves }
}

/** Runs with evaluations after each step that give what they are told to: the choice among them is the task's. */
const scripted = (
  evaluations: { loss: number; calibratedLoss?: number; right: number }[],
  options: Partial<LoopOptions> = {},
) => {
  const left = evaluations.map(({ right, ...losses }) => ({
    ...losses,
    accuracy: right / 56,
    score: right / 56,
    errors: Array.from({ length: 56 }, (_, text) => Number(text >= right)),
  }))
  const evaluate = async () => left.shift() ?? { loss: 9, accuracy: 0, score: 0, errors: Array(56).fill(1) }
  return finished({ evalEvery: 1, ...options }, { task: { ...task, evaluate } })
}

const stepsOf = (history: HistoryRecord[]) => history.filter((entry): entry is StepRecord => entry.kind === 'step')
/** A classifier's evaluations have an accuracy. */
const evaluationsOf = (history: HistoryRecord[]) =>
  history.filter((entry): entry is Required<EvaluationRecord> => entry.kind === 'evaluation')

/** A history without what differs from run to run: the time. */
const timeless = (history: HistoryRecord[]) => history.map((entry) => ({ ...entry, tokensPerSecond: 0 }))

describe('runLoop', () => {
  it('learns what can be learnt', async () => {
    const { history, best } = await finished({ epochs: 10, learningRate: 0.02 })
    const losses = stepsOf(history).map(({ loss }) => loss)
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value) / values.length
    expect(mean(losses.slice(-6))).toBeLessThan(0.2 * mean(losses.slice(0, 6)))
    expect(best?.accuracy).toBeGreaterThan(0.9)
  })

  it('records every step, and an evaluation after each epoch', async () => {
    const { history, step } = await finished()
    expect(3 * task.stepsPerEpoch).toBe(STEPS)
    expect(step).toBe(STEPS)
    expect(stepsOf(history).map(({ step }) => step)).toEqual(Array.from({ length: STEPS }, (_, at) => at + 1))
    expect(stepsOf(history).map(({ epoch }) => epoch)).toEqual([0, 1, 2].flatMap((epoch) => Array(6).fill(epoch)))
    expect(evaluationsOf(history).map(({ step, epoch }) => [step, epoch])).toEqual([
      [6, 0],
      [12, 1],
      [18, 2],
    ])
    expect(Math.max(...stepsOf(history).map(({ learningRate }) => learningRate))).toBeCloseTo(0.01, 12)
  })

  it('evaluates every so many steps too, but not twice after the same', async () => {
    const { history } = await finished({ evalEvery: 4 })
    expect(evaluationsOf(history).map(({ step }) => step)).toEqual([4, 6, 8, 12, 16, 18])
  })

  it('shows each text once an epoch, in an order that is new each time', async () => {
    const seen: string[] = []
    const spy: Engine = {
      ...engine,
      step: (batch, options) => {
        const { input_ids: tokens, attention_mask: mask, labels } = batch
        const [rows = 0, length = 0] = tokens.shape
        for (let row = 0; row < rows; row++) {
          const real = (_: number, at: number) => mask?.data[row * length + at] === 1
          const ids = tokens.data.slice(row * length, (row + 1) * length).filter(real)
          seen.push(`${String(ids)}: ${labels?.data[row]}`)
        }
        return engine.step(batch, options)
      },
    }
    await finished({ epochs: 2 }, { engine: spy })
    const expected = train.sequences.map((ids, at) => `${String(ids)}: ${train.labels[at]}`)
    const [first, second] = [seen.slice(0, 44), seen.slice(44)]
    expect(first.toSorted()).toEqual(expected.toSorted())
    expect(second.toSorted()).toEqual(expected.toSorted())
    expect(second).not.toEqual(first)
  })

  it('keeps the parameters of the best evaluation', async () => {
    const { best, bestState, history, saves } = await finished({ evalEvery: 1, learningRate: 1 })
    const evaluations = evaluationsOf(history)
    const { errors, ...record } = best!
    expect(evaluations).toContainEqual(record)
    expect(errors!.filter((error) => error === 0)).toHaveLength(Math.round(20 * record.accuracy!))
    expect(best?.step).toBeLessThan(STEPS)
    const { state } = saves.find(({ step }) => step === best?.step)!
    expect(bestState).toEqual(new Map([...state].filter(([name]) => name.endsWith('.values'))))
  })

  it('counts evaluations without improvement anew after each improvement', async () => {
    const losses = [0.5, 0.6, 0.4, 0.45, 0.3, 0.35, 0.31, 0.1]
    const { step, best } = await scripted(
      losses.map((loss) => ({ loss, right: 15 })),
      { patience: 2 },
    )
    expect({ step, best: best?.step }).toEqual({ step: 7, best: 5 })
  })

  it.each([
    [
      'one text of 56 more, at more than twice the loss',
      [
        { loss: 0.09, right: 54 },
        { loss: 0.21, right: 55 },
      ],
      1,
    ],
    [
      'one text of 56 less, at a lower loss',
      [
        { loss: 0.21, right: 55 },
        { loss: 0.09, right: 54 },
      ],
      2,
    ],
    [
      'five texts more, which chance explains',
      [
        { loss: 0.3, right: 50 },
        { loss: 0.4, right: 55 },
      ],
      1,
    ],
    [
      'six texts more, which it does not',
      [
        { loss: 0.3, right: 50 },
        { loss: 0.4, right: 56 },
      ],
      2,
    ],
    [
      'six texts less, at a lower loss',
      [
        { loss: 0.4, right: 56 },
        { loss: 0.3, right: 50 },
      ],
      1,
    ],
    [
      'a text more each time, at ever higher losses',
      [50, 51, 52, 53, 54, 55, 56].map((right, at) => ({ loss: 0.3 + at / 10, right })),
      7,
    ],
    [
      'nothing',
      [
        { loss: 0.3, right: 50 },
        { loss: 0.3, right: 50 },
        { loss: 0.3, right: 50 },
      ],
      1,
    ],
  ])('keeps by the loss, unless accuracy differs by more than chance: %s', async (_, evaluations, expected) => {
    const { best, bestState, saves } = await scripted(evaluations)
    expect(best?.step).toBe(expected)
    const { state } = saves.find(({ step }) => step === expected)!
    expect(bestState).toEqual(new Map([...state].filter(([name]) => name.endsWith('.values'))))
  })

  it('goes by the loss after calibration where there is one', async () => {
    const { best } = await scripted([
      { loss: 0.09, calibratedLoss: 0.088, right: 54 },
      { loss: 0.21, calibratedLoss: 0.134, right: 55 },
      { loss: 0.23, calibratedLoss: 0.071, right: 55 },
    ])
    expect(best?.step).toBe(3)
  })

  it('stops after so many evaluations without improvement', async () => {
    // A rate so low that no parameter changes.
    const { history, step, best } = await finished({ learningRate: 1e-20, evalEvery: 2, patience: 3 })
    expect(step).toBe(8)
    expect(best?.step).toBe(2)
    expect(evaluationsOf(history).map(({ step }) => step)).toEqual([2, 4, 6, 8])
  })

  it.each([
    ['in the middle of an epoch', 4],
    ['at the first step', 0],
    ['after an evaluation at the end of an epoch', 6],
    ['after an evaluation within an epoch', 10],
  ])('resumes after an interruption %s as if there had been none', async (_, stopAt) => {
    const options = { evalEvery: 5, patience: 100 }
    const { saves: __, ...expected } = await finished(options)
    const controller = new AbortController()
    const reason = new Error('stopped')
    if (stopAt === 0) controller.abort(reason)
    const onRecord = ({ step }: HistoryRecord) => void (step === stopAt && controller.abort(reason))
    const interrupted = await run(options, { signal: controller.signal, onRecord })
    expect(interrupted).toMatchObject({ error: reason })
    const resume = interrupted.saves.at(-1)!
    expect(resume.step).toBe(stopAt)
    const { saves: ___, ...resumed } = await finished(options, { resume })
    expect({ ...resumed, history: timeless(resumed.history) }).toEqual({
      ...expected,
      history: timeless(expected.history),
    })
  })

  it('resumes a run that was about to stop early by stopping', async () => {
    const options = { learningRate: 1e-20, evalEvery: 2, patience: 2 }
    const { saves, step } = await finished(options)
    const resumed = await finished(options, { resume: structuredClone(saves.at(-1)!) })
    expect(resumed.step).toBe(step)
    expect(resumed.saves).toEqual([])
  })

  it.each([
    ['in training', undefined, /^step 2: the loss is \w+ and the gradient norm \w+$/],
    ['in an evaluation', 1, /^step 1: the validation loss is NaN$/],
  ])('stops where the loss is no number, and saves nothing of it: %s', async (_, evalEvery, message) => {
    const { saves, ...outcome } = await run({ learningRate: 1e30, warmup: 0, evalEvery })
    expect(outcome).toMatchObject({
      error: {
        name: 'GraftError',
        code: 'loss-not-finite',
        message: expect.stringMatching(message),
        hint: expect.stringContaining('--learning-rate'),
      },
    })
    expect(saves).toEqual([])
  })

  it('keeps the last checkpoint before the loss was no number', async () => {
    const failing: Engine = {
      ...engine,
      step: async (batch, options) =>
        options.step === 9
          ? { loss: NaN, prediction: new Float32Array(24), gradientNorm: 1 }
          : engine.step(batch, options),
    }
    const { saves, ...outcome } = await run({}, { engine: failing })
    expect(outcome).toMatchObject({ error: { code: 'loss-not-finite', message: expect.stringMatching(/^step 9: /) } })
    expect(saves.map(({ step }) => step)).toEqual([6])
  })
})
