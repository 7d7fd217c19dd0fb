/** Models of every family and PEFT's adapters for them, as `families.py` writes them: read by Graft, and how far its logits are from theirs. */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { cp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { classifierConfig } from '../../src/core/labels.ts'
import { labelCount } from '../../src/core/layers.ts'
import { parseSafetensors } from '../../src/core/safetensors.ts'
import { stackOf } from '../../src/core/session.ts'
import { readInputs } from '../../src/export/inputs.ts'
import { planMerged } from '../../src/export/merged.ts'
import type { Plan } from '../../src/export/plan.ts'
import { planUnmerged } from '../../src/export/unmerged.ts'
import { readBase, writeBase } from '../../src/files/base-folder.ts'
import { importModel } from '../../src/files/import.ts'
import { readTokenizer } from '../../src/files/tokenizer-files.ts'
import { type GoldenBatch, readJsonFile } from './compare.ts'
import { toOnnx } from '../../src/onnx/index.ts'

interface FamilyBatch extends GoldenBatch {
  token_type_ids?: number[][]
}

/** The models of a folder. */
export const familyFolders = (root: string): string[] => readdirSync(root).filter((name) => !name.includes('.'))

/** `bert/adapters/all-linear` and the others. */
export const familyAdapters = (root: string): string[] =>
  familyFolders(root).flatMap((name) =>
    existsSync(join(root, name, 'adapters'))
      ? readdirSync(join(root, name, 'adapters')).map((adapter) => join(name, 'adapters', adapter))
      : [],
  )

const integers = (rows: number[][]) =>
  new Tensor('int64', BigInt64Array.from(rows.flat(), BigInt), [rows.length, rows[0]?.length ?? 0])

function feedsOf({ input_ids, attention_mask, token_type_ids }: FamilyBatch): Record<string, Tensor> {
  const rows = input_ids.length
  return {
    input_ids: integers(input_ids),
    attention_mask: integers(attention_mask),
    token_type_ids: integers(token_type_ids ?? input_ids.map((ids) => ids.map(() => 0))),
    adapter_index: new Tensor('int64', new BigInt64Array(rows), [rows]),
  }
}

/** How far logits are from those of a batch; NaN for another number of them. */
function differenceOf({ input_ids, logits: expected }: FamilyBatch, logits: Tensor | undefined): number {
  if (String(logits?.dims) !== String([input_ids.length, expected[0]?.length])) return Number.NaN
  const values = logits?.data as Float32Array
  return Math.max(...expected.flat().map((value, at) => Math.abs(value - (values[at] ?? Number.NaN))))
}

/** Largest difference of a graph's logits from those in a folder, by batch. */
async function differences(plan: Plan, folder: string): Promise<Record<string, number>> {
  const stack = (await stackOf(plan.model, plan.config)) ?? new Map()
  const adapters = [...stack].map(([name, { data, shape }]) => [name, new Tensor(data, shape)] as const)
  const session = await InferenceSession.create(toOnnx(await plan.trace()))
  const found: Record<string, number> = {}
  for (const batch of readJsonFile<FamilyBatch[]>(join(folder, 'logits.json'))) {
    const feeds: Record<string, Tensor> = { ...feedsOf(batch), ...Object.fromEntries(adapters) }
    const inputs = Object.fromEntries(session.inputNames.map((name) => [name, feeds[name]!])) // all that there are
    const { logits } = await session.run(inputs)
    found[batch.name] = differenceOf(batch, logits)
  }
  await session.release()
  return found
}

/** The models take ids, and their folders have no tokenizer, which an import wants. */
const TOKENIZER = JSON.stringify({ model: { type: 'WordPiece', unk_token: '[UNK]', vocab: { '[UNK]': 0, a: 1 } } })

/**
 * Imports a model; one without a head is given that which its logits were made with.
 * @param work where it and what comes between is written, once
 * @returns the base's folder
 */
export async function importFamily(root: string, name: string, work: string): Promise<string> {
  const [imported, headed] = [join(work, name), join(work, `${name}-with-head`)]
  if (!existsSync(imported)) {
    const source = join(work, `${name}-source`)
    await cp(join(root, name), source, { recursive: true })
    await writeFile(join(source, 'tokenizer.json'), TOKENIZER)
    await importModel(source, { out: imported })
  }
  const file = join(root, name, 'head.safetensors')
  if (!existsSync(file)) return imported
  if (!existsSync(headed)) await writeHeaded(headed, imported, file)
  return headed
}

async function writeHeaded(out: string, imported: string, file: string): Promise<void> {
  const base = await readBase(imported)
  const { tensors } = parseSafetensors(readFileSync(file), file)
  const labels = Array.from({ length: labelCount(tensors, base.config) ?? 0 }, (_, id) => `L${id}`)
  // With a pooler, where the checkpoint has none.
  const weights = new Map([...base.weights, ...tensors])
  const config = classifierConfig(base.config, { labels })
  await writeBase(out, { config, weights }, { tokenizer: await readTokenizer(imported, base.config) })
}

export interface FamilyDifferences {
  merged: Record<string, number>
  /** Where a graph can take the adapter as an input. */
  unmerged?: Record<string, number>
}

/** Of a model, by batch. */
export const familyDifferences = async (root: string, name: string, work: string): Promise<FamilyDifferences> => ({
  merged: await differences(planMerged(await readInputs(await importFamily(root, name, work), [])), join(root, name)),
})

/** Of an adapter, by batch. */
export async function familyAdapterDifferences(root: string, path: string, work: string): Promise<FamilyDifferences> {
  const [name = '', , adapter = ''] = path.split('/')
  const base = await importFamily(root, name, work)
  const out = join(work, `${name}-${adapter}`)
  await importModel(join(root, path), { out, base })
  const read = () => readInputs(base, [{ name: 'adapter', dir: out }])
  const merged = await differences(planMerged(await read()), join(root, path))
  const inputs = await read()
  if (inputs.adapters.some((each) => each.adapter.saved.size > 0)) return { merged }
  return { merged, unmerged: await differences(planUnmerged(inputs), join(root, path)) }
}
