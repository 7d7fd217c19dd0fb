/** The estimate of how long what waits takes. */
import { expect, it } from 'vitest'
import { createRate } from '../../src/serve/rate.ts'

it('is the time of late, by the number of workers', () => {
  const rate = createRate(2)
  expect(rate.secondsFor(10)).toBe(0)
  rate.add(8, 4)
  expect(rate.secondsFor(10)).toBe(2.5)
  for (let batch = 0; batch < 100; batch++) rate.add(8, 0.8)
  expect(rate.secondsFor(10)).toBeCloseTo(0.5, 3)
})
