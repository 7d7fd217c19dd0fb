import { describe, expect, it } from 'vitest'
import { createSlots } from '../../src/serve/slots.ts'

const onFill = () => undefined
/** Writes a value everywhere. */
const write = (value: number) => async (memory: Float32Array) => void memory.fill(value)

describe('createSlots', () => {
  it('fills a slot anew only when nothing refers to it', async () => {
    const slots = createSlots({ capacity: 1, size: 2, onFill })
    const [slot] = await slots.fill(write(1))
    slots.retain(slot)
    const order: string[] = []
    const second = slots.fill(async () => void order.push('filled'))
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
    const slots = createSlots({ capacity: 2, size: 2, onFill: (slot) => told.push(slot) })
    const [first] = await slots.fill(write(1))
    const [second] = await slots.fill(write(2))
    slots.release(first)
    expect([...slots.contents]).toEqual([[second, Float32Array.of(2, 2)]])
    expect(told).toEqual([first, second])
  })

  it('frees a slot whose writing fails, without a word to anyone', async () => {
    const told: number[] = []
    const slots = createSlots({ capacity: 1, size: 2, onFill: (slot) => told.push(slot) })
    await expect(slots.fill(() => Promise.reject(new Error('damaged')))).rejects.toThrow('damaged')
    expect([told, [...slots.contents]]).toEqual([[], []])
    expect(await slots.fill(async () => 'well')).toEqual([0, 'well'])
  })

  it('keeps the memory of a slot, which threads share, from one content to the next', async () => {
    const told: Float32Array[] = []
    const slots = createSlots({ capacity: 1, size: 2, onFill: (_, memory) => told.push(memory) })
    const [slot] = await slots.fill(write(1))
    slots.release(slot)
    await slots.fill(write(2))
    expect(told[0]?.buffer).toBeInstanceOf(SharedArrayBuffer)
    expect(told[1]).toBe(told[0])
    expect([...(told[1] ?? [])]).toEqual([2, 2])
  })
})
