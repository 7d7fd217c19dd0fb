/** Checks JSON against a schema, with an error that names the file and each field at fault. */
import type { z } from 'zod'
import { type ErrorCode, GraftError } from './errors.ts'

/** Zod's complaints in one line: `shape.0: expected number; dtype: …`. */
export const issuesOf = (error: z.ZodError): string =>
  error.issues.map(({ path, message }) => (path.length > 0 ? `${path.join('.')}: ${message}` : message)).join('; ')

export interface CheckOptions {
  code: ErrorCode
  /** Named in the error. */
  file: string
  hint: string
}

/**
 * The value as the schema reads it, defaults filled in.
 * @throws GraftError of the given code
 */
export function checkSchema<T>(schema: z.ZodType<T>, value: unknown, { code, file, hint }: CheckOptions): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  throw new GraftError(code, `${file}: ${issuesOf(result.error)}`, { hint, file })
}
