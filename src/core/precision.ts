/** The precisions that a bundle's weights can have, and what was measured before weights lost digits. */
import * as z from 'zod/mini'

/** float32; half precision on the disk; eight and four bits, on the disk and in products. */
export const precisions = ['fp32', 'fp16', 'int8', 'int4'] as const

export type Precision = (typeof precisions)[number]

const share = z.number().check(z.minimum(0), z.maximum(1))

/** One adapter's answers, or the merged model's, against those in float32. */
const comparison = z.object({
  adapter: z.optional(z.string()),
  /** On a validation part, or on the bundle's probes only, which is weak. */
  on: z.enum(['validation', 'probes']),
  texts: z.int().check(z.positive()),
  /** Accuracy, micro-F1 of several labels, or R² of a regression, in float32 and at the bundle's precision. */
  score: z.optional(z.object({ fp32: z.number(), kept: z.number() })),
  /** Share of the texts with the same answer; of a regression, 1. */
  agreement: share,
  /** Of any score: a probability, or a regression's number. */
  largestChange: z.number().check(z.minimum(0)),
})

export type Comparison = z.infer<typeof comparison>

/** What a bundle says of its weights' lost digits. */
export const gateSchema = z.object({
  /** Layers that stayed in float32 because they were named, or hurt. */
  fp32Layers: z.array(z.string()),
  comparisons: z.array(comparison).check(z.minLength(1)),
})

export type Gate = z.infer<typeof gateSchema>
