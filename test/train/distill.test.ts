/** Distillation: what the teacher is asked, what it says, and a student that comes to say the same. */
import { mkdtempSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as tf from '@tensorflow/tfjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { padBatch } from '../../src/core/batch.ts'
import { createRandom } from '../../src/core/random.ts'
import { readBase, writeBase } from '../../src/files/base-folder.ts'
import { readTokenizer } from '../../src/files/tokenizer-files.ts'
import { states } from '../../src/model/families.ts'
import { denseLayers } from '../../src/model/layers.ts'
import { createEncoder } from '../../src/runtime/encoder.ts'
import { createBase } from '../../src/train/base.ts'
import { type DistillOptions, distill } from '../../src/train/distill.ts'
import { passagesOf } from '../../src/train/distill/passages.ts'
import { type Teacher, openTeacher } from '../../src/train/distill/teacher.ts'
import { distillationProgram } from '../../src/train/program/distillation.ts'
import { toTensors } from '../model/fixtures.ts'
import { writeTokenizer } from '../fixtures/tokenizer.ts'

const dir = mkdtempSync(join(tmpdir(), 'graft-distill-'))
const path = (...names: string[]) => join(dir, ...names)
afterAll(() => rm(dir, { recursive: true }))

const words = 'the cat sat on a mat and saw two red birds fly over green hills toward distant blue water'.split(' ')
const random = createRandom(3)
const sentence = () =>
  Array.from({ length: 4 + random.integer(5) }, () => words[random.integer(words.length)]).join(' ')
const documents = Array.from({ length: 30 }, () => `${sentence()}. ${sentence()}!\n${sentence()}?`)

describe('passages', () => {
  const passages = passagesOf(documents, createRandom(1))

  it('are each there once, with their words as they were written', () => {
    expect(new Set(passages).size).toBe(passages.length)
    expect(passages.filter((each) => each.trim() !== each || each === '')).toEqual([])
    const [document = ''] = documents
    expect(passages).toContain(document.replace('\n', ' '))
    for (const each of document.split(/(?<=[.!?])\s+/)) expect(passages).toContain(each)
  })

  it('are the same for the same seed, and others for another', () => {
    expect(passagesOf(documents, createRandom(1))).toEqual(passages)
    expect(passagesOf(documents, createRandom(2))).not.toEqual(passages)
  })

  it('are some that were never written', () => {
    const all = documents.map((each) => each.replace('\n', ' ')).join(' ')
    const made = passages.filter((each) => !all.includes(each))
    expect(made.length).toBeGreaterThan(passages.length / 10)
  })

  it('cut what is long: no piece has more than 64 words, and none is lost', () => {
    const long = Array.from({ length: 150 }, (_, at) => `w${at}`).join(' ')
    const cut = passagesOf([long], createRandom(1))
    expect(Math.max(...cut.map((each) => each.split(' ').length))).toBe(64)
    expect(new Set(cut.flatMap((each) => each.split(' '))).size).toBe(150)
    expect(cut).not.toContain(long)
  })

  it('are none of empty texts', () => {
    expect(passagesOf([' \n\n ', ''], createRandom(1))).toEqual([])
  })
})

describe.each([
  ['bert', 'word-piece'],
  ['llama', 'byte-level'],
] as const)('a teacher of the family %s', (family, kind) => {
  let teacher: Teacher
  beforeAll(async () => {
    writeTokenizer(path(`tokenizer-${family}`), kind, words)
    const source = await readTokenizer(path(`tokenizer-${family}`))
    const sizes = { width: 16, layers: 2, heads: 2, inner: 24, positions: 32, vocabulary: 400 }
    await writeBase(path(family), createBase({ family, ...sizes }, 7), { tokenizer: source })
    teacher = await openTeacher(path(family), { maxLength: 12, threads: 1 })
  })
  afterAll(() => teacher.dispose())

  it('says the mean of its last states, of length 1, of each text alone and among others', async () => {
    const texts = documents.slice(0, 5)
    const vectors = await teacher.vectorsOf(texts)
    const { config, weights } = await readBase(path(family))
    const encode = await createEncoder(config, await readTokenizer(path(family), config))
    for (const [row, text] of texts.entries()) {
      const parameters = toTensors(weights)
      const { inputIds, attentionMask, length } = padBatch([encode(text, 12).ids], 0)
      const batch = {
        inputIds: tf.tensor2d(inputIds, [1, length], 'int32'),
        attentionMask: tf.tensor2d(attentionMask, [1, length], 'int32'),
      }
      const layers = denseLayers(config, parameters)
      const all = states(config, parameters, batch, { layers, pool: false }).arraySync()
      const mean = all[0]!.map((_, channel) => all.reduce((sum, state) => sum + state[channel]!, 0) / length) // one row at least
      const norm = Math.hypot(...mean)
      const found = vectors.subarray(row * teacher.width, (row + 1) * teacher.width)
      mean.forEach((value, channel) => expect(found[channel]).toBeCloseTo(value / norm, 4))
    }
  })
})

describe('the loss', () => {
  it('is one minus the mean cosine, and the cross-entropy of telling the batch apart', () => {
    const base = createBase({ width: 8, layers: 1, heads: 2, inner: 8, positions: 8 }, 1)
    const program = distillationProgram({ ...base, teacherWidth: 2, weightDecay: 0, random: createRandom(1) })
    const [student, teacher] = [tf.tensor2d([1, 0, 0.6, 0.8], [2, 2]), tf.tensor2d([0.8, 0.6, 0, 1], [2, 2])]
    const found = program.loss(student, { teacher_vectors: teacher }).arraySync()
    const [own, other] = [
      [0.8, 0.8],
      [0, 0.96],
    ]
    const contrast = own!.map(
      (each, at) => Math.log(Math.exp(each / 0.05) + Math.exp(other![at]! / 0.05)) - each / 0.05,
    )
    expect(found).toBeCloseTo(1 - 0.8 + (contrast[0]! + contrast[1]!) / 2, 5)
  })
})

describe('distill', () => {
  const settings = { epochs: 6, batchSize: 16, learningRate: 0.01, seed: 5, validation: 0.1, maxLength: 16, threads: 1 }
  const files = [{ name: 'texts.txt', sha256: 'a'.repeat(64), texts: documents }]
  const sizes = { width: 16, layers: 1, heads: 2, inner: 24, positions: 16, vocabulary: 400 }
  const student = createBase({ family: 'llama', ...sizes }, 2)

  const run = async (name: string, options: Partial<DistillOptions> = {}) =>
    distill({
      base: { ...student, tokenizer: await readTokenizer(path('tokenizer-llama')) },
      teacher: path('bert'),
      documents: files,
      cacheDir: path('cache'),
      out: path(name),
      ...settings,
      ...options,
    })

  it('brings a student of another family and another tokenizer near its teacher, and writes it as a base', async () => {
    const before = await run('before', { maxSteps: 1 })
    const result = await run('after')
    expect(result.cosine).toBeGreaterThan(before.cosine + 0.1)
    expect(readdirSync(path('after')).toSorted()).toEqual(
      expect.arrayContaining(['config.json', 'graft.json', 'metrics.jsonl', 'model.safetensors', 'report.html']),
    )
    const { config, weights, info } = await readBase(path('after'))
    expect([...weights.keys()].filter((name) => name.includes('teacher'))).toEqual([])
    expect(config.model_type).toBe('llama')
    const { sha256 } = await readBase(path('bert'))
    expect(info).toMatchObject({ kind: 'base', teacherSha256: sha256, corpus: [{ name: 'texts.txt' }] })
  })

  it('asks the teacher once, and again where the cache is damaged', async () => {
    const asked: number[] = []
    const onTeacher = (done: number) => void asked.push(done)
    await run('cached', { maxSteps: 1, onTeacher })
    expect(asked).toEqual([])
    const [file = ''] = readdirSync(path('cache', 'teacher'))
    writeFileSync(path('cache', 'teacher', file), 'damaged')
    await run('cached', { maxSteps: 1, onTeacher, force: true })
    expect(asked.length).toBeGreaterThan(0)
  })

  it('interrupted and resumed gives what an uninterrupted one does', async () => {
    const controller = new AbortController()
    const onRecord: DistillOptions['onRecord'] = ({ step }) =>
      void (step === 9 && controller.abort(new Error('stopped')))
    await expect(run('resumed', { signal: controller.signal, onRecord })).rejects.toThrow('stopped')
    await run('resumed', { resume: true })
    const [whole, resumed] = ['after', 'resumed'].map((name) => readFileSync(path(name, 'model.safetensors')))
    expect(resumed).toEqual(whole)
  })

  it('keeps a passage to train on, however large the validation part', async () => {
    const { passages, steps } = await run('one-left', { validation: 0.99, passages: 3, epochs: 1 })
    expect([passages, steps]).toEqual([3, 1])
  })

  it('stops while the teacher reads, and leaves nothing', async () => {
    const controller = new AbortController()
    const onTeacher = () => controller.abort(new Error('stopped'))
    const options = { signal: controller.signal, onTeacher, cacheDir: path('other-cache') }
    await expect(run('stopped', options)).rejects.toThrow('stopped')
    expect(readdirSync(dir).filter((name) => /stopped|other-cache/.test(name))).toEqual([])
  })

  it.each([
    [{ documents: [{ ...files[0]!, texts: [''] }] }, { code: 'corpus', value: 0 }],
    [{ batchSize: 0 }, { code: 'usage', value: 0 }],
    [{ teacher: path('nobody') }, { code: 'file-not-found' }],
  ] as [Partial<DistillOptions>, object][])('refuses %o', async (options, error) => {
    await expect(run('refused', options)).rejects.toMatchObject(error)
    expect(readdirSync(dir).filter((name) => name.includes('refused'))).toEqual([])
  })
})
