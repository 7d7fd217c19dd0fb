/** `graft distill`: a student that adapters are trained on, and what it refuses. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { writeTokenizer } from '../fixtures/tokenizer.ts'
import { runGraft } from './command-line.ts'

const dir = mkdtempSync(join(tmpdir(), 'graft-distill-'))
const path = (...names: string[]) => join(dir, ...names)
afterAll(() => rmSync(dir, { recursive: true }))

const cache = { XDG_CACHE_HOME: path('cache') }
const graft = (command: string) => runGraft(command.split(' '), { cwd: dir, env: cache })

const fruits = ['apple', 'pear', 'plum', 'fig']

beforeAll(() => {
  writeTokenizer(path('tokenizer'), 'word-piece', [...fruits, 'and', 'red', 'sweet'])
  const size = '--embd 16 --head 2 --inner 24 --positions 32'
  graft(`init --family bert --tokenizer tokenizer ${size} --layer 2 --seed 1 --out teacher`)
  graft(`init --family bert --tokenizer tokenizer ${size} --layer 1 --seed 2 --out student`)
  const texts = fruits.flatMap((one) => fruits.map((other) => `${one} and ${other} red sweet ${one}`))
  writeFileSync(path('texts.csv'), `text,label\n${texts.map((text, at) => `${text},${at % 2}`).join('\n')}\n`)
  writeFileSync(path('empty.txt'), ' \n')
})

describe('graft distill', () => {
  const common = 'distill --teacher teacher --base student --corpus texts.csv'

  it('writes a student that adapters are trained on', () => {
    const made = graft(`${common} --out taught --epochs 4 --batch-size 8 --learning-rate 0.01 --json`)
    expect({ status: made.status, last: made.stderr.trim().split('\n').at(-1) }).toEqual({
      status: 0,
      last: 'Next: graft train --base taught --data DIR --out DIR',
    })
    expect(made.stderr).toMatch(/passages of \d+ tokens an epoch/)
    const { cosine } = JSON.parse(made.stdout) as { cosine: number }
    expect(cosine).toBeGreaterThan(0.2)
    expect(readFileSync(path('taught', 'report.html'), 'utf8')).toContain('cosine to the teacher')
    expect(existsSync(path('cache', 'graft', 'teacher'))).toBe(true)
    graft('data texts.csv --out data')
    expect(graft('train --base taught --data data --max-steps 2 --out adapter')).toMatchObject({ status: 0 })
  })

  it.each([
    ['distill --teacher teacher --base student --corpus empty.txt --out x', 'empty.txt has no text'],
    ['distill --teacher nobody --base student --corpus texts.csv --out x', 'nobody'],
    [`${common} --out x --batch-size 0`, 'Expected a whole number of 1 or more'],
    [`${common} --out student`, 'student'],
  ])('refuses %s', (command, message) => {
    const { status, stderr } = graft(command)
    expect(status).not.toBe(0)
    expect(stderr).toContain(message)
    expect(existsSync(path('x'))).toBe(false)
  })
})
