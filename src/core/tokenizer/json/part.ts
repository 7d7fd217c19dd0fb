/** The parts of a `tokenizer.json`: objects that name their type, each read by the maker of that type. */
import * as z from 'zod/mini'
import { issuesOf, parse } from '../../schema.ts'

/** What a file asks for and Graft does not do; the error that users see names the file too. */
export class NotSupported extends Error {}

/** What makes a part of each type, by the type's name in the file. */
export type Makers<T> = Readonly<Record<string, (part: unknown) => T>>

/** What is looked for: a text as it is, or a regular expression, which `toRegExp` of pattern.ts makes JavaScript's. */
export const patternSchema = z.union([z.object({ String: z.string() }), z.object({ Regex: z.string() })])
export type Pattern = z.infer<typeof patternSchema>

const typed = z.looseObject({ type: z.string() })

/** The fields of a part. */
export function fields<T>(schema: z.core.$ZodType<T>, part: unknown, kind: string): T {
  const read = parse(schema, part)
  if (read.success) return read.data
  throw new NotSupported(`${kind}: ${issuesOf(read.error)}`)
}

/** The part, made by the maker of its type. */
export function make<T>(kind: string, part: unknown, makers: Makers<T>): T {
  const { type } = fields(typed, part, kind)
  const maker = Object.hasOwn(makers, type) ? makers[type] : undefined
  if (maker) return maker(part)
  throw new NotSupported(`the ${kind} ${JSON.stringify(type)}; what there is: ${Object.keys(makers).join(', ')}`)
}
