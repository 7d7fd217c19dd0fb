/** The profile of a step: of a real run, and of events whose sums are known. */
import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { describe, expect, it } from 'vitest'
import { createCompiledEngine } from '../../../src/train/engine/compiled.ts'
import { openEngine } from '../../../src/train/engine/open.ts'
import { type ProfileEvent, summarize } from '../../../src/train/engine/profile.ts'
import { optionsOf, runSteps } from '../engine.suite.ts'
import { lora } from '../programs.ts'

const folders = () => readdirSync(tmpdir()).filter((name) => name.startsWith('graft-profile-'))

describe('the profile of a compiled step', () => {
  it('has every operator, and times that a step has room for', async () => {
    const before = folders()
    const engine = await createCompiledEngine(optionsOf(lora()), { profile: true, threads: 1 })
    const losses = (await runSteps(engine, 30)).map(({ loss }) => loss)
    const profile = (await engine.profile?.())! // more than enough steps
    await engine.dispose()
    expect(folders()).toEqual(before)

    expect(profile.steps).toBe(20)
    const { operators, milliseconds } = profile
    const operator = (name: string) => operators.find((each) => each.operator === name)
    expect(operator('Gemm')).toMatchObject({ provider: 'CPUExecutionProvider' })
    expect(operator('LayerNormalization')?.count).toBeCloseTo(5) // two in each of two blocks, and the last
    const sum = operators.reduce((total, each) => total + each.milliseconds, 0)
    expect(sum).toBeGreaterThan(0)
    expect(sum).toBeLessThanOrEqual(milliseconds)
    expect(operators).toEqual(operators.toSorted((a, b) => b.milliseconds - a.milliseconds))

    // Measuring changes nothing.
    const plain = await createCompiledEngine(optionsOf(lora()), { threads: 1 })
    expect((await runSteps(plain, 30)).map(({ loss }) => loss)).toEqual(losses)
    expect(await plain.profile?.()).toBeUndefined()
    await plain.dispose()
  })

  it('is undefined after too few steps', async () => {
    const engine = await createCompiledEngine(optionsOf(lora()), { profile: true })
    await runSteps(engine, 3)
    expect(await engine.profile?.()).toBeUndefined()
    await engine.dispose()
  })

  it('is refused on a device of TF.js', async () => {
    await expect(openEngine(optionsOf(lora()), { device: 'tfjs-cpu', profile: true })).rejects.toMatchObject({
      code: 'usage',
      value: 'tfjs-cpu',
    })
  })
})

describe('summarize', () => {
  const node = (op_name: string, provider: string, ts: number, dur: number): ProfileEvent => ({
    cat: 'Node',
    name: `${op_name}_kernel_time`,
    ts,
    dur,
    args: { op_name, provider: `${provider}ExecutionProvider` },
  })
  const run = (ts: number): ProfileEvent => ({ cat: 'Session', name: 'model_run', ts, dur: 9000 })

  it('leaves out the first runs, and takes means', () => {
    const events = [
      node('Add', 'CPU', 1, 7000), // of the warm-up
      run(0),
      node('Add', 'CPU', 11_000, 1000),
      node('Add', 'CPU', 12_000, 3000),
      run(10_000),
      node('Add', 'CPU', 21_000, 2000),
      node('Mul', 'WebGpu', 22_000, 500),
      node('Add', 'CPU', 23_000, 0),
      run(20_000),
    ]
    expect(summarize(events, 1)).toEqual({
      steps: 2,
      milliseconds: 9,
      operators: [
        { operator: 'Add', provider: 'CPUExecutionProvider', count: 2, milliseconds: 3 },
        { operator: 'Mul', provider: 'WebGpuExecutionProvider', count: 0.5, milliseconds: 0.25 },
      ],
    })
  })

  it("takes a GPU's own times where there are any", () => {
    const kernel: ProfileEvent = { cat: 'Api', name: '&Gemm&GemmVec4', ts: 0, dur: 4000 }
    const events = [run(0), node('Gemm', 'WebGpu', 11_000, 10), kernel, run(10_000), kernel]
    expect(summarize(events, 1)?.operators).toMatchObject([{ operator: 'Gemm', milliseconds: 4 }])
  })
})
