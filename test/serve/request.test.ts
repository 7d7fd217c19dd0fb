/** A request whose adapter is on its way back from disk. */
import { describe, expect, it } from 'vitest'
import { createQueue } from '../../src/serve/queue.ts'
import type { Lease } from '../../src/serve/registry.ts'
import { type QueuedText, submit } from '../../src/serve/request.ts'

function start(limits: { deadline?: number; signal?: AbortSignal }) {
  const queue = createQueue<QueuedText>({ maxBatchTokens: 100, maxWaitMs: 0 })
  const released: string[] = []
  let arrive: () => void = () => undefined
  const lease = { version: 'v', labels: ['a', 'b'], maxLength: 8, slot: 0, release: () => released.push('released') }
  const leased = new Promise<Lease>((resolve) => (arrive = () => resolve(lease)))
  const request = { model: 'm', texts: ['ok'], truncate: true, ...limits }
  const answer = submit({ request, leased, queue, positions: 8, onQueued: () => undefined })
  return { answer, arrive, queue, released }
}

describe('submit', () => {
  it.each([
    ['deadline has passed', () => ({ deadline: performance.now() + 5 }), 'serve-timeout'],
    ['client is gone', () => ({ signal: AbortSignal.timeout(5) }), 'interrupted'],
  ])('waits no longer for an adapter when the %s, and gives it back', async (_, limits, code) => {
    const { answer, arrive, queue, released } = start(limits())
    await expect(answer).rejects.toMatchObject({ code })
    arrive()
    await expect.poll(() => released).toEqual(['released'])
    expect(queue.size).toBe(0)
  })

  it('queues the texts when the adapter is there', async () => {
    const { arrive, queue } = start({})
    expect(queue.size).toBe(0)
    arrive()
    await expect.poll(() => queue.size).toBe(1)
  })
})
