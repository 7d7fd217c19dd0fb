/** The weights of a model's folder: one safetensors file, or the shards that an index names. */
import { z } from 'zod'
import { GraftError } from '../../core/errors.ts'
import type { ModelConfig } from '../../core/family.ts'
import type { TensorEntry } from '../../core/safetensors/header.ts'
import { checkSchema } from '../../core/schema.ts'
import { isDerived, withFullNames } from '../base-folder.ts'
import { readJson } from '../read.ts'
import { type SafetensorsFile, readSafetensorsHeader } from '../safetensors-file.ts'
import { type Source, convertModel, isPickle, pickleError } from './source.ts'

const SINGLE = 'model.safetensors'
const INDEX = 'model.safetensors.index.json'

/** A tensor where it lies. */
export interface StoredTensor extends TensorEntry {
  file: SafetensorsFile
}

export interface StoredWeights {
  /** By full name, without what is no parameter. */
  tensors: Map<string, StoredTensor>
  files: SafetensorsFile[]
}

const plainName = z.string().regex(/^\w[\w.-]*\.safetensors$/, 'is not the name of a safetensors file')
const indexSchema = z.looseObject({ weight_map: z.record(z.string(), plainName) })

/**
 * Reads the headers of a model's weights.
 * @throws GraftError `file-format` where there are none that can be read, `weights`, `safetensors`, and what fetching throws
 */
export async function openWeights(source: Source, config: ModelConfig): Promise<StoredWeights> {
  const names = await weightFiles(source, config)
  const files: SafetensorsFile[] = []
  for (const name of names) files.push(await readSafetensorsHeader(await source.fetch(name)))
  const tensors = files.flatMap((file) =>
    [...file.tensors]
      .filter(([name]) => !isDerived(name, config))
      .map(([name, entry]) => [name, { ...entry, file }] as const),
  )
  return { tensors: withFullNames(tensors, config, source.name), files }
}

async function weightFiles(source: Source, config: ModelConfig): Promise<string[]> {
  if (source.names.has(SINGLE)) return [SINGLE]
  if (source.names.has(INDEX)) return shards(source)
  const pickle = [...source.names].find(isPickle)
  if (pickle !== undefined) {
    const [modelClass = 'AutoModel'] = z.array(z.string()).catch([]).parse(config['architectures'])
    throw pickleError(`${source.name}/${pickle}`, convertModel(modelClass, source.name, 'CONVERTED'))
  }
  throw new GraftError('file-format', `${source.name} has neither ${SINGLE} nor ${INDEX}`, {
    hint: `Give a model saved as safetensors. There is: ${[...source.names].slice(0, 10).join(', ')}.`,
    file: source.name,
  })
}

async function shards(source: Source): Promise<string[]> {
  const file = await source.fetch(INDEX)
  const hint = 'Copy or download the model again.'
  const index = checkSchema(indexSchema, await readJson(file, hint), { code: 'weights', file, hint })
  const names = [...new Set(Object.values(index.weight_map))]
  const missing = names.find((name) => !source.names.has(name))
  if (missing === undefined) return names
  throw new GraftError('file-not-found', `${source.name} lacks ${missing}, which ${INDEX} names`, {
    hint,
    file: missing,
  })
}
