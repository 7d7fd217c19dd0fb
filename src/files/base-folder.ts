/** A base folder: a model as Hugging Face lays it out. */
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseBaseInfo } from '../core/adapter/info.ts'
import { GraftError } from '../core/errors.ts'
import { familyOf, parseConfig } from '../core/families.ts'
import type { ModelConfig } from '../core/family.ts'
import { labelsOfConfig } from '../core/labels.ts'
import { fullName, headLayers, labelCount, parameterShapes } from '../core/layers.ts'
import { serializeSafetensors } from '../core/safetensors.ts'
import type { TokenizerSource } from '../core/tokenizer.ts'
import { type TensorMap, firstNonFinite } from '../core/tensors.ts'
import { type Output, type WriteOptionsWithExtras, writeOutputFolder } from './output.ts'
import { readJson } from './read.ts'
import { readSafetensors } from './safetensors-file.ts'
import { tokenizerFilesOf } from './tokenizer-files.ts'

export interface Base {
  dir: string
  config: ModelConfig
  /** By the names of transformers' class for classification; with its head where the model is a classifier. */
  weights: TensorMap
  /** Of `model.safetensors`: the base's identity. */
  sha256: string
  /** `graft.json`, which pretraining and full fine-tuning write. */
  info?: ReturnType<typeof parseBaseInfo>
}

const makeBase =
  'A base folder holds config.json and model.safetensors: make one with `graft init`, or of another model with `graft import`.'

const wrongWeights = (file: string, problem: string, value: string) =>
  new GraftError('weights', `${file}: ${problem}`, {
    hint: 'config.json and model.safetensors must be of the same model.',
    file,
    value,
  })

/** Whether a tensor of a file is no parameter of the classifier. */
export function isDerived(name: string, config: ModelConfig): boolean {
  const family = familyOf(config)
  return family.isDerived(fullName(name, family))
}

/**
 * Tensors by their full names.
 * @throws GraftError `weights` for one that is there with and without prefix
 */
export function withFullNames<T>(
  tensors: Iterable<readonly [string, T]>,
  config: ModelConfig,
  file: string,
): Map<string, T> {
  const named = new Map<string, T>()
  for (const [name, tensor] of tensors) {
    const full = fullName(name, familyOf(config))
    if (named.has(full)) throw wrongWeights(file, `${full} is there with and without prefix`, name)
    named.set(full, tensor)
  }
  return named
}

/**
 * Checks that the tensors are those of the configuration.
 * @throws GraftError `weights` where one is missing, unexpected or of another shape; `config` for wrong names of labels
 */
export function checkShapes(
  tensors: ReadonlyMap<string, { shape: number[] }>,
  config: ModelConfig,
  file: string,
): void {
  const rows = labelCount(tensors, config)
  const labels = rows === undefined ? undefined : (labelsOfConfig(config, file)?.length ?? rows)
  const expected = parameterShapes(config, labels)
  // A head's last layer may have a bias where the family's has none.
  const bias = `${headLayers(config).at(-1)?.name}.bias`
  if (labels !== undefined && tensors.has(bias)) expected.set(bias, [labels])
  for (const [name, shape] of expected) {
    const found = tensors.get(name)?.shape
    if (!found) throw wrongWeights(file, `${name} [${shape.join(', ')}] is missing`, name)
    if (String(found) === String(shape)) continue
    throw wrongWeights(file, `${name} is [${found.join(', ')}], and config.json says [${shape.join(', ')}]`, name)
  }
  const unexpected = [...tensors.keys()].find((name) => !expected.has(name))
  if (unexpected !== undefined) throw wrongWeights(file, `${unexpected} is no tensor of this model`, unexpected)
}

/**
 * Checks what was found in a tensor.
 * @param wrong its first value that is not a finite number
 * @throws GraftError `weights` if there is one
 */
export function checkFinite(wrong: number | undefined, name: string, file: string): void {
  if (wrong === undefined) return
  throw new GraftError('weights', `${file}: ${name} holds ${wrong}`, {
    hint: 'The model is damaged, or its training diverged: take an earlier checkpoint, or download it again.',
    file,
    value: wrong,
  })
}

/**
 * Reads a base and checks its weights against its configuration.
 * @throws GraftError `file-not-found`, `file-format`, `config`, `safetensors`; `weights` where a tensor is missing,
 *   unexpected or of another shape
 * @example
 * import { readBase, shippedBase } from 'graft-lora/train'
 *
 * const { config, weights } = await readBase(shippedBase())
 * console.log(config.model_type, weights.size)
 */
export async function readBase(dir: string): Promise<Base> {
  const configFile = join(dir, 'config.json')
  const config = parseConfig(await readJson(configFile, makeBase), configFile)
  const file = join(dir, 'model.safetensors')
  const { tensors, sha256 } = await readSafetensors(file, { skip: (name) => isDerived(name, config), hint: makeBase })
  const weights = withFullNames(tensors, config, file)
  checkShapes(weights, config, file)
  for (const [name, { data }] of weights) checkFinite(firstNonFinite(data), name, file)
  const infoFile = join(dir, 'graft.json')
  const info = existsSync(infoFile) ? parseBaseInfo(await readJson(infoFile), infoFile) : undefined
  return { dir, config, weights, sha256, ...(info && { info }) }
}

export interface WriteBaseOptions extends WriteOptionsWithExtras {
  /** The tokenizer, whose files are written beside it; GPT-2's by default. */
  tokenizer?: TokenizerSource
  /** How the weights are stored. */
  dtype?: 'float32' | 'float16'
}

/**
 * Writes a base folder, whole or not at all.
 * @throws GraftError `file-exists`, `file-write`
 * @example
 * import { createBase, writeBase } from 'graft-lora/train'
 *
 * await writeBase('runs/base', createBase({ layers: 2, width: 64 }, 1), { dtype: 'float16' })
 */
export async function writeBase(
  out: Output,
  { config, weights, info }: Pick<Base, 'config' | 'weights' | 'info'>,
  { force, inputs, extraFiles = {}, tokenizer = 'gpt2', dtype = 'float32' }: WriteBaseOptions = {},
): Promise<void> {
  const json = (value: unknown) => `${JSON.stringify(value, undefined, 2)}\n`
  const files = {
    ...extraFiles,
    ...tokenizerFilesOf(tokenizer, config),
    'config.json': json(config),
    'model.safetensors': serializeSafetensors(weights, { format: 'pt' }, dtype === 'float16' ? 'F16' : 'F32'),
    ...(info && { 'graft.json': json(info) }),
  }
  await writeOutputFolder(out, { kind: 'model', force, inputs }, async (temporaryDir) => {
    for (const [name, content] of Object.entries(files)) await writeFile(join(temporaryDir, name), content)
  })
}
