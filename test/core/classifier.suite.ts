/** What every classifier does, in Node and in a page: both give the same answers and the same errors. */
import { beforeAll, describe, expect, it } from 'vitest'
import type { Classification } from '../../src/core/classifier.ts'
import { largestDifference } from '../export/fixtures.ts'

/** A call of a classifier that may be elsewhere; it fails with an error's fields, since classes do not cross to a page. */
export type Call = (method: 'adapters' | 'labels' | 'classify' | 'logits', ...args: unknown[]) => Promise<unknown>

/** The bundles of `test/export/fixtures.ts`: all its adapters, and the one for topics merged. */
export type Open = (bundle: 'unmerged' | 'merged') => Promise<Call>

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

export function classifierSuite(open: Open): void {
  let merged: Call
  let unmerged: Call
  beforeAll(async () => {
    merged = await open('merged')
    unmerged = await open('unmerged')
  })

  const classify = async (call: Call, list: readonly string[], options?: object) =>
    (await call('classify', list, options)) as Classification[]

  it('says what it classifies', async () => {
    expect(await merged('adapters')).toEqual([])
    expect(await merged('labels')).toEqual(['World', 'Sports', 'Business', 'Sci/Tech'])
    expect(await unmerged('adapters')).toEqual(['spam', 'topic', 'mood'])
    expect(await unmerged('labels', 'mood')).toEqual(['2', '1', '0'])
  })

  it('gives probabilities by label id, and the likeliest label', async () => {
    const [result] = await classify(unmerged, ['ok'], { adapter: 'mood' })
    expect(result!.scores.map(({ label }) => label)).toEqual(['2', '1', '0'])
    expect(result!.scores.reduce((sum, { score }) => sum + score, 0)).toBeCloseTo(1, 10)
    expect(result!.score).toBe(Math.max(...result!.scores.map(({ score }) => score)))
    expect(result!.scores).toContainEqual({ label: result!.label, score: result!.score })
  })

  it('gives a single text one answer, and a list a list', async () => {
    for (const method of ['classify', 'logits'] as const) {
      const [expected] = (await merged(method, ['ok'])) as unknown[]
      expect(await merged(method, 'ok')).toEqual(expected)
      expect(await merged(method, [])).toEqual([])
    }
  })

  it('gives the scores of the likeliest labels, best first', async () => {
    const all = (await classify(merged, ['ok']))[0]!.scores
    const sorted = all.toSorted((a, b) => b.score - a.score)
    expect((await classify(merged, ['ok'], { topK: 2 }))[0]!.scores).toEqual(sorted.slice(0, 2))
    expect((await classify(merged, ['ok'], { topK: 9 }))[0]!.scores).toEqual(sorted)
  })

  it('classifies alike merged and unmerged', async () => {
    const results = await classify(unmerged, texts, { adapter: 'topic' })
    const expected = await classify(merged, texts)
    expect(facts(results)).toEqual(facts(expected))
    expect(largestDifference(probabilities(results), probabilities(expected))).toBeLessThan(1e-5)
  })

  it('gives a text the same result alone as among many, with its own adapter', async () => {
    const many = Array.from({ length: 100 }, (_, at) => texts[at % texts.length]!)
    const adapter = many.map((_, at) => ['spam', 'topic', 'mood'][at % 3]!)
    const together = await classify(unmerged, many, { adapter })
    for (const [at, text] of many.entries()) {
      if (at % 7 > 0) continue
      const alone = await classify(unmerged, [text], { adapter: adapter[at]! })
      expect(facts([together[at]!])).toEqual(facts(alone))
      expect(largestDifference(probabilities([together[at]!]), probabilities(alone))).toBeLessThan(1e-5)
    }
  })

  it("cuts a text at its adapter's length", async () => {
    const text = 'word '.repeat(20).trim()
    const results = await classify(unmerged, [text, text, 'word'], { adapter: ['topic', 'spam', 'spam'] })
    expect(results.map(({ tokens, truncated }) => [tokens, truncated])).toEqual([
      [12, true],
      [20, false],
      [1, false],
    ])
    const cut = await unmerged('logits', 'word '.repeat(12).trim(), { adapter: 'topic' })
    expect(await unmerged('logits', text, { adapter: 'topic' })).toEqual(cut)
  })

  it('takes a text of 1 MB', async () => {
    const [result] = await classify(merged, ['spam '.repeat(200_000)])
    expect(result).toMatchObject({ tokens: 12, truncated: true })
  })

  describe('refuses', () => {
    it.each([
      ['unknown', 'there is no adapter "unknown"; there are spam, topic, mood'],
      ['constructor', 'there is no adapter "constructor"; there are spam, topic, mood'],
      [undefined, 'no adapter was chosen; there are spam, topic, mood'],
    ])('the adapter %s', async (adapter, message) => {
      await expect(unmerged('classify', ['ok'], { adapter })).rejects.toMatchObject({ code: 'adapter-index', message })
      await expect(unmerged('labels', adapter)).rejects.toMatchObject({ code: 'adapter-index', message })
    })

    it('an adapter of a merged bundle', async () => {
      const run = merged('classify', ['ok'], { adapter: 'topic' })
      await expect(run).rejects.toMatchObject({ code: 'adapter-index', hint: 'Leave the adapter out.' })
      await expect(merged('labels', 'topic')).rejects.toMatchObject({ code: 'adapter-index' })
    })

    it.each([
      [undefined, {}, 'neither a text nor a list of texts'],
      [['ok', 7], {}, 'texts[1] is not a string but number'],
      [['ok'], { topK: 0 }, 'topK is 0'],
      [['ok', 'ok'], { adapter: ['spam'] }, '1 adapters were named for 2 texts'],
    ])('%j with %j', async (list, options, message) => {
      const calls = 'topK' in options ? (['classify'] as const) : (['classify', 'logits'] as const)
      for (const method of calls) {
        await expect(unmerged(method, list, options)).rejects.toMatchObject({ code: 'usage', message })
      }
    })
  })
}
