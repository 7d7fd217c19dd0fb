/** `graft prune`: a smaller base that adapters are trained on and bundles are made of. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { writeTokenizer } from '../fixtures/tokenizer.ts'
import { runGraft } from './command-line.ts'

const dir = mkdtempSync(join(tmpdir(), 'graft-prune-'))
const path = (...names: string[]) => join(dir, ...names)
afterAll(() => rmSync(dir, { recursive: true }))

const graft = (command: string) => runGraft(command.split(' '), { cwd: dir })

beforeAll(() => {
  writeTokenizer(path('tokenizer'), 'word-piece', ['apple', 'pear', 'plum', 'fig', 'hammer', 'saw'])
  graft('init --family bert --tokenizer tokenizer --embd 16 --layer 3 --head 2 --inner 24 --positions 32 --out base')
  const rows = ['apple', 'pear'].flatMap((one) => ['apple', 'pear', 'plum'].map((two) => `${one} ${two},${one}`))
  writeFileSync(path('texts.csv'), `text,label\n${[...rows, ...rows.map((row) => `plum ${row}`)].join('\n')}\n`)
})

describe('graft prune', () => {
  it('writes a base with fewer tokens and layers, which goes all the way to an answer', () => {
    const { status, stdout } = graft('prune --base base --vocabulary texts.csv --layers 0,2 --out small --json')
    expect(status).toBe(0)
    const { tokens, layers, parameters } = JSON.parse(stdout) as Record<string, { before: number; after: number }>
    expect(tokens!.after).toBe(tokens!.before - 3) // fig, hammer, saw
    expect(layers).toEqual({ before: 3, after: 2 })
    expect(parameters!.after).toBeLessThan(parameters!.before)
    for (const command of [
      'data texts.csv --out data --split 0.6,0.2,0.2',
      'train --base small --data data --max-steps 3 --out adapter',
      'export --base small --adapter adapter --mode merged --out merged',
      'verify merged',
    ])
      expect([command, graft(command).status]).toEqual([command, 0])
    // A hammer is spelled.
    expect(JSON.parse(graft('classify --model merged --json hammer').stdout)).toMatchObject([
      { text: 'hammer', tokens: 8 },
    ])
  })

  it.each([
    ['', 'there is nothing to leave out'],
    ['--layers 0,7', 'layers 0, 7: the base has 0 to 2'],
    ['--layers one', 'Expected numbers from 0 with commas'],
    ['--vocabulary nowhere.txt', 'nowhere.txt'],
    ['--vocabulary texts.csv --min-count 99', 'no token occurs 99 times'],
  ])('refuses "%s"', (options, message) => {
    const { status, stderr } = graft(`prune --base base --out refused ${options}`.trim())
    expect(status).not.toBe(0)
    expect(stderr).toContain(message)
    expect(existsSync(path('refused'))).toBe(false)
  })
})
