/** What a schema finds at fault, in zod's English words, but only for what core's schemas ask for. */
import * as z from 'zod/mini'

/** What counts in values of these kinds; of numbers it is the number itself. */
const units: Record<string, string> = { string: 'characters', array: 'items' }

/** "expected string to have >=1 characters", "expected number to be >0" */
function limit(origin: string, limit: string): string {
  const unit = units[origin]
  return `expected ${origin} to ${unit === undefined ? `be ${limit}` : `have ${limit} ${unit}`}`
}

const received = (input: unknown) =>
  typeof input === 'number' && !Number.isFinite(input) ? String(input) : z.core.util.parsedType(input)

const alternatives = (options: readonly unknown[]) => options.map((option) => `'${option}'`).join(' | ')

/** In place of zod's own messages, for one parse. */
export function messageOf(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `Invalid input: expected ${issue.expected}, received ${received(issue.input)}`
    case 'invalid_value':
      return issue.values.length === 1
        ? `Invalid input: expected ${z.core.util.stringifyPrimitive(issue.values[0])}`
        : `Invalid option: expected one of ${z.core.util.joinValues(issue.values, '|')}`
    case 'too_big':
      return `Too big: ${limit(issue.origin, `${issue.inclusive ? '<=' : '<'}${issue.maximum}`)}`
    case 'too_small':
      return `Too small: ${limit(issue.origin, `${issue.inclusive ? '>=' : '>'}${issue.minimum}`)}`
    case 'not_multiple_of':
      return `Invalid number: must be a multiple of ${issue.divisor}`
    case 'invalid_key':
      return `Invalid key in ${issue.origin}`
    case 'invalid_union':
      return Array.isArray(issue.options)
        ? `Invalid discriminator value. Expected ${alternatives(issue.options)}`
        : 'Invalid input'
    default:
      return 'Invalid input'
  }
}
