/** The reader and the writer of tables, in Node. */
import { describe } from 'vitest'
import { runCase } from './run.ts'
import { tableSuite } from './table.suite.ts'

describe('tables in Node', () => {
  tableSuite(runCase)
})
