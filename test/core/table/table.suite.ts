/** What a table's file holds and what comes of it, wherever it is read: the cases run in Node and in a browser. */
import { describe, expect, it } from 'vitest'
import type { Input, Outcome } from './run.ts'
import { read } from './read.cases.ts'
import { refused } from './refused.cases.ts'

/** @param run runs a case where the suite is run */
export function tableSuite(run: (input: Input) => Promise<Outcome>): void {
  describe('reads and writes', () => {
    it.each(read)('$title', async ({ expected, ...input }) => {
      expect(await run(input)).toMatchObject(expected)
    })
  })
  describe('refuses', () => {
    it.each(refused)('$title', async ({ expected, ...input }) => {
      expect(await run(input)).toMatchObject(expected)
    })
  })
}
