/** `graft init`: the base that it writes, what it prints and returns. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { readBase } from '../../src/files/base-folder.ts'
import { runGraft } from './command-line.ts'

const dir = mkdtempSync(join(tmpdir(), 'graft-init-'))
afterAll(() => rmSync(dir, { recursive: true }))

const sizes = ['--embd', '8', '--layer', '2', '--head', '2', '--positions', '16']
const init = (...args: string[]) => runGraft(['init', ...args], { cwd: dir })

describe('graft init', () => {
  it('writes a base of the sizes asked for, the same for the same seed', async () => {
    const { status, stdout, stderr } = init('--out', 'base', ...sizes, '--seed', '7', '--json')
    expect(status).toBe(0)
    expect(stderr).toBe('Wrote base: 2 layers, 8 wide, 2 heads, 403,400 parameters\n')
    const base = await readBase(join(dir, 'base'))
    expect(base.config).toMatchObject({ n_embd: 8, n_layer: 2, n_head: 2, n_inner: 16, n_positions: 16 })
    const parameters = [...base.weights.values()].reduce((sum, { data }) => sum + data.length, 0)
    expect(JSON.parse(stdout)).toEqual({ out: 'base', parameters, config: base.config })
    init('--out', 'again', ...sizes, '--inner', '16', '--seed', '7')
    expect((await readBase(join(dir, 'again'))).sha256).toBe(base.sha256)
  })

  it('refuses a folder that is there with 1, unless forced', async () => {
    const first = init('--out', 'taken', ...sizes)
    expect(first).toMatchObject({ status: 0, stderr: '' })
    const before = await readBase(join(dir, 'taken'))
    const second = init('--out', 'taken', ...sizes, '--seed', '1')
    expect(second).toMatchObject({ status: 1, stdout: '' })
    expect(second.stderr).toMatch(/^error: taken exists already\nhint: .+--force\.\n$/)
    expect((await readBase(join(dir, 'taken'))).sha256).toBe(before.sha256)
    expect(init('--out', 'taken', ...sizes, '--seed', '1', '--force').status).toBe(0)
    expect((await readBase(join(dir, 'taken'))).sha256).not.toBe(before.sha256)
  })

  it('refuses sizes that do not divide with 1, and no sizes with 2, and writes nothing', () => {
    const uneven = init('--out', 'wrong', '--embd', '10', '--head', '4', '--json')
    expect(uneven.status).toBe(1)
    expect(JSON.parse(uneven.stdout)).toMatchObject({ error: { code: 'config', value: 10 } })
    expect(init('--out', 'wrong', '--layer', '0')).toMatchObject({ status: 2, stdout: '' })
    expect(init().stderr).toContain("required option '--out <dir>' not specified")
    expect(readdirSync(dir).filter((name) => name.includes('wrong'))).toEqual([])
  })
})
