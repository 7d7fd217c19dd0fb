/** A base in fewer bits through the commands: training on it, and bundles below float32. */
import { existsSync, mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runGraft } from './command-line.ts'

const dir = mkdtempSync(join(tmpdir(), 'graft-precision-'))
afterAll(() => rm(dir, { recursive: true }))

const graft = (command: string) => runGraft(command.split(' '), { cwd: dir })
const json = (command: string) => JSON.parse(graft(`${command} --json`).stdout) as Record<string, unknown>
const examples = fileURLToPath(new URL('../../examples/data/spam.csv', import.meta.url))

beforeAll(() => void graft(`data ${examples} --out data --split 0.7,0.15,0.15`))

describe.each(['int8', 'nf4'])('graft train --base-precision %s', (precision) => {
  it('trains an adapter that every other command takes', () => {
    const trained = graft(`train --data data --base-precision ${precision} --max-steps 20 --out adapter-${precision}`)
    expect(trained).toMatchObject({ status: 0 })
    expect(trained.stdout).toMatch(new RegExp(`base precision ${precision}`))
    const { accuracy } = json(`eval --model adapter-${precision} --data data`)
    expect(accuracy).toBeGreaterThan(0.6)
  })
})

describe('graft train --base-precision auto', () => {
  it('says what it tries, what it takes and why', () => {
    const { status, stdout } = graft('train --data data --base-precision auto --max-steps 2 --out adapter-auto')
    expect(status).toBe(0)
    expect(stdout).toContain('Trying the base in eight bits')
    expect(stdout).toMatch(/^base precision (int8|fp32): (in a trial of 4 steps|this processor has no products)/m)
  })
})

describe('graft export --precision', () => {
  const made = (rest: string) => graft(`export --adapter adapter-int8 --mode merged ${rest}`)

  it('says what fewer bits cost, and the bundle is sound', () => {
    const { status, stdout } = made('--precision int8 --calibrate data --max-accuracy-drop 0.1 --out merged')
    expect(status).toBe(0)
    expect(stdout).toContain('Wrote merged: merged bundle in int8')
    expect(stdout).toMatch(/^against float32 +texts +score +int8 +same answer +largest change$/m)
    expect(stdout).not.toContain('says little')
    expect(graft('verify merged')).toMatchObject({ status: 0 })
    expect(graft('verify merged').stdout).toMatch(/merged bundle, format 1, int8/)
    const { accuracy } = json('eval --model merged --data data')
    expect(accuracy).toBeGreaterThan(0.6)
  })

  it('says that probes alone say little', () => {
    expect(made('--precision fp16 --out half').stdout).toContain('give labelled texts with --calibrate DIR')
  })

  it('swaps adapters over a base in eight bits, each with its own texts to measure on', () => {
    const adapters = '--adapter a=adapter-int8 --adapter b=adapter-nf4 --mode unmerged'
    const { status, stdout } = graft(
      `export ${adapters} --precision int8 --calibrate b=data --max-accuracy-drop 0.1 --out both`,
    )
    expect(status).toBe(0)
    expect(stdout).toMatch(/^a +8 +\d/m)
    expect(stdout).toMatch(/^b +\d+ +0\.\d{4} +0\.\d{4}/m)
    expect(graft('classify --model both --adapter a win')).toMatchObject({ status: 0 })
  })

  it.each([
    ['--calibrate data --out x', '--calibrate is for a --precision below fp32'],
    ['--max-accuracy-drop 0.1 --out x', '--max-accuracy-drop is for a --precision below fp32'],
    ['--precision int8 --keep-fp32 wte,h.0 --out x', 'the base has no layer "wte" to keep in float32'],
    ['--precision int8 --calibrate spam=data --out x', 'a data set to calibrate on names the adapter "spam"'],
    ['--precision int2 --out x', "argument 'int2' is invalid"],
  ])('refuses %s', (rest, message) => {
    const { status, stderr } = made(rest)
    expect(status).toBe(2)
    expect(stderr).toContain(message)
    expect(existsSync(join(dir, 'x'))).toBe(false)
  })
})
