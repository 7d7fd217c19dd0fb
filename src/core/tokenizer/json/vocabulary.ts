/** The vocabulary of a `tokenizer.json`: ids by token. */
import * as z from 'zod/mini'
import { NotSupported } from './part.ts'

const isId = (id: unknown): id is number => Number.isSafeInteger(id) && Number(id) >= 0

/** Checked by hand: a schema would leave `__proto__` out, which is a token like any other. */
export const vocabularySchema = z.pipe(
  z.custom<object>(
    (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
    'expected an object',
  ),
  z.transform((value: object) => new Map<string, number>(Object.entries(value))),
)

/** @throws NotSupported for what is no id */
export function checkIds(vocabulary: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  for (const [token, id] of vocabulary)
    if (!isId(id)) throw new NotSupported(`the id ${JSON.stringify(id)} of the token ${JSON.stringify(token)}`)
  return vocabulary
}

/** The largest id and one. */
export function sizeOf(vocabulary: ReadonlyMap<string, number>): number {
  let size = 0
  for (const id of vocabulary.values()) size = Math.max(size, id + 1)
  return size
}

/** The id of a token that the model names. */
export function idIn(vocabulary: ReadonlyMap<string, number>, token: string): number {
  const id = vocabulary.get(token)
  if (id === undefined) throw new NotSupported(`the token ${JSON.stringify(token)}, which the vocabulary lacks`)
  return id
}

/** The ids of a character's UTF-8 bytes as `<0x0A>`; none if the vocabulary lacks one of them. */
export function byteIds(vocabulary: ReadonlyMap<string, number>, text: string): number[] | undefined {
  const ids = Array.from(new TextEncoder().encode(text), (byte) =>
    vocabulary.get(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`),
  )
  return ids.every((id) => id !== undefined) ? ids : undefined
}
