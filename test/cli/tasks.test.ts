/** Several labels a text, and numbers, by the command line: data, train, export, classify, eval. */
import { readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRandom } from '../../src/core/random.ts'
import { type Fixture, writeFixture } from '../train/fixtures.ts'
import { runGraft } from './command-line.ts'

let fixture: Fixture
beforeAll(async () => {
  fixture = await writeFixture()
  writeFileSync(
    path('colours.csv'),
    table('colours', (has) => has.join('|')),
  )
  writeFileSync(
    path('counts.csv'),
    table('stars', (has) => String(1 + has.length / 2)),
  )
})
afterAll(() => rm(fixture.dir, { recursive: true }))

const path = (name: string) => join(fixture.dir, name)
const colours = ['red', 'green', 'blue']

function table(column: string, label: (has: string[]) => string): string {
  const rows = Array.from({ length: 150 }, (_, at) => {
    const random = createRandom(2).fork(String(at))
    const has = colours.filter(() => random.uniform() < 0.4)
    return `${random.shuffle([...has, `house ${at}`]).join(' ')},${label(has)}\n`
  })
  return `text,${column}\n${rows.join('')}`
}

/** Runs commands that succeed; what they print. */
function graft(line: string): string {
  const { status, stdout, stderr } = runGraft(line.split(' '), { cwd: fixture.dir })
  expect(status === 0 ? '' : stderr).toBe('')
  return stdout
}

const settings = '--epochs 12 --batch-size 16 --learning-rate 0.03 --threads 1 --device cpu'

describe('several labels a text', () => {
  it('are read, trained on, exported, classified and evaluated', () => {
    const made = graft('data colours.csv --label colours --label-separator | --out colours')
    expect(made).toMatch(/^red +\d+ +\d+ +\d+ +\d+$/m)
    const trained = graft(`train --base base --data colours --out adapter ${settings}`)
    expect(trained).toMatch(/^epoch 1, .* calibrated, score -?\d\.\d{3}$/m)
    expect(trained).toMatch(/^ +micro-F1 +all labels right +macro-F1 +loss +confidence/m)
    graft('export --adapter adapter --mode merged --out bundle')
    const shown = graft('classify --model bundle red')
    expect(shown).toMatch(/^text +label +confidence\nred +(red|\(none\)) +\d/m)
    const [answer] = JSON.parse(graft('classify --model bundle red --json')) as object[]
    expect(answer).toMatchObject({ text: 'red', labels: expect.any(Array), label: expect.any(String) })
    graft('classify --model bundle --input colours.csv --output out.csv --all')
    const rows = parse(readFileSync(path('out.csv'), 'utf8'), { columns: true }) as Record<string, string>[]
    expect(Object.keys(rows[0]!)).toEqual(['text', 'colours', 'labels', 'score_blue', 'score_green', 'score_red'])
    for (const { labels } of rows) expect(JSON.parse(labels!)).toBeInstanceOf(Array)
    const part = graft('eval --model bundle --data colours')
    expect(part).toMatch(/^texts +micro-F1 +macro-F1 +mean average precision +all labels right +loss +texts\/s$/m)
    const file =
      'eval --model bundle --data colours.csv --label colours --label-separator | --predictions predicted.csv --json'
    expect(JSON.parse(graft(file))).toMatchObject({ problemType: 'multi_label_classification', texts: 150 })
    const predicted = parse(readFileSync(path('predicted.csv'), 'utf8'), { columns: true }) as Record<string, string>[]
    for (const { predicted_label: each } of predicted) expect(JSON.parse(each!)).toBeInstanceOf(Array)
  })
})

describe('numbers', () => {
  it('are read, trained on, classified and evaluated', () => {
    const made = graft('data counts.csv --label stars --problem-type regression --out counts')
    expect(made).toMatch(/^label +read +train +validation +test\nall +150 +/m)
    const trained = graft(`train --base base --data counts --out numbers ${settings}`)
    expect(trained).toMatch(/^ +Pearson +Spearman +R² +mean error +loss$/m)
    expect(trained).not.toContain('temperature')
    expect(graft('classify --model numbers red')).toMatch(/^text +label +number\nred +stars +-?\d+(\.\d+)?$/m)
    graft('classify --model numbers --input counts.csv --output numbers.csv')
    const rows = parse(readFileSync(path('numbers.csv'), 'utf8'), { columns: true }) as Record<string, string>[]
    expect(Object.keys(rows[0]!)).toEqual(['text', 'stars', 'value'])
    expect(graft('eval --model numbers --data counts')).toMatch(/^Farthest off:$/m)
  })
})
