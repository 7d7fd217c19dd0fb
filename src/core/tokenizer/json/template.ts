/** Post-processors of a `tokenizer.json`: which special tokens stand around the tokens of a text. */
import * as z from 'zod/mini'
import { type Makers, NotSupported, fields, make } from './part.ts'

export interface Surroundings {
  before: readonly number[]
  after: readonly number[]
}

const piece = z.union([
  z.object({ SpecialToken: z.object({ id: z.string(), type_id: z.literal(0) }) }),
  z.object({ Sequence: z.object({ id: z.literal('A'), type_id: z.literal(0) }) }),
])
const templateSchema = z.object({
  single: z.array(piece),
  special_tokens: z.record(z.string(), z.object({ ids: z.array(z.number()) })),
})
const token = z.tuple([z.string(), z.number()])
const pairSchema = z.object({ cls: token, sep: token })
const sequenceSchema = z.object({ processors: z.array(z.unknown()) })

export const NOTHING: Surroundings = { before: [], after: [] }

function pair(part: unknown): Surroundings {
  const { cls, sep } = fields(pairSchema, part, 'post-processor')
  return { before: [cls[1]], after: [sep[1]] }
}

function template(part: unknown): Surroundings {
  const { single, special_tokens } = fields(templateSchema, part, 'TemplateProcessing')
  const text = single.findIndex((each) => 'Sequence' in each)
  if (text < 0 || single.filter((each) => 'Sequence' in each).length > 1)
    throw new NotSupported('a template in which the text does not stand once')
  const ids = single.map((each) => ('SpecialToken' in each ? (special_tokens[each.SpecialToken.id]?.ids ?? []) : []))
  return { before: ids.slice(0, text).flat(), after: ids.slice(text).flat() }
}

const makers: Makers<Surroundings> = {
  TemplateProcessing: template,
  BertProcessing: pair,
  RobertaProcessing: pair,
  ByteLevel: () => NOTHING,
  Sequence: (part) =>
    fields(sequenceSchema, part, 'Sequence')
      .processors.map(makeSurroundings)
      .reduce(
        (inner, outer) => ({
          before: [...outer.before, ...inner.before],
          after: [...inner.after, ...outer.after],
        }),
        NOTHING,
      ),
}

/** @throws NotSupported */
export const makeSurroundings = (part: unknown): Surroundings => make('post-processor', part, makers)
