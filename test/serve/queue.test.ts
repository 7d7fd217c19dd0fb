import { describe, expect, it } from 'vitest'
import { createQueue, type Waiting } from '../../src/serve/queue.ts'

const text = (tokens: number, since = 0, model = 'm'): Waiting => ({ model, tokens, since })

const queueOf = (texts: Waiting[], { maxBatchTokens = 1000, maxWaitMs = 0 } = {}) => {
  const queue = createQueue<Waiting>({ maxBatchTokens, maxWaitMs })
  texts.forEach(queue.add)
  return queue
}

describe('createQueue', () => {
  it('batches texts of one model and similar lengths, the longest waiting first', () => {
    const [long, short, other, alike] = [text(100, 2), text(8, 1), text(8, 3, 'n'), text(7, 4)]
    const queue = queueOf([long, short, other, alike])
    expect([queue.next(), queue.next(), queue.next(), queue.next()]).toEqual([[short, alike], [long], [other], []])
    expect(queue.size).toBe(0)
  })

  it('keeps batches within the tokens, padding included, but never refuses a single text', () => {
    const queue = queueOf([text(12), text(15), text(12), text(900)], { maxBatchTokens: 30 })
    expect([queue.next(), queue.next(), queue.next()].map((batch) => batch.map(({ tokens }) => tokens))).toEqual([
      [12, 15],
      [12],
      [900],
    ])
  })

  it('takes at most 32 short texts', () => {
    const queue = queueOf(Array.from({ length: 40 }, () => text(1)))
    expect([queue.next().length, queue.next().length]).toEqual([32, 8])
  })

  it('drops a text once', () => {
    const [one, two] = [text(5, 1), text(5, 2)]
    const queue = queueOf([one, two])
    expect([queue.remove(one), queue.remove(one), queue.size]).toEqual([true, false, 1])
    expect(queue.next()).toEqual([two])
    expect(queue.remove(two)).toBe(false)
  })

  it('waits for a batch to fill up, but not past the limit', () => {
    const now = performance.now()
    const waiting = queueOf([text(10, now)], { maxBatchTokens: 20, maxWaitMs: 1000 })
    expect(waiting.next()).toEqual([])
    waiting.add(text(10, now))
    waiting.add(text(10, now))
    expect(waiting.next()).toHaveLength(2)
    expect(queueOf([text(10, now - 1000)], { maxWaitMs: 1000 }).next()).toHaveLength(1)
  })
})
