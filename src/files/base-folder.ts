/** A base folder: a GPT-2 model as Hugging Face lays it out. */
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseBaseInfo } from '../core/adapter/info.ts'
import { type GPT2Config, parseConfig } from '../core/config.ts'
import { GraftError } from '../core/errors.ts'
import { labelsOfConfig } from '../core/labels.ts'
import { fullName, parameterShapes } from '../core/layers.ts'
import { serializeSafetensors } from '../core/safetensors.ts'
import { type TensorMap, firstNonFinite } from '../core/tensors.ts'
import { type Output, type WriteOptionsWithExtras, writeOutputFolder } from './output.ts'
import { readJson } from './read.ts'
import { readSafetensors } from './safetensors-file.ts'
import { tokenizerFilesOf } from './tokenizer-files.ts'

export interface Base {
  dir: string
  config: GPT2Config
  /** By Hugging Face's names, `transformer.` in front; with `score.weight` where the model is a classifier. */
  weights: TensorMap
  /** Of `model.safetensors`: the base's identity. */
  sha256: string
  /** `graft.json`, which pretraining and full fine-tuning write. */
  info?: ReturnType<typeof parseBaseInfo>
}

/** Not parameters: causal masks, which the model makes itself, and the language model's head, which is `wte` again. */
export const isDerived = (name: string) => /\.attn\.(masked_)?bias$/.test(name) || name === 'lm_head.weight'

const makeBase =
  'A base folder holds config.json and model.safetensors: make one with `graft init`, or of another model with `graft import`.'

const wrongWeights = (file: string, problem: string, value: string) =>
  new GraftError('weights', `${file}: ${problem}`, {
    hint: 'config.json and model.safetensors must be of the same GPT-2 model.',
    file,
    value,
  })

/**
 * Tensors by their full names.
 * @throws GraftError `weights` for one that is there with and without prefix
 */
export function withFullNames<T>(tensors: Iterable<readonly [string, T]>, file: string): Map<string, T> {
  const named = new Map<string, T>()
  for (const [name, tensor] of tensors) {
    if (named.has(fullName(name))) throw wrongWeights(file, `${fullName(name)} is there with and without prefix`, name)
    named.set(fullName(name), tensor)
  }
  return named
}

/**
 * Checks that the tensors are those of the configuration.
 * @throws GraftError `weights` where one is missing, unexpected or of another shape; `config` for wrong names of labels
 */
export function checkShapes(tensors: ReadonlyMap<string, { shape: number[] }>, config: GPT2Config, file: string): void {
  const scoreRows = tensors.get('score.weight')?.shape[0]
  const labels = scoreRows === undefined ? undefined : labelsOfConfig(config, file)?.length
  const expected = parameterShapes(config, scoreRows === undefined ? undefined : (labels ?? scoreRows))
  if (scoreRows !== undefined && tensors.has('score.bias')) expected.set('score.bias', [labels ?? scoreRows])
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
 * console.log(config.n_embd, weights.size)
 */
export async function readBase(dir: string): Promise<Base> {
  const configFile = join(dir, 'config.json')
  const config = parseConfig(await readJson(configFile, makeBase), configFile)
  const file = join(dir, 'model.safetensors')
  const { tensors, sha256 } = await readSafetensors(file, { skip: isDerived, hint: makeBase })
  const weights = withFullNames(tensors, file)
  checkShapes(weights, config, file)
  for (const [name, { data }] of weights) checkFinite(firstNonFinite(data), name, file)
  const infoFile = join(dir, 'graft.json')
  const info = existsSync(infoFile) ? parseBaseInfo(await readJson(infoFile), infoFile) : undefined
  return { dir, config, weights, sha256, ...(info && { info }) }
}

export interface WriteBaseOptions extends WriteOptionsWithExtras {
  /** How the weights are stored. */
  dtype?: 'float32' | 'float16'
}

/**
 * Writes a base folder, whole or not at all.
 * @throws GraftError `file-exists`, `file-write`
 * @example
 * import { createBase, writeBase } from 'graft-lora/train'
 *
 * await writeBase('runs/base', createBase({ n_layer: 2, n_embd: 64 }, 1), { dtype: 'float16' })
 */
export async function writeBase(
  out: Output,
  { config, weights, info }: Pick<Base, 'config' | 'weights' | 'info'>,
  { force, inputs, extraFiles = {}, dtype = 'float32' }: WriteBaseOptions = {},
): Promise<void> {
  const json = (value: unknown) => `${JSON.stringify(value, undefined, 2)}\n`
  const files = {
    ...extraFiles,
    ...tokenizerFilesOf(config),
    'config.json': json(config),
    'model.safetensors': serializeSafetensors(weights, { format: 'pt' }, dtype === 'float16' ? 'F16' : 'F32'),
    ...(info && { 'graft.json': json(info) }),
  }
  await writeOutputFolder(out, { kind: 'model', force, inputs }, async (temporaryDir) => {
    for (const [name, content] of Object.entries(files)) await writeFile(join(temporaryDir, name), content)
  })
}
