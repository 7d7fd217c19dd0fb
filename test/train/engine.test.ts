/** Both engines do what an engine has to, and the same. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Engine, StepResult } from '../../src/train/engine.ts'
import { createCompiledEngine } from '../../src/train/engine/compiled.ts'
import { createEagerEngine } from '../../src/train/engine/eager.ts'
import { describeEngine, optionsOf, runSteps } from './engine.suite.ts'
import { full, lora, probe } from './programs.ts'

describeEngine('eager', (options) => createEagerEngine(options))
describeEngine('compiled', (options) => createCompiledEngine(options, { threads: 2 }))

describe.each([
  ['lora', lora({ dropout: 0.1 })],
  ['lora on some layers', lora({ dropout: 0.1, targets: ['transformer.h.0.attn.c_attn', 'transformer.h.1.mlp.c_fc'] })],
  ['lora on the embedding', lora({ dropout: 0.1, targets: ['transformer.wte', 'transformer.h.0.attn.c_attn'] })],
  ['lora+', lora({ dropout: 0.1, loraPlusRatio: 4 })],
  ['full', full({ dropout: 0.1 })],
  ['full without dropout', full()],
])('eager and compiled: %s', (_, program) => {
  let engines: Engine[]
  let runs: StepResult[][]
  beforeAll(async () => {
    engines = [await createEagerEngine(optionsOf(program)), await createCompiledEngine(optionsOf(program))]
    runs = [await runSteps(engines[0]!, 20), await runSteps(engines[1]!, 20)]
  })
  afterAll(() => Promise.all(engines.map((engine) => engine.dispose())))

  /** Length of the difference of two vectors, relative to the first. */
  function relativeDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
    const norm = (values: number[]) => Math.hypot(...values)
    return norm(Array.from(a, (value, at) => value - (b[at] ?? NaN))) / norm(Array.from(a))
  }

  it('give the same losses, gradient norms and predictions for 20 steps', () => {
    const [eager, compiled] = runs as [StepResult[], StepResult[]]
    for (const [at, { loss, prediction, gradientNorm }] of eager.entries()) {
      const other = compiled[at]!
      expect(Math.abs(other.loss / loss - 1)).toBeLessThan(1e-4)
      expect(Math.abs(other.gradientNorm / gradientNorm - 1)).toBeLessThan(1e-4)
      expect(relativeDifference(prediction, other.prediction)).toBeLessThan(1e-4)
    }
  })

  it('evaluate alike after it, and take over from each other', async () => {
    const [eager, compiled] = engines as [Engine, Engine]
    expect(relativeDifference(await eager.evaluate(probe), await compiled.evaluate(probe))).toBeLessThan(1e-4)
    await compiled.restore(await eager.state())
    expect(relativeDifference(await eager.evaluate(probe), await compiled.evaluate(probe))).toBeLessThan(1e-5)
  })
})
