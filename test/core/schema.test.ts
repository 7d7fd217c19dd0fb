/** Values by label, whatever a label is called. */
import { expect, it } from 'vitest'
import * as z from 'zod/mini'
import { parseConfig } from '../../src/core/families.ts'
import { byLabel, checkSchema } from '../../src/core/schema.ts'
import { tinyConfig } from '../fixtures/adapter.ts'

const json = '{"constructor": 0, "__proto__": 1, "toString": 2}'

it('__proto__ is a label like any other', () => {
  expect(JSON.stringify(z.parse(byLabel(z.int()), JSON.parse(json)))).toBe(JSON.stringify(JSON.parse(json)))
  expect(JSON.stringify(parseConfig({ ...tinyConfig, label2id: JSON.parse(json) }).label2id)).toContain('"__proto__":1')
})

it.each([[[1]], ['x'], [null], [{ a: 'b' }]])('%j is refused', (value) => {
  expect(() => checkSchema(byLabel(z.int()), value, { code: 'config', file: 'f', hint: '' })).toThrow(/f: .*expected/i)
})
