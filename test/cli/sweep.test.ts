/** `graft sweep`: a small real grid, its table, picture and results. */
import { existsSync, readFileSync, rmSync } from 'node:fs'
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
      { method: 'lora', rank: 2, parameters: { trainable: 368 } },
      { method: 'full', parameters: { trainable: 403_280 } },
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

  it.each([
    ['an unknown method', 2, ['--method', 'qlora'], 'Expected names of lora, full'],
    ['a rank of 0', 2, ['--rank', '2,0'], 'Expected a whole number of 1 or more'],
    ['too many runs', 2, ['--rank', '1,2,3', '--max-runs', '8'], 'the grid asks for 9 runs, more than 8'],
  ])('refuses %s with %d', (_, code, args, message) => {
    const { status, stderr } = sweep('--out', 'refused', ...args)
    expect({ status, found: stderr.includes(message) }).toEqual({ status: code, found: true })
    expect(existsSync(join(fixture.dir, 'refused'))).toBe(false)
  })
})
