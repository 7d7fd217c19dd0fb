/** The commands on the GPU that the tests have: the same losses as on the CPU, and the same evaluation. */
import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Fixture, writeFixture } from '../train/fixtures.ts'
import { hasSoftwareGpu } from './software-gpu.ts'

const program = fileURLToPath(new URL('../../bin/graft.js', import.meta.url))

let fixture: Fixture
beforeAll(async () => void (fixture = await writeFixture()))
afterAll(() => rmSync(fixture.dir, { recursive: true }))

function graft(...args: string[]): string {
  const options = { cwd: fixture.dir, encoding: 'utf8', env: { ...process.env, NO_COLOR: '1' } } as const
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], options)
  if (status !== 0) throw new Error(`graft ${args.join(' ')} ended with ${status}:\n${stderr}`)
  return stdout
}

/** Trains ten steps on a device. */
function train(device: string, ...args: string[]): { losses: number[]; stdout: string } {
  const settings = ['--epochs', '2', '--batch-size', '8', '--rank', '2', '--device', device]
  const stdout = graft('train', '--base', 'base', '--data', 'data', '--out', device, ...settings, ...args)
  const lines = readFileSync(join(fixture.dir, device, 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
  const records = lines.map((line) => JSON.parse(line) as { kind: string; loss: number })
  return { losses: records.flatMap(({ kind, loss }) => (kind === 'step' ? [loss] : [])), stdout }
}

describe.runIf(hasSoftwareGpu)('graft --device webgpu', () => {
  it('trains with the losses of the CPU, evaluates alike, and shows a profile', () => {
    const [cpu, webgpu] = [train('cpu'), train('webgpu', '--profile')]
    expect(cpu.losses).toHaveLength(10)
    // As in the engine suite.
    for (const [step, loss] of cpu.losses.entries()) expect(webgpu.losses[step]! / loss).toBeCloseTo(1, 4)
    expect(webgpu.stdout).toMatch(/^Gemm +WebGpu +\d+ /m)
    expect(webgpu.stdout).toMatch(/^On the CPU: \d+ operators: .*Shape × \d/m)

    const evaluate = (device: string) =>
      JSON.parse(graft('eval', '--model', 'webgpu', '--data', 'data', '--device', device, '--json')) as {
        accuracy: number
        loss: number
      }
    const [expected, result] = [evaluate('cpu'), evaluate('webgpu')]
    expect(result.loss).toBeCloseTo(expected.loss, 4)
    expect(result).toMatchObject({ device: 'webgpu', accuracy: expected.accuracy })
  })
})
