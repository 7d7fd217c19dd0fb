/** Seeded random numbers: streams repeat, differ between seeds and forks, and have the right distribution. */
import { describe, expect, it } from 'vitest'
import { createRandom } from '../../src/core/random.ts'
import type { Random } from '../../src/core/random.ts'

const draw = (random: Random, count = 5) => Array.from({ length: count }, () => random.uniform())
const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

describe('createRandom', () => {
  it('gives the same stream for the same seed, on every machine', () => {
    expect(draw(createRandom(123))).toEqual(draw(createRandom(123)))
    expect(draw(createRandom(1), 2)).toEqual([0.6520823325532674, 0.035015810125318514])
  })

  it('gives unrelated first numbers for neighbouring seeds', () => {
    const first = Array.from({ length: 20_000 }, (_, seed) => createRandom(seed).uniform() - 0.5)
    expect(Math.abs(mean(first))).toBeLessThan(0.01)
    expect(Math.abs(mean(first.slice(1).map((value, i) => value * first[i]! * 12)))).toBeLessThan(0.03)
  })

  it('draws uniform numbers in [0, 1) and integers in [0, n)', () => {
    const random = createRandom(7)
    const numbers = draw(random, 20_000)
    expect(numbers.every((value) => value >= 0 && value < 1)).toBe(true)
    expect(mean(numbers)).toBeCloseTo(0.5, 1)
    const counts = [0, 0, 0]
    for (let i = 0; i < 30_000; i++) counts[random.integer(3)]!++
    expect(counts.reduce((sum, count) => sum + count)).toBe(30_000)
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(400)
  })

  it('draws standard normal numbers', () => {
    const random = createRandom(7)
    const values = Array.from({ length: 100_000 }, () => random.normal())
    expect(Math.abs(mean(values))).toBeLessThan(0.02)
    expect(mean(values.map((value) => value ** 2))).toBeCloseTo(1, 1)
    expect(mean(values.map((value) => value ** 4))).toBeGreaterThan(2.8)
    expect(mean(values.map((value) => value ** 4))).toBeLessThan(3.2)
  })

  it('shuffles into every order, each as often as the others, and leaves the array as it was', () => {
    const random = createRandom(7)
    const items = ['a', 'b', 'c'] as const
    const counts = new Map<string, number>()
    for (let i = 0; i < 12_000; i++) {
      const order = random.shuffle(items).join('')
      counts.set(order, (counts.get(order) ?? 0) + 1)
    }
    expect(items).toEqual(['a', 'b', 'c'])
    expect([...counts.keys()].toSorted()).toEqual(['abc', 'acb', 'bac', 'bca', 'cab', 'cba'])
    for (const count of counts.values()) expect(Math.abs(count - 2_000)).toBeLessThan(200)
  })

  it('forks by seed and label, whatever was drawn before', () => {
    const used = createRandom(5)
    draw(used, 100)
    expect(draw(used.fork('epoch 3'))).toEqual(draw(createRandom(5).fork('epoch 3')))
    expect(draw(used.fork(3))).toEqual(draw(used.fork('3')))
    const streams = [createRandom(5), createRandom(6).fork(1), used.fork(0), used.fork(1), used.fork(2), used.fork('')]
    expect(new Set(streams.map((random) => random.uniform())).size).toBe(streams.length)
  })
})
