import { describe, expect, it } from 'vitest'
import { createRandom } from '../../src/core/random.ts'
import { splitRuns } from '../../src/serve/split.ts'

describe('splitRuns', () => {
  it('runs similar lengths together, and sets apart what would be padded too far', () => {
    expect(splitRuns([10, 100, 11, 10, 95], 1000)).toEqual([
      [4, 1],
      [0, 3, 2],
    ])
    expect(splitRuns([3, 9, 5], 1000)).toEqual([[0, 2, 1]])
    expect(splitRuns([], 1000)).toEqual([])
  })

  it('takes each text once, within the tokens unless one alone is over', () => {
    const random = createRandom(1)
    const lengths = Array.from({ length: 60 }, () => Math.floor(random.uniform() * 90))
    const runs = splitRuns(lengths, 80)
    expect(runs.flat().sort((a, b) => a - b)).toEqual([...lengths.keys()])
    const tokens = (run: number[]) => run.length * Math.max(...run.map((index) => lengths[index]!))
    expect(runs.every((run) => run.length === 1 || tokens(run) <= 80)).toBe(true)
    expect(runs.some((run) => tokens(run) > 80)).toBe(true)
  })
})
