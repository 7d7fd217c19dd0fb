/** Classification with bundles: merged and unmerged, mixed adapters, order, truncation, wrong names. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { exportBundle } from '../../src/export/index.ts'
import { type Classification, type Classifier, openBundle } from '../../src/runtime/index.ts'
import { type Fixture, largestDifference, writeFixture } from '../export/fixtures.ts'

let fixture: Fixture
let merged: Classifier
let unmerged: Classifier

beforeAll(async () => {
  fixture = await writeFixture()
  const { dir, base, adapters } = fixture
  const probes = ['ok']
  const sources = Object.values(adapters).map((each) => ({ dir: each }))
  await exportBundle({ base, adapters: sources, mode: 'unmerged', dir: join(dir, 'unmerged'), probes })
  await exportBundle({ base, adapters: [{ dir: adapters.topic }], mode: 'merged', dir: join(dir, 'merged'), probes })
  merged = await openBundle(join(dir, 'merged'), { threads: 1 })
  unmerged = await openBundle(join(dir, 'unmerged'), { threads: 1 })
})

afterAll(async () => {
  await merged.close()
  await unmerged.close()
  await rm(fixture.dir, { recursive: true })
})

const texts = [
  'Win £1000 now! Call 0800 555 0199.',
  'ok',
  'see you at the station, I am bringing the other bag',
  '日本語のテキスト 🎉',
  'a much longer text that has a good many more tokens than any of the others, so that batches differ in length',
  ' ',
]

/** All but the numbers, which are compared with a tolerance. */
const facts = (results: readonly Classification[]) =>
  results.map(({ label, tokens, truncated }) => ({ label, tokens, truncated }))

const probabilities = (results: readonly Classification[]) =>
  results.flatMap(({ scores }) => scores.map(({ score }) => score))

describe('openBundle', () => {
  it('says what a merged bundle classifies', () => {
    expect(merged.adapters).toEqual([])
    expect(merged.labels()).toEqual(['World', 'Sports', 'Business', 'Sci/Tech'])
  })

  it('says what each adapter classifies', () => {
    expect(unmerged.adapters).toEqual(['spam', 'topic', 'mood'])
    expect(unmerged.labels('mood')).toEqual(['2', '1', '0'])
  })

  it('gives probabilities by label id, and the likeliest label', async () => {
    const [result] = await unmerged.classify(['ok'], { adapter: 'mood' })
    expect(result!.scores.map(({ label }) => label)).toEqual(['2', '1', '0'])
    expect(result!.scores.reduce((sum, { score }) => sum + score, 0)).toBeCloseTo(1, 10)
    expect(result!.score).toBe(Math.max(...result!.scores.map(({ score }) => score)))
    expect(result!.scores).toContainEqual({ label: result!.label, score: result!.score })
  })

  it('classifies alike merged and unmerged', async () => {
    const results = await unmerged.classify(texts, { adapter: 'topic' })
    const expected = await merged.classify(texts)
    expect(facts(results)).toEqual(facts(expected))
    expect(largestDifference(probabilities(results), probabilities(expected))).toBeLessThan(1e-5)
  })

  it('gives a text the same result alone as among many, with its own adapter', async () => {
    const many = Array.from({ length: 100 }, (_, at) => texts[at % texts.length]!)
    const adapter = many.map((_, at) => ['spam', 'topic', 'mood'][at % 3]!)
    const together = await unmerged.classify(many, { adapter })
    for (const [at, text] of many.entries()) {
      if (at % 7 > 0) continue
      const alone = await unmerged.classify([text], { adapter: adapter[at]! })
      expect(facts([together[at]!])).toEqual(facts(alone))
      expect(largestDifference(probabilities([together[at]!]), probabilities(alone))).toBeLessThan(1e-5)
    }
  })

  it("cuts a text at its adapter's length", async () => {
    const text = 'word '.repeat(20).trim()
    const results = await unmerged.classify([text, text, 'word'], { adapter: ['topic', 'spam', 'spam'] })
    expect(results.map(({ tokens, truncated }) => [tokens, truncated])).toEqual([
      [12, true],
      [20, false],
      [1, false],
    ])
    const [cut] = await unmerged.logits(['word '.repeat(12).trim()], { adapter: 'topic' })
    expect(await unmerged.logits([text], { adapter: 'topic' })).toEqual([cut])
  })

  it('takes a text of 1 MB, and no text at all', async () => {
    const [result] = await merged.classify(['spam '.repeat(200_000)])
    expect(result).toMatchObject({ tokens: 12, truncated: true })
    expect(await merged.classify([])).toEqual([])
  })

  it.each([
    ['unknown', 'there is no adapter "unknown"; there are spam, topic, mood'],
    [undefined, 'no adapter was chosen; there are spam, topic, mood'],
  ])('refuses the adapter %s', async (adapter, message) => {
    await expect(unmerged.classify(['ok'], { adapter })).rejects.toMatchObject({ code: 'adapter-index', message })
    expect(() => unmerged.labels(adapter)).toThrow(message)
  })

  it('refuses an adapter of a merged bundle', async () => {
    const run = merged.classify(['ok'], { adapter: 'topic' })
    await expect(run).rejects.toMatchObject({ code: 'adapter-index', hint: 'Leave the adapter out.' })
  })

  it('refuses a folder that is no bundle', async () => {
    await expect(openBundle(fixture.base)).rejects.toMatchObject({ code: 'file-not-found' })
  })
})
