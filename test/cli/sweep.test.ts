/** `graft sweep`: a small real grid, its table, picture and results. */
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Fixture, writeFixture } from '../train/fixtures.ts'
import { runGraft } from './command-line.ts'

let fixture: Fixture
beforeAll(async () => void (fixture = await writeFixture()))
afterAll(() => rmSync(fixture.dir, { recursive: true }))

const sweep = (...args: string[]) =>
  runGraft(['sweep', '--base', 'base', '--data', 'data', ...args], { cwd: fixture.dir })

describe('graft sweep', () => {
  it('compares LoRA with all weights, each run in a process of its own, and does none twice', () => {
    const args = ['--out', 'sweep', '--method', 'lora,full', '--rank', '2', '--seed', '1', '--epochs', '1', '--json']
    const first = sweep(...args)
    expect(first.status).toBe(0)
    const { results } = JSON.parse(first.stdout) as { results: Record<string, number>[] }
    expect(results).toMatchObject([
      { settings: { method: 'lora', rank: 2, device: 'cpu' }, parameters: { trainable: 368 } },
      { settings: { method: 'full', device: 'cpu' }, parameters: { trainable: 403_280 } },
    ])
    for (const { memoryBytes, fileBytes } of results) {
      expect(memoryBytes).toBeGreaterThan(5e7)
      expect(fileBytes).toBeGreaterThan(1000)
    }
    expect(first.stderr).toMatch(/^lora +2 +16 +all-linear +0\.001 +368 +0\.09 % +\d+\.\d %/m)
    expect(first.stderr).toMatch(/^full +0\.0005 +403,280 +100\.00 %/m)
    expect(readFileSync(join(fixture.dir, 'sweep', 'accuracy.svg'), 'utf8')).toContain('<svg')
    const again = sweep(...args, '--resume')
    expect({ status: again.status, stdout: again.stdout }).toEqual({ status: 0, stdout: first.stdout })
  })

  it('goes on after a run that diverged, and takes any setting and the device', () => {
    const args = '--out diverged --seed 1 --max-steps 4 --warmup 0 --learning-rate 1e-3,1e30 --device tfjs-cpu --json'
    const { status, stdout, stderr } = sweep(...args.split(' '))
    expect({ status, stderr }).toMatchObject({ status: 0 })
    expect(JSON.parse(stdout)).toMatchObject({
      results: [
        { status: 'finished', settings: { device: 'tfjs-cpu', maxSteps: 4, warmup: 0 } },
        { status: 'diverged', message: expect.stringMatching(/^step 2: /), settings: { learningRate: 1e30 } },
      ],
    })
    expect(stderr).toMatch(/^2 of 2: r 8, rate 1e\+30, seed 1: diverged, step 2: /m)
    expect(stderr).toMatch(/^lora .* diverged \(1\)/m)
    expect(readdirSync(join(fixture.dir, 'diverged', 'runs')).filter((name) => name.includes('checkpoint'))).toEqual([])
  })

  it.each([
    ['an unknown method', 2, ['--method', 'qlora'], 'Allowed choices are lora, full'],
    ['a rank where no adapter is', 2, ['--method', 'full', '--rank', '2,4'], '--rank is for adapters'],
    ['targets that match nothing', 2, ['--target-modules', 'c_attn', 'q_proj'], 'match no layer'],
    ['a rank of 0', 2, ['--rank', '2,0'], 'Expected a whole number of 1 or more'],
    ['too many runs', 2, ['--rank', '1,2,3', '--max-runs', '8'], 'the grid asks for 9 runs, more than 8'],
  ])('refuses %s with %d', (_, code, args, message) => {
    const { status, stderr } = sweep('--out', 'refused', ...args)
    expect({ status, found: stderr.includes(message) }).toEqual({ status: code, found: true })
    expect(existsSync(join(fixture.dir, 'refused'))).toBe(false)
  })
})
