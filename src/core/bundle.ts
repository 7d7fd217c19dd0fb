/** A bundle's `graft.json` and `golden.json`: what a bundle is, and what `serve`, `web` and `classify` may rely on. */
import * as z from 'zod/mini'
import { checkTask, sha256Text, taskNotes, taskSchema } from './adapter/info.ts'
import { GraftError } from './errors.ts'
import { gateSchema, precisions } from './precision.ts'
import { checkSchema } from './schema.ts'

/** A name that is a folder's and part of a URL; no `..`, no hidden file. */
const name = z.string().check(z.regex(/^\w[\w.-]*$/, 'is not a plain name: letters, digits, _ - and . only'))
const path = z.string().check(z.regex(/^\w[\w.-]*(\/\w[\w.-]*)*$/, 'is not a plain path within the bundle'))
const count = z.int().check(z.positive())

const common = {
  formatVersion: z.literal(1, { error: ({ input }) => `version ${JSON.stringify(input)} is not known, only 1` }),
  /** What the whole is called, and what it does in a line. */
  title: z.optional(z.string()),
  description: z.optional(z.string()),
  /** Tokens after which texts are cut. */
  maxLength: count,
  /** Whose tokenizer it is: GPT-2's, which older bundles all have, or that of the file in the bundle. */
  tokenizer: z._default(z.enum(['gpt2', 'tokenizer.json']), 'gpt2'),
  /** SHA-256 of every other file by its path in the bundle. */
  files: z.record(path, sha256Text),
  provenance: z.object({
    graftVersion: z.string(),
    baseSha256: sha256Text,
    /** Of each adapter's `adapter_model.safetensors`. */
    adapterSha256s: z.array(sha256Text),
    dataSha256: z.optional(sha256Text),
    createdAt: z.string().check(z.regex(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/, 'is not a time such as 2026-01-31T12:00:00Z')),
  }),
  /** How the base's weights are kept. */
  precision: z._default(z.enum(precisions), 'fp32'),
  /** Below float32: how far answers are from those in float32. */
  gate: z.optional(gateSchema),
  /**
   * Largest difference between the graph's logits and those of `golden.json`: TensorFlow.js' in float32; below it, those that the
   * graph gave where it was made.
   */
  parity: z.object({
    probes: count,
    maxDifference: z.number().check(z.nonnegative()),
    tolerance: z.number().check(z.positive()),
  }),
}

const merged = z
  .object({
    kind: z.literal('merged'),
    ...taskSchema,
    ...taskNotes,
    /** What training divided the logits by, where that is known. */
    temperature: z.optional(z.number().check(z.positive())),
    ...common,
  })
  .check(checkTask)

const unmerged = z.object({
  kind: z.literal('unmerged'),
  /** In the order of `adapter_index`. */
  adapters: z.array(z.object({ name, ...taskSchema, ...taskNotes }).check(checkTask)).check(z.minLength(1)),
  /** The largest r; smaller ones are padded with zeros. */
  rank: count,
  /** Layers that the graph takes `lora_A` and `lora_B` for. */
  targets: z.array(z.string()).check(z.minLength(1)),
  ...common,
})

/** `graft.json` of a bundle. */
export type Manifest = z.infer<typeof merged> | z.infer<typeof unmerged>

/** Path of the ONNX graph in a bundle. */
export const graphPath = 'onnx/model.onnx'

/** Name of the file beside it that holds the weights of a large graph, as Hugging Face Optimum names it. */
export const graphDataFile = 'model.onnx_data'

/** Files that a bundle must have besides `graft.json`. */
function requiredFiles(manifest: Manifest): string[] {
  const adapters = manifest.kind === 'merged' ? [] : manifest.adapters
  return [
    ...(manifest.tokenizer === 'gpt2' ? [] : [manifest.tokenizer]),
    'config.json',
    'golden.json',
    graphPath,
    ...adapters.flatMap(({ name }) =>
      ['adapter_config.json', 'adapter_model.safetensors', 'graft.json'].map((file) => `adapters/${name}/${file}`),
    ),
  ]
}

const manifestSchema = z.discriminatedUnion('kind', [merged, unmerged]).check(({ value, issues }) => {
  const refuse = (path: string, message: string) => issues.push({ code: 'custom', input: value, path: [path], message })
  for (const file of requiredFiles(value)) if (!(file in value.files)) refuse('files', `${file} is not listed`)
  if (value.kind === 'merged') return
  const names = new Set(value.adapters.map(({ name }) => name))
  if (names.size < value.adapters.length) refuse('adapters', 'a name occurs twice')
})

const hint = 'Make the bundle again with `graft export`.'

/**
 * Checks a parsed `graft.json` of a bundle.
 * @throws GraftError `bundle`, naming each field at fault
 */
export function parseManifest(json: unknown, file: string): Manifest {
  const other = z.looseObject({ kind: z.enum(['adapter', 'model', 'base']) }).safeParse(json)
  if (!other.success) return checkSchema(manifestSchema, json, { code: 'bundle', file, hint })
  const source = other.data.kind === 'adapter' ? '--adapter FOLDER' : '--base FOLDER'
  const kind = other.data.kind === 'adapter' ? 'an adapter' : `a ${other.data.kind}`
  throw new GraftError('bundle', `${file}: kind: this is ${kind}, not a bundle`, {
    hint: `Make a bundle of it: graft export ${source} --mode merged --out BUNDLE.`,
    file,
    value: other.data.kind,
  })
}

const probe = z.object({
  text: z.string(),
  /** Name of the adapter that gives the logits (unmerged only). */
  adapter: z.optional(z.string()),
  /** `[labels]` */
  logits: z.array(z.number()),
})

/** One text of `golden.json` and the logits that it must give. */
export type Probe = z.infer<typeof probe>

/** The labels that a probe's logits belong to. */
const labelsOf = (manifest: Manifest, adapter: string | undefined): string[] | undefined =>
  manifest.kind === 'merged' ? manifest.labels : manifest.adapters.find(({ name }) => name === adapter)?.labels

/**
 * Checks a parsed `golden.json` of a bundle.
 * @throws GraftError `bundle`, naming each probe at fault
 */
export function parseGolden(json: unknown, manifest: Manifest, file: string): Probe[] {
  const fits = ({ adapter, logits }: Probe) => labelsOf(manifest, adapter)?.length === logits.length
  const schema = z
    .array(probe.check(z.refine(fits, 'not one logit for each label of its adapter')))
    .check(z.minLength(1))
  return checkSchema(schema, json, { code: 'bundle', file, hint })
}
