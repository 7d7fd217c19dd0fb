/** Models of every family as transformers wrote them, and PEFT's adapters for them: Graft's graphs give the same logits. */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseConfig } from '../../src/core/families.ts'
import { parameterShapes } from '../../src/core/layers.ts'
import { parseSafetensors } from '../../src/core/safetensors.ts'
import { stackOf } from '../../src/core/session.ts'
import type { TensorMap } from '../../src/core/tensors.ts'
import { readInputs } from '../../src/export/inputs.ts'
import { planMerged } from '../../src/export/merged.ts'
import type { Plan } from '../../src/export/plan.ts'
import { planUnmerged } from '../../src/export/unmerged.ts'
import { readBase, writeBase } from '../../src/files/base-folder.ts'
import { importModel } from '../../src/files/import.ts'
import { readTokenizer } from '../../src/files/tokenizer-files.ts'
import { toOnnx } from '../../src/onnx/index.ts'
import { readJsonFile } from './compare.ts'
import { golden } from './ours.ts'

const families = join(golden, 'families')
const folders = readdirSync(families).filter((name) => !name.includes('.'))
const adapters = folders.flatMap((name) =>
  existsSync(join(families, name, 'adapters'))
    ? readdirSync(join(families, name, 'adapters')).map((adapter) => join(name, 'adapters', adapter))
    : [],
)

const TOLERANCE = 1e-4

interface GoldenBatch {
  name: string
  input_ids: number[][]
  attention_mask: number[][]
  token_type_ids?: number[][]
  logits: number[][]
}

let dir: string
beforeAll(async () => void (dir = await mkdtemp(join(tmpdir(), 'graft-families-'))))
afterAll(() => rm(dir, { recursive: true }))

const integers = (rows: number[][]) =>
  new Tensor('int64', BigInt64Array.from(rows.flat(), BigInt), [rows.length, rows[0]?.length ?? 0])

/** Largest difference from the golden logits, by batch. */
async function differences(plan: Plan, folder: string): Promise<Record<string, number>> {
  const stack = await stackOf(plan.model, plan.config)
  const session = await InferenceSession.create(toOnnx(await plan.trace()))
  const found: Record<string, number> = {}
  for (const batch of readJsonFile<GoldenBatch[]>(join(families, folder, 'logits.json'))) {
    const rows = batch.input_ids.length
    const types = batch.token_type_ids ?? batch.input_ids.map((ids) => ids.map(() => 0))
    const feeds: Record<string, Tensor> = {
      input_ids: integers(batch.input_ids),
      attention_mask: integers(batch.attention_mask),
      token_type_ids: integers(types),
      adapter_index: new Tensor('int64', new BigInt64Array(rows), [rows]),
      ...Object.fromEntries([...(stack ?? [])].map(([name, { data, shape }]) => [name, new Tensor(data, shape)])),
    }
    const inputs = Object.fromEntries(session.inputNames.map((name) => [name, feeds[name]!])) // all that there are
    const { logits } = await session.run(inputs)
    const values = [...(logits!.data as Float32Array)]
    const expected = batch.logits.flat()
    expect(logits!.dims).toEqual([rows, batch.logits[0]!.length])
    found[batch.name] = Math.max(...expected.map((value, at) => Math.abs(value - (values[at] ?? Number.NaN))))
  }
  await session.release()
  return found
}

/** Batches with logits that are not those. */
const tooFar = (found: Record<string, number>) =>
  Object.entries(found).filter(([, difference]) => !(difference <= TOLERANCE))

const readTensors = (path: string): TensorMap => new Map(parseSafetensors(readFileSync(path), path).tensors)

/** The models take ids, and their folders have no tokenizer, which an import wants. */
const TOKENIZER = JSON.stringify({ model: { type: 'WordPiece', unk_token: '[UNK]', vocab: { '[UNK]': 0, a: 1 } } })

/** Imports a model; one without a head is given that which its logits were made with. */
async function importBase(name: string): Promise<string> {
  const [imported, headed] = [join(dir, name), join(dir, `${name}-with-head`)]
  if (!existsSync(imported)) {
    const source = join(dir, `${name}-source`)
    await cp(join(families, name), source, { recursive: true })
    await writeFile(join(source, 'tokenizer.json'), TOKENIZER)
    await importModel(source, { out: imported })
  }
  const head = join(families, name, 'head.safetensors')
  if (!existsSync(head)) return imported
  if (existsSync(headed)) return headed
  const base = await readBase(imported)
  // With a pooler, where the checkpoint has none.
  const weights = new Map([...base.weights, ...readTensors(head)])
  const labels = [...readTensors(head)].find(([key]) => /(classifier|out_proj|score)\.weight$/.test(key))![1].shape[0]!
  const config = {
    ...base.config,
    id2label: Object.fromEntries(Array.from({ length: labels }, (_, id) => [id, `L${id}`])),
  }
  await writeBase(headed, { config, weights }, { tokenizer: await readTokenizer(imported, base.config) })
  return headed
}

describe('a model that transformers wrote', () => {
  it.each(folders)("gives transformers' logits: %s", async (name) => {
    expect(tooFar(await differences(planMerged(await readInputs(await importBase(name), [])), name))).toEqual([])
  })
})

describe('an adapter that PEFT wrote', () => {
  it.each(adapters)("gives PEFT's logits, merged and unmerged: %s", async (folder) => {
    const [name = '', , adapter = ''] = folder.split('/')
    const base = await importBase(name)
    const out = join(dir, `${name}-${adapter}`)
    await importModel(join(families, folder), { out, base })
    const read = () => readInputs(base, [{ name: 'adapter', dir: out }])
    expect(tooFar(await differences(planMerged(await read()), folder))).toEqual([])
    const takesWhole = adapter === 'pooler-saved-whole'
    const unmerged = takesWhole ? {} : await differences(planUnmerged(await read()), folder)
    expect(tooFar(unmerged)).toEqual([])
  })
})

describe('a configuration', () => {
  it.each(folders)('names every tensor of the checkpoint: %s', async (name) => {
    const { config, weights } = await readBase(await importBase(name))
    const labels = Object.keys(config.id2label ?? {}).length
    expect([...weights.keys()].toSorted()).toEqual([...parameterShapes(config, labels).keys()].toSorted())
  })

  const refused = readJsonFile<{ name: string; config: unknown; why: string }[]>(join(families, 'refused.json'))
  it.each(refused.map(({ name, config, why }) => [name, why, config] as const))(
    'that asks for what is not built is refused by name: %s, %s',
    (_, why, config) => {
      expect(() => parseConfig(config, 'config.json')).toThrow(
        expect.objectContaining({ code: 'config', message: expect.stringContaining(why) }),
      )
    },
  )
})
