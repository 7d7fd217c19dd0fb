/** `graft eval`: what it measures, prints, writes and refuses. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { exportBundle } from '../../src/export/index.ts'
import { prepareDataset, writeDataset } from '../../src/train/dataset.ts'
import { type Fixture, writeFixture } from '../export/fixtures.ts'
import { runGraft } from './command-line.ts'

const examples = Array.from({ length: 40 }, (_, at) => ({
  text: at % 5 === 0 ? `message, "${at}"\nof two lines` : `message ${at}`,
  label: at % 2 === 0 ? 'ham' : 'spam',
  file: 'messages.csv',
  line: at + 2,
}))

let fixture: Fixture
beforeAll(async () => {
  fixture = await writeFixture()
  const adapters = [{ dir: fixture.adapters.spam }]
  await exportBundle({ adapters, mode: 'unmerged', dir: path('bundle'), probes: ['ok'] })
  await writeDataset(path('data'), await prepareDataset(examples, { split: [0.6, 0.1, 0.3] }))
  writeFileSync(path('rows.csv'), 'message,kind\nsee you,ham\nwin a prize,spam\nok,ham\n')
  writeFileSync(path('wrong.csv'), 'text,label\nsee you,ham\nwin a prize,eggs\n')
})
afterAll(() => rm(fixture.dir, { recursive: true }))

const path = (name: string) => join(fixture.dir, name)
const graft = (...args: string[]) => runGraft(['eval', ...args], { cwd: fixture.dir })

interface Document {
  split?: string
  texts: number
  accuracy: number
  perClass: { support: number }[]
  calibration: { confidence: number }
  uncalibrated: { calibration: { confidence: number } }
  mistakes: object[]
}

const evaluate = (...args: string[]) => {
  const { status, stdout } = graft(...args, '--json')
  expect(status).toBe(0)
  return JSON.parse(stdout) as Document
}

describe('graft eval', () => {
  it('evaluates a bundle on the test part, and prints tables', () => {
    const { status, stdout } = graft('--model', 'bundle', '--data', 'data')
    expect(status).toBe(0)
    expect(stdout).toMatch(/^texts +accuracy +macro-F1 +loss +ROC-AUC +texts\/s\n +12 +\d+\.\d %/)
    expect(stdout).toMatch(/^ham +\d\.\d{3} +\d\.\d{3} +\d\.\d{3} +6$/m)
    expect(stdout).toMatch(/^truth \\ predicted +ham +spam$/m)
  })

  it('gives the same for the adapter, all of it as one document with --json', () => {
    const bundle = evaluate('--model', 'bundle', '--adapter', 'spam', '--data', 'data', '--split', 'train')
    expect(bundle).toMatchObject({ model: 'bundle', adapter: 'spam', split: 'train', texts: 24, truncated: 0 })
    expect(bundle).toMatchObject({
      temperature: 2,
      calibration: { expectedError: expect.any(Number), bins: expect.any(Array) },
      uncalibrated: { calibration: { expectedError: expect.any(Number) } },
    })
    // Twice as sure of the same answers.
    expect(bundle.uncalibrated.calibration.confidence).toBeGreaterThan(bundle.calibration.confidence)
    const wrong = bundle.perClass.reduce((sum, { support }) => sum + support, 0) * (1 - bundle.accuracy)
    expect(bundle.mistakes).toHaveLength(Math.min(10, Math.round(wrong)))
    expect(Object.keys(bundle)).toEqual(
      expect.arrayContaining(['macroF1', 'loss', 'rocAuc', 'confusion', 'seconds', 'textsPerSecond']),
    )
    const adapter = evaluate('--model', 'spam', '--base', 'base', '--data', 'data', '--split', 'train')
    expect(adapter).toMatchObject({ accuracy: bundle.accuracy, perClass: bundle.perClass, temperature: 2 })
  })

  it('evaluates on a file, and writes predictions that give its accuracy', () => {
    const file = ['--data', 'rows.csv', '--label', 'kind']
    const { split, texts, accuracy } = evaluate('--model', 'spam', ...file, '--predictions', 'out/predictions.csv')
    expect({ split, texts }).toEqual({ split: undefined, texts: 3 })
    const rows = parse(readFileSync(path('out/predictions.csv')), { columns: true }) as Record<string, string>[]
    expect(Object.keys(rows[0]!)).toEqual(['text', 'label', 'predicted_label', 'score'])
    expect(rows.map(({ text, label }) => [text, label])).toEqual([
      ['see you', 'ham'],
      ['win a prize', 'spam'],
      ['ok', 'ham'],
    ])
    expect(rows.filter(({ label, predicted_label }) => label === predicted_label).length / 3).toBeCloseTo(accuracy)
    graft('--model', 'spam', ...file, '--predictions', 'predictions.jsonl')
    const [first] = readFileSync(path('predictions.jsonl'), 'utf8').split('\n')
    expect(JSON.parse(first!)).toMatchObject({ text: 'see you', label: 'ham', score: Number(rows[0]!.score) })
  })

  it('refuses a label that the model does not know, and writes nothing', () => {
    const { status, stderr } = graft('--model', 'spam', '--data', 'wrong.csv', '--predictions', 'wrong-out.csv')
    expect(status).toBe(1)
    expect(stderr).toContain('wrong.csv, line 3: unknown label "eggs"; the labels are "ham", "spam"')
    expect(existsSync(path('wrong-out.csv'))).toBe(false)
  })

  it.each([
    ['a part of a file', ['--data', 'rows.csv', '--split', 'test'], 2, '--split is for the folder of a data set'],
    ['columns of a data set', ['--data', 'data', '--text', 'message'], 2, '--text is for files'],
    [
      'a part that there is not',
      ['--data', 'data', '--split', 'dev'],
      2,
      'Allowed choices are train, validation, test',
    ],
    [
      'another format',
      ['--data', 'data', '--predictions', 'a.xml'],
      2,
      '--predictions must end in .csv, .tsv or .jsonl',
    ],
    ['data that is not there', ['--data', 'none'], 1, 'none does not exist'],
    ['a folder that is no data set', ['--data', 'base'], 1, 'summary.json does not exist'],
    ['an adapter that there is not', ['--data', 'data', '--adapter', 'x'], 1, 'there is no adapter "x"'],
    ['a base for a bundle', ['--data', 'data', '--base', 'base'], 2, 'is no adapter, so it takes no base'],
  ])('refuses %s', (_, args, code, message) => {
    const { status, stdout, stderr } = graft('--model', 'bundle', ...args)
    expect({ status, stdout }).toEqual({ status: code, stdout: '' })
    expect(stderr).toContain(message)
  })
})
