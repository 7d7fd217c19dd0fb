/** What every engine has to do, whatever it runs on. */
import * as tf from '@tensorflow/tfjs'
import { afterAll, describe, expect, it } from 'vitest'
import type { Engine, EngineOptions, StepResult, TrainingState } from '../../src/train/engine.ts'
import { ADAMW_DEFAULTS } from '../../src/train/optimizer.ts'
import { type TrainingProgram, unflatten } from '../../src/train/program.ts'
import { createBatch, full, lora, probe } from './programs.ts'

/** The steps of a run: batches of all shapes, and a rate that changes. */
export async function runSteps(engine: Engine, count: number, from = 1): Promise<StepResult[]> {
  const results: StepResult[] = []
  for (let step = from; step < from + count; step++) {
    const batch = createBatch(1 + (step % 4), 1 + ((3 * step) % 10), step)
    results.push(await engine.step(batch, { learningRate: 0.01 / (1 + step / 10), step }))
  }
  return results
}

export const optionsOf = (program: TrainingProgram, seed = 5): EngineOptions => ({
  program,
  optimizer: ADAMW_DEFAULTS,
  seed,
})

interface SuiteOptions {
  /** The device is a GPU in software, on which thirty steps take half a minute: what needs them is skipped. */
  isEmulated?: boolean | undefined
  /** Kernels of the device add up in whatever order its threads finish: two runs differ in the last bits. */
  isUnordered?: boolean | undefined
}

/** All numbers of a run's results and state. */
const numbersOf = (results: StepResult[], state: TrainingState): number[] => [
  ...results.flatMap(({ loss, prediction, gradientNorm }) => [loss, ...prediction, gradientNorm]),
  ...[...state.values()].flatMap((values) => [...values]),
]

/** @param create makes an engine of the kind under test */
export function describeEngine(
  name: string,
  create: (options: EngineOptions) => Promise<Engine>,
  { isEmulated = false, isUnordered = false }: SuiteOptions = {},
): void {
  /** The same bit for bit, where the device can. */
  const expectSame = (actual: number[], expected: number[]) =>
    expect(actual).toEqual(isUnordered ? expected.map((value) => expect.closeTo(value, 5) as number) : expected)

  describe(`the ${name} engine`, () => {
    const engines: Engine[] = []
    afterAll(async () => void (await Promise.all(engines.map((engine) => engine.dispose()))))

    async function open(program: TrainingProgram, seed?: number): Promise<Engine> {
      const engine = await create(optionsOf(program, seed))
      engines.push(engine)
      return engine
    }

    it('gives loss, prediction and gradient norm of each step', async () => {
      const batch = createBatch(4, 6, 1)
      const { loss, prediction, gradientNorm } = await (await open(lora())).step(batch, { learningRate: 0.01, step: 1 })
      expect(prediction).toHaveLength(4 * 3)
      const losses = Array.from(batch.labels.data, (label, row) => {
        const scores = prediction.subarray(3 * row, 3 * row + 3)
        return Math.log(scores.reduce((sum, score) => sum + Math.exp(score), 0)) - (scores[label] ?? NaN)
      })
      expect(loss).toBeCloseTo(losses.reduce((sum, value) => sum + value) / 4, 5)
      expect(gradientNorm).toBeGreaterThan(0)
    })

    it('gives the prediction before the update, which is that of an evaluation', async () => {
      const engine = await open(full())
      await runSteps(engine, 3)
      const expected = await engine.evaluate(probe)
      const batch = { ...probe, labels: { data: Int32Array.of(0, 1), shape: [2] } }
      const { prediction } = await engine.step(batch, { learningRate: 0.1, step: 4 })
      for (const [at, value] of prediction.entries()) expect(value).toBeCloseTo(expected[at] ?? NaN, 5)
      expect(await engine.evaluate(probe)).not.toEqual(expected)
    })

    it.skipIf(isEmulated)('learns a batch by heart', async () => {
      const engine = await open(lora())
      const batch = createBatch(4, 6, 1)
      const losses: number[] = []
      for (let step = 1; step <= 30; step++) losses.push((await engine.step(batch, { learningRate: 0.03, step })).loss)
      expect(losses.at(-1)).toBeLessThan(0.1 * losses[0]!)
    })

    it('changes every adapter and the head, and nothing of the base', async () => {
      const program = lora()
      const frozen = structuredClone(program.frozen)
      const engine = await open(program)
      const before = await engine.state()
      const logits = await engine.evaluate(probe)
      await runSteps(engine, 3)
      expect(program.frozen).toEqual(frozen)
      const after = await engine.state()
      expect([...after.keys()]).toEqual([...before.keys()])
      const changed = after
        .get('adapter.values')!
        .map((value, at) => Number(value !== before.get('adapter.values')![at]))
      expect(changed.reduce((sum, flag) => sum + flag, 0) / changed.length).toBeGreaterThan(0.99)
      // With the adapter of before, the model is what it was: bit for bit.
      await engine.restore(before)
      expect(await engine.evaluate(probe)).toEqual(logits)
    })

    it("gives LoRA+'s rate to linear layers' B, and to nothing else", async () => {
      const program = lora({ loraPlusRatio: 8, targets: ['transformer.wte', 'transformer.h.0.attn.c_attn'] })
      const engine = await open(program)
      // From B = 0 nothing reaches A, so a step is taken first.
      await runSteps(engine, 1)
      const before = await engine.state()
      // With no memory, a step of Adam is as long as the rate, whatever the gradient.
      for (const [name, values] of before) if (!name.endsWith('.values')) values.fill(0)
      await engine.restore(before)
      const [rate, step] = [0.001, 1]
      await engine.step(createBatch(4, 6, 9), { learningRate: rate, step })
      const after = await engine.state()
      for (const group of program.groups) {
        const [from, to] = [before, after].map((state) => unflatten(group, state.get(`${group.name}.values`)!))
        for (const [name, { data }] of from!) {
          const factor = name === 'transformer.h.0.attn.c_attn.lora_B' ? 8 : 1
          const moved = to!.get(name)!.data.map((value, at) => Math.abs(value - data[at]!))
          expect([name, Math.max(...moved)]).toEqual([name, expect.closeTo(rate * factor, 4)])
        }
      }
    })

    it('goes on from a restored state as it did before', async () => {
      const engine = await open(full({ dropout: 0.1 }))
      await runSteps(engine, 2)
      const saved = await engine.state()
      const copy = structuredClone(saved)
      const first = numbersOf(await runSteps(engine, 3, 3), await engine.state())
      expect(saved).toEqual(copy)
      await engine.restore(saved)
      expect(await engine.state()).toEqual(saved)
      expectSame(numbersOf(await runSteps(engine, 3, 3), await engine.state()), first)
    })

    it('gives the same run for the same seed, and another for another', async () => {
      const program = lora({ dropout: 0.3 })
      const [a, b, other] = [await open(program, 5), await open(program, 5), await open(program, 6)]
      const results = await runSteps(a, 4)
      expectSame(numbersOf(await runSteps(b, 4), await b.state()), numbersOf(results, await a.state()))
      expect(await runSteps(other, 4)).not.toEqual(results)
    })

    it('decays the weights that are to be decayed, apart from the gradient', async () => {
      const states: { before: TrainingState; after: TrainingState }[] = []
      for (const weightDecay of [0, 0.5]) {
        const engine = await open(full({ weightDecay }))
        const before = await engine.state()
        await engine.step(createBatch(4, 6, 1), { learningRate: 0.1, step: 1 })
        states.push({ before, after: await engine.state() })
      }
      const [plain, decayed] = states.map(({ after }) => after) as [TrainingState, TrainingState]
      expect(decayed.get('undecayed.values')).toEqual(plain.get('undecayed.values'))
      const start = states[0]!.before.get('decayed.values')!
      for (const [at, value] of decayed.get('decayed.values')!.entries()) {
        expect(value).toBeCloseTo(plain.get('decayed.values')![at]! - 0.1 * 0.5 * start[at]!, 6)
      }
    })

    it('gives a copy of its state', async () => {
      const engine = await open(lora())
      const logits = await engine.evaluate(probe)
      for (const values of (await engine.state()).values()) values.fill(9)
      expect(await engine.evaluate(probe)).toEqual(logits)
    })

    it('drops out in training only', async () => {
      const [plain, dropping] = [await open(full()), await open(full({ dropout: 0.3 }))]
      expect(await dropping.evaluate(probe)).toEqual(await plain.evaluate(probe))
      const [a, b] = [await runSteps(plain, 1), await runSteps(dropping, 1)]
      expect(a[0]?.loss).not.toBeCloseTo(b[0]?.loss ?? NaN, 3)
    })

    it('leaves no tensor behind', async () => {
      const before = tf.memory().numTensors
      const engine = await create(optionsOf(lora({ dropout: 0.1 })))
      await runSteps(engine, 1)
      await engine.evaluate(probe)
      const running = tf.memory().numTensors
      await runSteps(engine, 3, 2)
      await engine.evaluate(probe)
      await engine.restore(await engine.state())
      expect(tf.memory().numTensors).toBe(running)
      await engine.dispose()
      expect(tf.memory().numTensors).toBe(before)
    })
  })
}
