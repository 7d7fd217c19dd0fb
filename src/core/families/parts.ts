/** What families are made of: parameters of the usual kinds, and the check of a configuration. */
import * as z from 'zod/mini'
import { GraftError } from '../errors.ts'
import type { Layout, ModelConfig, Parameter } from '../family.ts'
import { parse } from '../schema.ts'

export const size = z.int().check(z.positive())
export const rate = z.number().check(z.minimum(0), z.maximum(1))
export const positive = z.number().check(z.positive())

export interface LinearOptions {
  in: number
  out: number
  layout: Layout
  /** Standard deviation of the weight's starting values. */
  deviation: number
  bias?: boolean
  perLabel?: boolean
}

/** A linear layer: `<name>.weight`, and `<name>.bias` [out] unless it has none. */
export function linear(name: string, options: LinearOptions): Parameter[] {
  const { in: input, out, layout, deviation, bias = true, perLabel = false } = options
  const weight: Parameter = {
    name: `${name}.weight`,
    shape: layout === 'in-out' ? [input, out] : [out, input],
    role: 'linear',
    layout,
    start: { deviation },
    decayed: true,
    ...(perLabel && { perLabel }),
  }
  if (!bias) return [weight]
  return [weight, { ...vector(`${name}.bias`, out, 'bias', 'zeros'), ...(perLabel && { perLabel }) }]
}

const vector = (name: string, length: number, role: Parameter['role'], start: Parameter['start']): Parameter => ({
  name,
  shape: [length],
  role,
  start,
  decayed: false,
})

/** A normalization's scale, and its shift unless it has none (RMSNorm). */
export const normalization = (name: string, width: number, { bias = true } = {}): Parameter[] => [
  vector(`${name}.weight`, width, 'normalization', 'ones'),
  ...(bias ? [vector(`${name}.bias`, width, 'normalization', 'zeros')] : []),
]

/** A table of rows: `<name>.weight`. */
export const embedding = (
  name: string,
  shape: [rows: number, width: number],
  deviation: number,
  role: 'token-embedding' | 'embedding' = 'embedding',
): Parameter => ({ name: `${name}.weight`, shape, role, start: { deviation }, decayed: false })

/**
 * Reads a configuration by a family's schema.
 * @param kind the family, as one would say it: "a GPT-2 configuration"
 * @throws GraftError `config`, naming each field at fault
 */
export function checkConfig<Config extends ModelConfig>(
  schema: z.core.$ZodType<Config>,
  json: unknown,
  { file, kind }: { file: string; kind: string },
): Config {
  const result = parse(schema, json)
  if (result.success) return result.data
  const issues = result.error.issues.map((issue) => `${issue.path.join('.') || 'the file'}: ${issue.message}`)
  throw new GraftError('config', `${file} is not ${kind}: ${issues.join('; ')}`, {
    hint: 'Use the config.json of a model that is supported as it is, or make a base with `graft init`.',
    file,
  })
}

/** @throws GraftError `config` where the heads do not share the width evenly */
export function checkHeads(
  { width, heads }: { width: number; heads: number },
  names: [width: string, heads: string],
  file: string,
): void {
  if (width % heads === 0) return
  throw new GraftError('config', `${file}: ${names[0]} ${width} is not a multiple of ${names[1]} ${heads}`, {
    hint: `Every attention head gets ${names.join(' / ')} channels: choose sizes that divide.`,
    file,
    value: width,
  })
}

/** Activations by Hugging Face's names. */
const activations = ['gelu', 'gelu_new', 'gelu_pytorch_tanh', 'relu', 'silu'] as const

/** An activation's name. */
export const activation = z.enum(activations, {
  error: ({ input }) => `${JSON.stringify(input)} is not supported, only ${activations.join(', ')}`,
})

/** A field that may be left out, or have this one value; with another it would be another model. */
export const refused = <const Value extends string | number | boolean>(value: Value) =>
  z.nullish(
    z.literal(value, {
      error: ({ input }) => `${JSON.stringify(input)} is not supported, only ${JSON.stringify(value)}`,
    }),
  )

/** A field that may be null or left out: with any value it would be another model. */
export const absent = z.nullish(
  z.never({ error: ({ input }) => `${JSON.stringify(input)} is not supported, only null` }),
)
