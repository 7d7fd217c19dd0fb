/** How far Graft's logits are from those that the Hugging Face libraries wrote beside their models and adapters. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Adapter } from '../../src/core/adapter.ts'
import { stackAdapters } from '../../src/core/bundle/stack.ts'
import { planMerged } from '../../src/export/merged.ts'
import { readInputs } from '../../src/export/inputs.ts'
import type { Plan } from '../../src/export/plan.ts'
import { planUnmerged } from '../../src/export/unmerged.ts'
import type { Base } from '../../src/files/base-folder.ts'
import { importModel } from '../../src/files/import.ts'
import { toOnnx } from '../../src/onnx/index.ts'
import { type Session, openSession } from '../../src/runtime/session.ts'

export interface GoldenBatch {
  name: string
  input_ids: number[][]
  attention_mask: number[][]
  logits: number[][]
}

export const readJsonFile = <T>(path: string): T => JSON.parse(readFileSync(path, 'utf8')) as T

export const goldenBatches = (folder: string): GoldenBatch[] => readJsonFile(join(folder, 'golden.json'))

/** Logits [rows][labels] that a graph gives for a batch of token ids. */
async function logitsOf(session: Session, { input_ids, attention_mask }: GoldenBatch): Promise<number[][]> {
  const rows = input_ids.length
  const batch = {
    inputIds: Int32Array.from(input_ids.flat()),
    attentionMask: Int32Array.from(attention_mask.flat()),
    rows,
    length: input_ids[0]?.length ?? 0,
  }
  const { data, labels } = await session.run(
    batch,
    input_ids.map(() => 0),
  )
  return Array.from({ length: rows }, (_, row) => [...data.subarray(row * labels, (row + 1) * labels)])
}

/** Largest difference over all batches; NaN where a shape is another. */
export async function largestDifference(session: Session, batches: readonly GoldenBatch[]): Promise<number> {
  let largest = 0
  for (const batch of batches) {
    const found = await logitsOf(session, batch)
    if (String(found.map(({ length }) => length)) !== String(batch.logits.map(({ length }) => length)))
      return Number.NaN
    batch.logits.flat().forEach((expected, at) => {
      largest = Math.max(largest, Math.abs(expected - (found.flat()[at] ?? Number.NaN)))
    })
  }
  return largest
}

async function differenceOf(plan: Plan, folder: string): Promise<number> {
  const { model, config } = plan
  const stack = 'adapters' in model ? stackAdapters([...model.adapters.values()], config, model.targets) : undefined
  const session = await openSession(toOnnx(await plan.trace()), { stack, threads: 1 })
  try {
    return await largestDifference(session, goldenBatches(folder))
  } finally {
    await session.close()
  }
}

/** The batches with the logits that a base with an adapter merged into it gives. */
export async function logitsOfAdapter(
  base: Base,
  adapter: Adapter,
  batches: readonly GoldenBatch[],
): Promise<GoldenBatch[]> {
  // Merging changes the weights that it is given.
  const own = { ...base, weights: structuredClone(base.weights) }
  const plan = planMerged({ base: own, tokenizer: 'gpt2', adapters: [{ name: 'adapter', dir: '', adapter }] })
  const session = await openSession(toOnnx(await plan.trace()), { threads: 1 })
  try {
    const found: GoldenBatch[] = []
    for (const batch of batches) found.push({ ...batch, logits: await logitsOf(session, batch) })
    return found
  } finally {
    await session.close()
  }
}

/** Imports a model and runs its graph. */
export async function baseDifference(folder: string, out: string): Promise<number> {
  await importModel(folder, { out })
  return differenceOf(planMerged(await readInputs(out, [])), folder)
}

/** Imports an adapter, and runs its graphs: merged, and beside its base where a graph can take it as an input. */
export async function adapterDifferences(
  folder: string,
  base: string,
  out: string,
): Promise<{ merged: number; unmerged?: number }> {
  await importModel(folder, { out, base })
  const read = () => readInputs(base, [{ name: 'adapter', dir: out }])
  const merged = await differenceOf(planMerged(await read()), folder)
  const inputs = await read()
  const takesWhole = inputs.adapters.some(({ adapter }) => adapter.saved.size > 0 || adapter.head.has('score.bias'))
  return takesWhole ? { merged } : { merged, unmerged: await differenceOf(planUnmerged(inputs), folder) }
}
