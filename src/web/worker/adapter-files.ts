/** An adapter of the visitor's: a whole folder's files, or weights alone with the rest inferred and said. */
import type { Adapter, AdapterFiles } from '../../core/adapter.ts'
import type { BaseIdentity } from '../../core/adapter/fit.ts'
import { PEFT_PREFIX } from '../../core/adapter/weights.ts'
import { GraftError } from '../../core/errors.ts'
import { labelCount } from '../../core/layers.ts'
import { parseSafetensors } from '../../core/safetensors.ts'
import type { TensorMap } from '../../core/tensors.ts'
import { readAdapter } from './adapter.ts'
import { parseJson } from './bundle.ts'

/** What an adapter has to fit. */
export interface AdapterBase extends BaseIdentity {
  maxLength: number
  /** An adapter of the bundle, whose scaling stands in for one that no file tells. */
  example: Adapter | undefined
}

export interface ReadAdapter {
  adapter: Adapter
  /** What was taken for granted for lack of files, one sentence each. */
  assumptions: string[]
}

/**
 * Reads an adapter from files, whatever folder they lay in.
 * @throws GraftError `adapter`, `adapter-base`, `safetensors`, `file-format`
 */
export async function readAdapterFiles(files: readonly File[], base: AdapterBase): Promise<ReadAdapter> {
  const weights = files.find(({ name }) => name.endsWith('.safetensors'))
  if (!weights) {
    throw new GraftError('adapter', 'there is no .safetensors file', {
      hint: 'Give the folder that `graft train` or PEFT wrote, or its adapter_model.safetensors.',
    })
  }
  const bytes = await bytesOf(weights)
  const tensors = parseSafetensors(bytes, weights.name).tensors
  const assumptions: string[] = []

  async function read(name: string, infer: () => { value: unknown; assumption: string }): Promise<unknown> {
    const file = files.find((each) => each.name === name)
    if (file) return parseJson(await bytesOf(file), name)
    const { value, assumption } = infer()
    assumptions.push(assumption)
    return value
  }

  const content: AdapterFiles = {
    'adapter_config.json': await read('adapter_config.json', () => inferConfig(tensors, base)),
    'adapter_model.safetensors': bytes,
    'graft.json': await read('graft.json', () => inferInfo(tensors, base)),
  }
  return { adapter: await readAdapter(content, base, weights.name), assumptions }
}

const bytesOf = async (file: File) => new Uint8Array(await file.arrayBuffer())

/** A layer's name and rank, of its A `[r, in]`; of an embedding's too. */
const pairPattern = /^base_model\.model\.(.+)\.lora_(?:A\.weight|embedding_A)$/

function inferConfig(tensors: TensorMap, { example }: AdapterBase) {
  const ranks = [...tensors].flatMap(([key, { shape }]): [string, number][] => {
    const name = pairPattern.exec(key)?.[1]
    return name === undefined ? [] : [[name, shape[0] ?? 0]]
  })
  const r = ranks[0]?.[1] ?? 0
  const scaling = [...(example?.layers.values() ?? [])][0]?.scaling ?? 2
  return {
    value: {
      peft_type: 'LORA',
      task_type: 'SEQ_CLS',
      r,
      lora_alpha: scaling * r,
      target_modules: ranks.map(([name]) => name),
    },
    assumption: `Without adapter_config.json its scaling is taken to be ${scaling}, as the other adapters have it.`,
  }
}

function inferInfo(tensors: TensorMap, { config, sha256, maxLength }: AdapterBase) {
  const named = new Map([...tensors].map(([name, tensor]) => [name.replace(PEFT_PREFIX, ''), tensor]))
  const count = labelCount(named, config) ?? 0
  return {
    value: {
      formatVersion: 1,
      kind: 'adapter',
      // As transformers names them.
      labels: Array.from({ length: count }, (_, id) => `LABEL_${id}`),
      baseSha256: sha256,
      maxLength,
      hyperparameters: {},
      metrics: {},
    },
    assumption: 'Without graft.json its labels have no names, and whether it was trained on this base is not known.',
  }
}
