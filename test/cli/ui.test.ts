/** The user interface writes the right thing to the right stream, on a terminal and off it. */
import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it } from 'vitest'
import { createUi } from '../../src/cli/ui.ts'
import { recorder } from './recorder.ts'

function setUp({ json = false, columns }: { json?: boolean; columns?: number } = {}) {
  const [stdout, stderr] = [recorder(columns), recorder(columns)]
  const ui = createUi({ json, stdout: stdout.stream, stderr: stderr.stream })
  return { ui, stdout: stdout.text, stderr: stderr.text }
}

const head = ['label', 'rows', 'share', 'example']
const rows = [
  ['ham', 4827, '86.6 %', 'see you at the station then'],
  ['spam', 747, '13.4 %', 'win'],
]

describe('lines, tables and results', () => {
  it('prints text on stdout and no document', () => {
    const { ui, stdout, stderr } = setUp()
    ui.line('hello')
    ui.line()
    ui.result({ a: 1 })
    expect(stdout()).toBe('hello\n\n')
    expect(stderr()).toBe('')
  })

  it('with json keeps stdout for the document', () => {
    const { ui, stdout, stderr } = setUp({ json: true })
    ui.line('hello')
    ui.table(['a'], [[1]])
    ui.result({ a: 1 })
    expect(JSON.parse(stdout())).toEqual({ a: 1 })
    expect(stderr()).toContain('hello\n')
  })

  it('aligns columns of numbers right and others left', () => {
    const { ui, stdout } = setUp()
    ui.table(head, rows)
    expect(stripVTControlCharacters(stdout())).toMatchInlineSnapshot(`
      "label   rows   share  example
      ham    4,827  86.6 %  see you at the station then
      spam     747  13.4 %  win
      "
    `)
  })

  it('wraps the widest column where the terminal is narrow', () => {
    const { ui, stdout } = setUp({ columns: 40 })
    ui.table(head, rows)
    const lines = stripVTControlCharacters(stdout()).split('\n')
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(40)
    expect(lines.join(' ').replace(/\s+/g, ' ')).toContain('86.6 % see you at the station then spam')
    expect(lines).toHaveLength(5) // head, two lines for ham, spam, and the end
  })

  it('prints a table without rows as its head', () => {
    const { ui, stdout } = setUp()
    ui.table(['label', 'rows'], [])
    expect(stripVTControlCharacters(stdout())).toBe('label  rows\n')
  })
})

describe('progress', () => {
  it('prints about ten lines off a terminal, the last at 100%', () => {
    const { ui, stderr } = setUp()
    const progress = ui.progress('train', 1000, { unit: 'steps' })
    for (let step = 1; step <= 1000; step++) progress.update(step, `loss ${1000 - step}`)
    progress.stop()
    const lines = stderr().trimEnd().split('\n')
    expect(lines).toHaveLength(10)
    expect(lines[0]).toMatch(/^train {3}10% {4}100\/1,000 steps .*loss 900$/)
    expect(lines[9]).toMatch(/^train {2}100% {2}1,000\/1,000 steps .*loss 0$/)
  })

  it('prints each update of a short run, and an empty run without NaN', () => {
    const { ui, stderr } = setUp()
    const short = ui.progress('seeds', 3)
    for (let seed = 1; seed <= 3; seed++) short.update(seed)
    ui.progress('none', 0).update(0)
    expect(
      stderr()
        .replace(/ {2}[\d.,]+\/s/g, '')
        .replace(/ {2}ETA \d+ s/g, ''),
    ).toBe('seeds   33%  1/3\nseeds   66%  2/3\nseeds  100%  3/3\nnone  100%  0/0\n')
  })

  it('shows bytes as megabytes', () => {
    const { ui, stderr } = setUp()
    ui.progress('download', 2e6, { unit: 'bytes' }).update(1e6)
    expect(stderr()).toBe('download   50%  1.0/2.0 MB\n')
  })

  it('tells rate and time left, counted from the first update', async () => {
    const { ui, stderr } = setUp()
    const progress = ui.progress('train', 2000, { unit: 'steps' })
    progress.update(1000)
    await new Promise((resolve) => setTimeout(resolve, 50))
    progress.update(1200)
    const [, rate, left] = /([\d,]+) steps\/s {2}ETA (\d+) s/.exec(stderr()) ?? []
    expect(Number(rate?.replace(',', ''))).toBeLessThanOrEqual(4200) // 200 steps in 50 ms or, by the timer's grain, a little less
    expect(Number(left)).toBeGreaterThanOrEqual(1)
  })

  it('draws a bar no wider than the terminal', () => {
    const { ui, stderr } = setUp({ columns: 60 })
    const progress = ui.progress('train', 200, { unit: 'steps' })
    progress.update(100, 'loss 0.31')
    progress.stop()
    const frames = stripVTControlCharacters(stderr())
      .split('train')
      .map((frame) => frame.trimEnd())
    expect(frames.at(-1)).toMatch(/^ {2}━+─+ {3}50% {2}100\/200 steps {2}loss 0.31$/)
    for (const frame of frames) expect(frame.length + 'train'.length).toBeLessThanOrEqual(60)
  })

  it('drops the bar where the terminal is too narrow for it', () => {
    const { ui, stderr } = setUp({ columns: 30 })
    ui.progress('train', 200, { unit: 'steps' }).stop()
    expect(stripVTControlCharacters(stderr())).toContain('train    0%    0/200 steps')
    expect(stderr()).not.toContain('─')
  })

  it('prints lines above a running bar', () => {
    const { ui, stdout, stderr } = setUp({ json: true, columns: 80 })
    const progress = ui.progress('train', 2)
    ui.line('epoch 1: accuracy 0.9')
    progress.update(1)
    progress.stop()
    progress.stop()
    ui.line('after')
    expect(stderr()).toContain('\u001B[2Kepoch 1: accuracy 0.9\n') // the bar's line is cleared first
    const text = stripVTControlCharacters(stderr())
    expect(text).toMatch(/epoch 1: accuracy 0.9\ntrain .*50% {2}1\/2\nafter\n$/)
    expect(stdout()).toBe('')
  })
})
