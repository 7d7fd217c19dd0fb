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

  it('keeps the memory of a slot, which threads share, from one content to the next', async () => {
    const told: (Float32Array | undefined)[] = []
    const slots = createSlots(1, (_, tensors) => told.push(tensors.get('w')?.data))
    const tensors = (value: number) => new Map([['w', { shape: [2], data: Float32Array.of(value, value) }]])
    slots.release(await slots.fill(tensors(1)))
    await slots.fill(tensors(2))
    expect(told[0]?.buffer).toBeInstanceOf(SharedArrayBuffer)
    expect(told[1]).toBe(told[0])
    expect([...(told[1] ?? [])]).toEqual([2, 2])
  })
})
