/** `graft.json` of what training writes, an adapter or a whole model: what Hugging Face's files do not say about it. */
import * as z from 'zod/mini'
import { labelFault } from '../labels.ts'
import { checkSchema } from '../schema.ts'
import { type TaskSpec, problemTypes } from '../task.ts'

/** SHA-256 in lower-case hexadecimal. */
export const sha256Text = z.string().check(z.regex(/^[0-9a-f]{64}$/, 'is not a SHA-256'))

/** What a task is, beside what its page tells of it. */
export const taskSchema = {
  /** Class names by id, or the name of the number; no two alike. */
  labels: z.array(z.string()),
  /** Left out where each text has one label. */
  problemType: z.optional(z.enum(problemTypes)),
  /** Of several labels a text: for each the score from which on a text has it. */
  thresholds: z.optional(z.array(z.number())),
}

/** Whether labels are as many as their kind of task has, and thresholds as many as they. */
export const checkTask = z.check<TaskSpec>(({ value: { labels, problemType, thresholds }, issues }) => {
  const refuse = (path: string, message: string) =>
    issues.push({ code: 'custom', input: labels, path: [path], message })
  const fault = labelFault(labels, problemType)
  if (fault !== undefined) refuse('labels', fault)
  if (thresholds && thresholds.length !== labels.length)
    refuse('thresholds', `there are ${thresholds.length} thresholds for ${labels.length} labels`)
})

/** What a page tells of a task besides its labels. */
export const taskNotes = {
  /** One line on what it tells apart. */
  description: z.optional(z.string()),
  /** Texts to try it with. */
  examples: z.optional(z.array(z.string())),
  /** Unicode scripts that the training texts are written in, the commonest first. */
  scripts: z.optional(z.array(z.string())),
}

const notes = z.object(taskNotes)
export type TaskNotes = z.infer<typeof notes>

/** The notes alone. */
export const notesOf = ({ description, examples, scripts }: TaskNotes): TaskNotes => ({
  ...(description !== undefined && { description }),
  ...(examples !== undefined && { examples }),
  ...(scripts !== undefined && { scripts }),
})

const formatVersion = z.literal(1, { error: ({ input }) => `version ${JSON.stringify(input)} is not known, only 1` })

const runFields = {
  formatVersion,
  hyperparameters: z.record(z.string(), z.unknown()),
  /** Where those came from that are no defaults: the base's recipe, a file, or the caller. */
  settingSources: z.optional(z.record(z.string(), z.string())),
  /** Not known of what others trained. */
  seed: z.optional(z.int()),
  metrics: z.record(z.string(), z.number()),
}

const fields = {
  ...runFields,
  ...taskSchema,
  /** SHA-256 of the `model.safetensors` that it was trained on. */
  baseSha256: sha256Text,
  /** What that base's configuration says of how it computes; not known of adapters that older versions trained. */
  baseConfig: z.optional(z.record(z.string(), z.union([z.string(), z.number()]))),
  /** SHA-256 of the training data; not known of what others trained. */
  dataSha256: z.optional(sha256Text),
  /** Tokens after which texts were cut in training. */
  maxLength: z.int().check(z.positive()),
  ...taskNotes,
}

const adapterSchema = z.object({ kind: z.literal('adapter'), ...fields }).check(checkTask)
/** Settings that are recommended for adapters on a base; checked where they are used. */
const recipe = z.optional(z.unknown())

const modelSchema = z.object({ kind: z.literal('model'), ...fields, recipe }).check(checkTask)
const baseSchema = z.object({
  kind: z.literal('base'),
  ...runFields,
  recipe,
  /** Of the base that pretraining went on from; none where it began with random weights. */
  baseSha256: z.optional(sha256Text),
  /** The files that it was pretrained on. */
  corpus: z.array(
    z.object({ name: z.string(), sha256: sha256Text, tokens: z.optional(z.int().check(z.nonnegative())) }),
  ),
  /** Of the base that it was distilled from. */
  teacherSha256: z.optional(sha256Text),
})

export type AdapterInfo = z.infer<typeof adapterSchema>
/** Of a base that full fine-tuning made: a classifier. */
type ModelInfo = z.infer<typeof modelSchema>
/** Of a base that pretraining made. */
export type BaseInfo = z.infer<typeof baseSchema>

/**
 * Checks a parsed `graft.json` of an adapter.
 * @throws GraftError `adapter`, naming each field at fault
 */
export const parseAdapterInfo = (json: unknown, file: string): AdapterInfo =>
  checkSchema(adapterSchema, json, { code: 'adapter', file, hint: 'Make the adapter again with `graft train`.' })

/**
 * Checks a parsed `graft.json` of a base folder.
 * @throws GraftError `weights`, naming each field at fault
 */
export const parseBaseInfo = (json: unknown, file: string): ModelInfo | BaseInfo =>
  checkSchema(z.discriminatedUnion('kind', [modelSchema, baseSchema]), json, {
    code: 'weights',
    file,
    hint: 'Make it again with `graft train --method full` or `graft pretrain`.',
  })
