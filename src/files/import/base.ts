/** Imports a model as a base: its tensors are copied one by one, so memory holds a part of one. */
import { createHash } from 'node:crypto'
import { open, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { modelOf, parseConfig } from '../../core/families.ts'
import type { ModelConfig } from '../../core/family.ts'
import { initializeMissing } from '../../core/initialize.ts'
import { classifierConfig, labelsOfConfig, problemTypeOf } from '../../core/labels.ts'
import { labelCount, tokenEmbedding } from '../../core/layers.ts'
import { createRandom } from '../../core/random.ts'
import { decoderOf } from '../../core/safetensors.ts'
import { dtypeBytes } from '../../core/safetensors/dtypes.ts'
import { serializeHeader } from '../../core/safetensors/header.ts'
import { type TensorMap, firstNonFinite, sizeOf } from '../../core/tensors.ts'
import { checkFinite, checkShapes } from '../base-folder.ts'
import { sha256File } from '../hash.ts'
import type { ImportOptions, ImportResult } from '../import.ts'
import type { OutputFolder } from '../output.ts'
import { readJson } from '../read.ts'
import { readTensorBytes } from '../safetensors-file.ts'
import { readTokenizer, tokenizerFilesOf } from '../tokenizer-files.ts'
import { labelsError, nameLabels } from './labels.ts'
import type { Source } from './source.ts'
import { type StoredTensor, type StoredWeights, openWeights } from './weights.ts'

/** Of what begins anew: the same model is imported alike each time. */
const SEED = 123

/**
 * Copies a model into a base folder, its element types as they are.
 * @throws GraftError `config`, `weights`, `safetensors`, `file-format`, `file-exists`, `file-write`, `usage`
 */
export async function importBase(
  source: Source,
  { out, labels, ...options }: ImportOptions,
  output: OutputFolder,
): Promise<ImportResult> {
  const configFile = await source.fetch('config.json')
  const original = parseConfig(await readJson(configFile), configFile)
  const tokenizer = await readTokenizer(
    { name: source.name, has: (name) => source.names.has(name), path: source.fetch },
    original,
  )
  const weights = await openWeights(source, original)
  const config = baseConfig(original, weights.tensors, labels, source.name)
  // What a checkpoint for another task does without.
  const begun = initializeMissing(config, weights.tensors, createRandom(SEED))
  checkShapes(new Map<string, { shape: number[] }>([...weights.tensors, ...begun]), config, source.name)
  await output.requireSpace(sizeOfFiles(weights))
  const sha256 = await output.publish(async (folder) => {
    const hash = await copyTensors(weights, begun, join(folder, 'model.safetensors'), options)
    await writeJson(join(folder, 'config.json'), config)
    for (const [name, content] of Object.entries(tokenizerFilesOf(tokenizer, config)))
      await writeFile(join(folder, name), content)
    await writeJson(join(folder, 'import.json'), await provenance(source, weights))
    return hash
  })
  const parameters = [...weights.tensors.values(), ...begun.values()].reduce(
    (total, { shape }) => total + sizeOf(shape),
    0,
  )
  return {
    kind: 'base',
    out,
    source: source.name,
    revision: source.revision,
    sha256,
    parameters,
    labels: labelsOfConfig(config, out),
    ...(begun.size > 0 && { begun: [...begun.keys()] }),
  }
}

const sizeOfFiles = ({ files }: StoredWeights) => files.reduce((sum, { size }) => sum + size, 0)

const writeJson = (path: string, value: unknown) => writeFile(path, `${JSON.stringify(value, undefined, 2)}\n`)

/** What the weights say is put right in the configuration: transformers leaves out what it takes for granted. */
function baseConfig(
  config: ModelConfig,
  tensors: ReadonlyMap<string, StoredTensor>,
  labels: string[] | undefined,
  source: string,
): ModelConfig {
  const rows = tensors.get(`${tokenEmbedding(config)}.weight`)?.shape[0] ?? config.vocab_size
  // An embedding may be padded to a size that computes well, and the configuration still say what is used of it.
  const vocab_size = Math.max(rows, config.vocab_size)
  const { padTokenId = vocab_size } = modelOf(config)
  const pad_token_id = padTokenId < vocab_size ? padTokenId : config.pad_token_id
  const count = labelCount(tensors, config)
  if (count === undefined) {
    if (labels) throw labelsError(`${source} has no classification head to name the labels of`)
    const { id2label: _, label2id: __, num_labels: ___, problem_type: ____, ...headless } = config
    return { ...headless, vocab_size, pad_token_id }
  }
  const problemType = problemTypeOf(config)
  const named = nameLabels(count, labels, () => labelsOfConfig(config, source), { source, problemType })
  return classifierConfig({ ...config, vocab_size, pad_token_id }, { labels: named, problemType })
}

/** Writes the tensors in the order of their names, as Hugging Face does. */
async function copyTensors(
  { tensors }: StoredWeights,
  begun: TensorMap,
  path: string,
  { signal, onProgress }: Pick<ImportOptions, 'signal' | 'onProgress'>,
): Promise<string> {
  const added = [...begun].map(([name, tensor]) => [name, { ...tensor, dtype: 'F32' as const }] as const)
  const inOrder = [...tensors, ...added].sort(([a], [b]) => (a < b ? -1 : 1))
  const { header, dataBytes } = serializeHeader(inOrder, { format: 'pt' })
  const hash = createHash('sha256')
  const file = await open(path, 'wx')
  let written = 0
  const write = async (bytes: Uint8Array) => {
    hash.update(bytes)
    await file.writeFile(bytes)
    written += bytes.length
    onProgress?.('Copying', written, header.length + dataBytes)
  }
  try {
    await write(header)
    for (const [name, entry] of inOrder) {
      signal?.throwIfAborted()
      if ('data' in entry) {
        await write(new Uint8Array(entry.data.buffer))
        continue
      }
      const decode = decoderOf(entry, name, entry.file.path)
      for await (const bytes of readTensorBytes(entry.file, entry)) {
        const values = new Float32Array(bytes.length / dtypeBytes[entry.dtype])
        decode(bytes, values)
        checkFinite(firstNonFinite(values), name, entry.file.path)
        await write(bytes)
      }
    }
    await file.sync()
  } finally {
    await file.close()
  }
  return hash.digest('hex')
}

/** `import.json`: where a base came from. */
async function provenance({ name, revision }: Source, { files }: StoredWeights): Promise<object> {
  const hashes: Record<string, string> = {}
  for (const { path } of files) hashes[basename(path)] = await sha256File(path)
  return { source: name, revision, files: hashes }
}
