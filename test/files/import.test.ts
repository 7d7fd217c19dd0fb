/** What `graft import` refuses and puts right, and the hub as a source: downloads, resumed ones, damaged ones. */
import { cp, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readInputs } from '../../src/export/inputs.ts'
import { planMerged } from '../../src/export/merged.ts'
import { readBase, writeBase } from '../../src/files/base-folder.ts'
import { sha256 } from '../../src/files/hash.ts'
import { importModel } from '../../src/files/import.ts'
import { readTokenizer } from '../../src/files/tokenizer-files.ts'
import { parseSafetensors, serializeSafetensors } from '../../src/core/safetensors.ts'
import type { TensorMap } from '../../src/core/tensors.ts'
import { createBase } from '../../src/train/base.ts'
import { golden } from '../interop/ours.ts'

let dir: string
beforeEach(async () => void (dir = await mkdtemp(join(tmpdir(), 'graft-import-'))))
afterEach(() => rm(dir, { recursive: true }))

const theirs = join(golden, 'bases', 'two-labels')
const out = () => join(dir, 'out')

/** A copy of a model that the tests may spoil. */
async function copyOf(source: string): Promise<string> {
  const copy = join(dir, 'copy')
  await cp(source, copy, { recursive: true })
  return copy
}

async function changeJson(path: string, fields: object): Promise<void> {
  await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, 'utf8')), ...fields }))
}

/** Changes some names of a model's labels, without the ids by name. */
async function changeLabels(copy: string, names: Record<number, string | undefined>): Promise<void> {
  const { id2label } = JSON.parse(await readFile(join(copy, 'config.json'), 'utf8'))
  await changeJson(join(copy, 'config.json'), { id2label: { ...id2label, ...names }, label2id: undefined })
}

/** Changes the tensors of a safetensors file. */
async function changeTensors(path: string, change: (tensors: TensorMap) => unknown): Promise<void> {
  const { tensors } = parseSafetensors(await readFile(path), path)
  change(tensors)
  await writeFile(path, serializeSafetensors(tensors))
}

describe('a model', () => {
  it('gets the names of its labels, as given or as transformers makes them up', async () => {
    await importModel(theirs, { out: out(), labels: ['ham', 'spam'] })
    expect((await readBase(out())).config).toMatchObject({ id2label: { 0: 'ham', 1: 'spam' }, label2id: { ham: 0 } })
    await importModel(theirs, { out: out(), force: true })
    expect((await readBase(out())).config.id2label).toEqual({ 0: 'LABEL_0', 1: 'LABEL_1' })
    await expect(importModel(theirs, { out: out(), force: true, labels: ['a'] })).rejects.toMatchObject({
      code: 'usage',
    })
  })

  it('keeps its element types, and says where it came from', async () => {
    const half = join(golden, 'bases', 'half')
    const { sha256: written } = await importModel(half, { out: out() })
    const bytes = await readFile(join(out(), 'model.safetensors'))
    expect(written).toBe(sha256(bytes))
    expect(bytes.toString('latin1', 8, 400)).toContain('"dtype":"F16"')
    const provenance = JSON.parse(await readFile(join(out(), 'import.json'), 'utf8'))
    expect(provenance.files['model.safetensors']).toBe(sha256(await readFile(join(half, 'model.safetensors'))))
  })

  it.each(['pytorch_model.bin', 'adapter_model.bin'])(
    'is refused as a pickle, with the command that converts it: %s',
    async (name) => {
      const isAdapter = name.startsWith('adapter')
      const copy = await copyOf(isAdapter ? join(golden, 'adapters', 'rank-1') : theirs)
      const weights = isAdapter ? 'adapter_model.safetensors' : 'model.safetensors'
      await rm(join(copy, weights))
      await writeFile(join(copy, name), 'a pickle')
      const hint = isAdapter
        ? "torch.load('adapter_model.bin', weights_only=True)"
        : 'GPT2ForSequenceClassification as M'
      await expect(importModel(copy, { out: out(), base: theirs })).rejects.toMatchObject({
        code: 'file-format',
        message: expect.stringContaining(`${name} is a pickle`),
        hint: expect.stringContaining(hint),
      })
      await expect(importModel(join(copy, name), { out: out() })).rejects.toMatchObject({ code: 'file-format' })
      expect(await readdir(dir)).toEqual(['copy'])
    },
  )

  it.each<[string, (copy: string) => Promise<void>, object]>([
    ['a missing shard', (copy) => rm(join(copy, 'model-00002-of-00004.safetensors')), { code: 'file-not-found' }],
    [
      'an index of another place',
      (copy) => changeJson(join(copy, 'model.safetensors.index.json'), { weight_map: { x: '../x.safetensors' } }),
      { code: 'weights' },
    ],
    [
      'attention that divides otherwise',
      (copy) => changeJson(join(copy, 'config.json'), { scale_attn_by_inverse_layer_idx: true }),
      { code: 'config', message: expect.stringContaining('scale_attn_by_inverse_layer_idx') },
    ],
    [
      'another architecture',
      (copy) => changeJson(join(copy, 'config.json'), { model_type: 'llama' }),
      { code: 'config' },
    ],
    [
      'other sizes',
      (copy) => changeJson(join(copy, 'config.json'), { n_inner: 25 }),
      { code: 'weights', message: expect.stringContaining('mlp.c_fc') },
    ],
    [
      'another problem',
      (copy) => changeJson(join(copy, 'config.json'), { problem_type: 'ranking' }),
      { code: 'config', message: expect.stringContaining('problem_type "ranking"') },
    ],
    [
      'two numbers for each text',
      (copy) => changeJson(join(copy, 'config.json'), { problem_type: 'regression' }),
      { code: 'config', message: expect.stringContaining('a regression gives one number') },
    ],
    [
      'a name for two labels',
      (copy) => changeLabels(copy, { 1: 'anger' }),
      { code: 'config', message: expect.stringContaining('two labels have the name "anger"') },
    ],
    [
      'a label without a name',
      (copy) => changeLabels(copy, { 1: '' }),
      { code: 'config', message: expect.stringContaining('label 1 has no name') },
    ],
    [
      'an id left out',
      (copy) => changeLabels(copy, { 7: 'other', 3: undefined }),
      { code: 'config', message: expect.stringContaining('id2label has 7 ids, and not 3') },
    ],
    [
      'ids that say otherwise',
      (copy) => changeJson(join(copy, 'config.json'), { label2id: { anger: 1, disgust: 0 } }),
      { code: 'config', message: expect.stringContaining('label2id gives "anger" the id 1') },
    ],
    [
      'another number of labels',
      (copy) => changeJson(join(copy, 'config.json'), { num_labels: 3 }),
      { code: 'config', message: expect.stringContaining('num_labels is 3, and id2label has 7') },
    ],
    [
      'no weights',
      async (copy) => {
        for (const name of await readdir(copy)) if (name.includes('safetensors')) await rm(join(copy, name))
      },
      { code: 'file-format' },
    ],
  ])('is refused with %s', async (_, spoil, error) => {
    const copy = await copyOf(join(golden, 'bases', 'seven-labels-sharded'))
    await spoil(copy)
    await expect(importModel(copy, { out: out() })).rejects.toMatchObject(error)
    expect(await readdir(dir)).toEqual(['copy'])
  })

  it('with a number that is not finite is refused by tensor, read or imported', async () => {
    const copy = await copyOf(theirs)
    await changeTensors(join(copy, 'model.safetensors'), (tensors) =>
      tensors.get('transformer.h.1.mlp.c_fc.weight')?.data.fill(NaN, 7, 8),
    )
    const error = {
      code: 'weights',
      message: `${join(copy, 'model.safetensors')}: transformer.h.1.mlp.c_fc.weight holds NaN`,
    }
    await expect(importModel(copy, { out: out() })).rejects.toMatchObject(error)
    await expect(readBase(copy)).rejects.toMatchObject(error)
    expect(await readdir(dir)).toEqual(['copy'])
  })

  it('with a head of one output is refused, whatever it is called, unless it says that it is a regression', async () => {
    const copy = await copyOf(theirs)
    await changeTensors(join(copy, 'model.safetensors'), (tensors) =>
      tensors.set('score.weight', { shape: [1, 16], data: new Float32Array(16).fill(0.5) }),
    )
    await changeJson(join(copy, 'config.json'), { id2label: undefined, label2id: undefined })
    await expect(importModel(copy, { out: out() })).rejects.toMatchObject({
      code: 'config',
      message: expect.stringContaining('a head with 1 output'),
    })
    await changeJson(join(copy, 'config.json'), { problem_type: 'regression' })
    expect((await importModel(copy, { out: out() })).labels).toEqual(['LABEL_0'])
    expect(planMerged(await readInputs(out(), [])).model).toMatchObject({ problemType: 'regression' })
  })

  it('of several labels a text is one of them', async () => {
    const copy = await copyOf(theirs)
    await changeJson(join(copy, 'config.json'), { problem_type: 'multi_label_classification' })
    await importModel(copy, { out: out() })
    expect((await readBase(out())).config.problem_type).toBe('multi_label_classification')
    expect(planMerged(await readInputs(out(), [])).model).toMatchObject({ problemType: 'multi_label_classification' })
  })

  it.each([[['a', 'a']], [['a', ' ']], [['a', 'b', 'c']]])('is not given the labels %s', async (labels) => {
    await expect(importModel(theirs, { out: out(), labels })).rejects.toMatchObject({ code: 'usage' })
  })

  it('without a head may say that it has one label, as old language models do', async () => {
    const copy = await copyOf(join(golden, 'bases', 'language-model'))
    await changeJson(join(copy, 'config.json'), { id2label: { 0: 'LABEL_0' }, label2id: { LABEL_0: 0 }, num_labels: 1 })
    await importModel(copy, { out: out() })
    expect((await readBase(out())).config).not.toHaveProperty('id2label')
  })

  it('keeps a tokenizer that is not GPT-2’s, and is refused without any', async () => {
    const source = join(dir, 'source')
    await writeBase(source, createBase({ width: 4, layers: 1, heads: 1, inner: 4, positions: 8 }, 1))
    await importModel(source, { out: out() })
    const { config } = await readBase(out())
    expect(await readTokenizer(out(), config)).toBe('gpt2')
    const file = join(source, 'tokenizer.json')
    const exchanged = (await readFile(file, 'utf8')).replace('"!":0,"\\"":1', '"\\"":0,"!":1')
    await writeFile(file, exchanged)
    await importModel(source, { out: out(), force: true })
    expect(await readTokenizer(out(), config)).toMatchObject({ sha256: sha256(exchanged) })
    await rm(file)
    await writeFile(join(source, 'vocab.json'), '{}')
    await expect(importModel(source, { out: out(), force: true })).rejects.toMatchObject({
      code: 'config',
      message: expect.stringContaining('source has no tokenizer.json'),
      hint: expect.stringContaining('AutoTokenizer'),
    })
  })
})

describe('an adapter', () => {
  const adapter = join(golden, 'adapters', 'rank-1')

  it('needs a base, and fits it', async () => {
    await expect(importModel(adapter, { out: out() })).rejects.toMatchObject({ code: 'usage' })
    const other = join(dir, 'other')
    await importModel(join(golden, 'bases', 'seven-labels-sharded'), { out: other })
    await expect(importModel(adapter, { out: out(), base: other })).rejects.toMatchObject({
      code: 'adapter',
      message: expect.stringContaining('mlp.c_fc is 16 × 64, and 16 × 24 in the base'),
    })
  })

  it('without a head is refused on a base without one', async () => {
    const headless = join(dir, 'headless')
    await importModel(join(golden, 'bases', 'language-model'), { out: headless })
    const run = importModel(join(golden, 'adapters', 'without-head'), { out: out(), base: headless })
    await expect(run).rejects.toMatchObject({
      code: 'adapter',
      message: expect.stringContaining('no classification head'),
    })
  })
})
