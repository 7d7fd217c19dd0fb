/** `graft data`: what it prints and writes, and that a failure writes nothing. */
import { existsSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { dataCommand } from '../../src/cli/data.ts'
import { readDataset } from '../../src/train/dataset.ts'
import { hasSharedData, sharedData } from '../shared-data.ts'

let folder = ''
let stdout = ''
let stderr = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'graft-data-'))
  const rows = Array.from({ length: 60 }, (_, i) => `${i % 3 ? 'ham' : 'spam'}\tmessage ${i % 50}\n`)
  writeFileSync(join(folder, 'messages'), rows.join(''))
})
afterAll(() => rm(folder, { recursive: true }))
beforeEach(() => {
  stdout = stderr = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => Boolean((stdout += String(text))))
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => Boolean((stderr += String(text))))
})
afterEach(() => {
  vi.restoreAllMocks()
})

const graftData = (...args: string[]) => dataCommand().parseAsync(args, { from: 'user' })

describe('graft data', () => {
  it('prints what was read, dropped and kept, and writes it', async () => {
    const out = join(folder, 'set')
    await graftData(join(folder, 'messages'), '--out', out, '--labels', 'spam,ham', '--seed', '7', '--max-length', '1')
    expect(stdout.replace(folder, 'FOLDER')).toMatchInlineSnapshot(`
      "60 rows read from messages
      3 rows dropped: the text was there already
      14 rows dropped: the same text stands under two labels

      label  read  train  validation  test
      spam     20      9           1     3
      ham      40     21           3     6
      all      60     30           4     9

      Tokens a text: mean 2, median 2, 90 % 2, 95 % 2, 99 % 2, longest 2
      Longer than 1 tokens, to be cut off there: 43 texts

      Wrote FOLDER/set: train.csv, validation.csv, test.csv, summary.json
      "
    `)
    expect(stderr).toBe('')
    const { labels, summary } = await readDataset(out)
    expect(labels).toEqual(['spam', 'ham'])
    expect(summary.seed).toBe(7)
  })

  it('prints one JSON document on stdout with --json, and the rest on stderr', async () => {
    const out = join(folder, 'json')
    await graftData(join(folder, 'messages'), '--out', out, '--balance', '--keep-repeats', '--json')
    const result: unknown = JSON.parse(stdout)
    expect(result).toMatchObject({
      out,
      labels: ['ham', 'spam'],
      read: { rows: 60, perLabel: { ham: 40, spam: 20 } },
      dropped: { repeats: 0, balance: 20 },
      splits: { train: { rows: 28 }, validation: { rows: 4 }, test: { rows: 8 } },
      split: [0.7, 0.1, 0.2],
      seed: 123,
    })
    expect(stderr).toContain('60 rows read from messages')
  })

  it('writes nothing where the data is at fault', async () => {
    const out = join(folder, 'nothing')
    const failure = graftData(join(folder, 'messages'), '--out', out, '--split', '0.98,0.01,0.01')
    await expect(failure).rejects.toMatchObject({ code: 'data-split' })
    expect(existsSync(out)).toBe(false)
  })

  it.skipIf(!hasSharedData)('reports the SMS Spam Collection', async () => {
    const args = ['--balance', '--split', '0.7,0.1,0.2', '--seed', '123', '--out', join(folder, 'sms')]
    await graftData(sharedData('sms-spam/SMSSpamCollection'), ...args)
    expect(stdout).toMatch(/5,574 rows read[^]*403 rows dropped[^]*ham +4,827 +450[^]*spam +747 +450/)
  })
})
