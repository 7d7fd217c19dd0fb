/** `graft.json` of what training writes, an adapter or a whole model: what Hugging Face's files do not say about it. */
import * as z from 'zod/mini'
import { checkSchema } from '../schema.ts'

/** SHA-256 in lower-case hexadecimal. */
export const sha256Text = z.string().check(z.regex(/^[0-9a-f]{64}$/, 'is not a SHA-256'))

/** Class names by id; no two alike. */
export const labelNames = z
  .array(z.string())
  .check(
    z.minLength(2),
    z.refine((labels) => new Set(labels).size === labels.length, 'a label occurs twice'),
  )

const fields = {
  formatVersion: z.literal(1, { error: ({ input }) => `version ${JSON.stringify(input)} is not known, only 1` }),
  labels: labelNames,
  /** SHA-256 of the `model.safetensors` that it was trained on. */
  baseSha256: sha256Text,
  /** SHA-256 of the training data. */
  dataSha256: sha256Text,
  /** Tokens after which texts were cut in training. */
  maxLength: z.int().check(z.positive()),
  hyperparameters: z.record(z.string(), z.unknown()),
  seed: z.int(),
  metrics: z.record(z.string(), z.number()),
}

const adapterSchema = z.object({ kind: z.literal('adapter'), ...fields })
const modelSchema = z.object({ kind: z.literal('model'), ...fields })

export type AdapterInfo = z.infer<typeof adapterSchema>
/** Of a base that full fine-tuning made. */
export type ModelInfo = z.infer<typeof modelSchema>

/**
 * Checks a parsed `graft.json` of an adapter.
 * @throws GraftError `adapter`, naming each field at fault
 */
export const parseAdapterInfo = (json: unknown, file: string): AdapterInfo =>
  checkSchema(adapterSchema, json, { code: 'adapter', file, hint: 'Make the adapter again with `graft train`.' })

/**
 * Checks a parsed `graft.json` of a trained model.
 * @throws GraftError `weights`, naming each field at fault
 */
export const parseModelInfo = (json: unknown, file: string): ModelInfo =>
  checkSchema(modelSchema, json, {
    code: 'weights',
    file,
    hint: 'Make the model again with `graft train --method full`.',
  })
