/** Checks JSON against a schema, with an error that names the file and each field at fault. */
import * as z from 'zod/mini'
import { type ErrorCode, GraftError } from './errors.ts'
import { messageOf } from './schema-messages.ts'

/**
 * What a value is by a schema, or what is wrong with it. Core's schemas are zod's tree-shakable ones, which come without
 * messages: zod whole would be 18 KB more of a web page.
 */
export const parse = <T>(schema: z.core.$ZodType<T>, value: unknown) => z.safeParse(schema, value, { error: messageOf })

/** Zod's complaints in one line: `shape.0: expected number; dtype: …`. */
export const issuesOf = (error: z.core.$ZodError): string =>
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
export function checkSchema<T>(schema: z.core.$ZodType<T>, value: unknown, { code, file, hint }: CheckOptions): T {
  const result = parse(schema, value)
  if (result.success) return result.data
  throw new GraftError(code, `${file}: ${issuesOf(result.error)}`, { hint, file })
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Values by label. `__proto__` is a label like any other, which zod's own record leaves out. */
export const byLabel = <T>(value: z.core.$ZodType<T>) =>
  z.pipe(
    z.pipe(
      z.custom<Record<string, unknown>>(isRecord, 'expected record'),
      z.transform((record: Record<string, unknown>) => Object.entries(record)),
    ),
    z.pipe(
      z.array(z.tuple([z.string(), value])),
      z.transform((entries): Record<string, T> => Object.fromEntries(entries)),
    ),
  )
