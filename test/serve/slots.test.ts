import { describe, expect, it } from 'vitest'
import { createSlots } from '../../src/serve/slots.ts'

const nothing = () => new Map()

describe('createSlots', () => {
  it('fills a slot anew only when nothing refers to it', async () => {
    const slots = createSlots(1, () => undefined)
    const slot = await slots.fill(nothing())
    slots.retain(slot)
    const order: string[] = []
    const second = slots.fill(nothing()).then(() => order.push('filled'))
    for (const reference of ['first', 'last']) {
      await new Promise(setImmediate)
      order.push(reference)
      slots.release(slot)
    }
    await second
    expect(order).toEqual(['first', 'last', 'filled'])
  })

  it('knows the contents of slots in use, and tells of each filling', async () => {
    const told: number[] = []
    const slots = createSlots(2, (slot) => told.push(slot))
    const [a, b] = [nothing(), nothing()]
    const first = await slots.fill(a)
    const second = await slots.fill(b)
    slots.release(first)
    expect([...slots.contents]).toEqual([[second, b]])
    expect(told).toEqual([first, second])
  })
})
