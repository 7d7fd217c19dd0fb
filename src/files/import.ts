/** Imports what others made: a GPT-2 model becomes a base, a PEFT adapter an adapter folder. */
import { existsSync } from 'node:fs'
import { GraftError } from '../core/errors.ts'
import { importAdapter } from './import/adapter.ts'
import { importBase } from './import/base.ts'
import { type HubOptions, openHub } from './import/hub.ts'
import { openFolder } from './import/source.ts'
import { type OutputFolder, withOutput } from './output.ts'

export interface ImportOptions {
  /** Folder to write. */
  out: string
  /** Replace a folder that is there already. */
  force?: boolean | undefined
  /** Base folder of an adapter. */
  base?: string | undefined
  /** Names of the labels by id; those of the model by default. */
  labels?: string[] | undefined
  /** Tokens after which an adapter's texts are cut; as many as the base takes by default. */
  maxLength?: number | undefined
  /** How the hub is reached, where the source is there. */
  hub?: HubOptions
  signal?: AbortSignal | undefined
  /** Called with what is being done, and bytes behind and in all. */
  onProgress?: (what: string, done: number, total: number) => void
}

export interface ImportResult {
  kind: 'base' | 'adapter'
  out: string
  source: string
  /** Commit on the hub. */
  revision: string | undefined
  /** Of the base's `model.safetensors`. */
  sha256: string
  /** Of a base. */
  parameters?: number
  labels: string[] | undefined
  /** Tensors of a base that its source lacks, and that begin at random. */
  begun?: string[]
  /** What an adapter calls the base that it was trained on; only the shapes say whether it is this one. */
  trainedOn?: string | undefined
}

/**
 * Imports a folder or a repository of the hub.
 * @param source a folder, or an id such as `openai-community/gpt2`
 * @throws GraftError `file-not-found`, `file-format` for pickles, `config`, `weights`, `safetensors`, `adapter`, `usage`,
 *   `network`, `checksum`, `file-exists`, `file-write`; the signal's reason
 * @example
 * import { importModel, shippedBase } from 'graft-lora/train'
 *
 * // Or an id on the hub: 'openai-community/gpt2'.
 * const { kind, out } = await importModel(shippedBase(), { out: 'runs/imported' })
 * console.log(kind, out)
 */
export async function importModel(source: string, options: ImportOptions): Promise<ImportResult> {
  const { out, force, base } = options
  // Before anything is downloaded.
  return withOutput(out, { kind: 'model', force, inputs: [source, base] }, (output) =>
    importInto(output, source, options),
  )
}

async function importInto(output: OutputFolder, source: string, options: ImportOptions): Promise<ImportResult> {
  const { signal, onProgress } = options
  const opened = isHubId(source)
    ? await openHub(source, { ...options.hub, signal, onProgress })
    : await openFolder(source)
  if (opened.names.has('adapter_config.json')) return importAdapter(opened, options, output)
  if (opened.names.has('config.json')) return importBase(opened, options, output)
  throw new GraftError('file-format', `${source} has neither config.json nor adapter_config.json`, {
    hint: 'Give the folder of a model or of a PEFT adapter.',
    file: source,
  })
}

/** A path that is there is a folder; a plain name or two with a slash are an id. */
const isHubId = (source: string) =>
  !existsSync(source) && /^[\w-][\w.-]*(\/[\w-][\w.-]*)?$/.test(source) && !isPath(source)

/** A file that was mistyped is more likely than a repository of that name. */
const isPath = (source: string) => /\.(bin|pt|pth|ckpt|safetensors|json|onnx)$/.test(source)
