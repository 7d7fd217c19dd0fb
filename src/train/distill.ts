/** A whole distillation: a student, a teacher and texts in; a base folder out, with curves and report. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { BaseInfo } from '../core/adapter/info.ts'
import { createEncoder, padToken } from '../core/encoder.ts'
import { GraftError } from '../core/errors.ts'
import { sizeWords } from '../core/families.ts'
import { isHead } from '../core/layers.ts'
import { createRandom } from '../core/random.ts'
import { parseSafetensors, serializeSafetensors } from '../core/safetensors.ts'
import { type TensorMap, countNumbers } from '../core/tensors.ts'
import { type TokenizerSource, tokenizerIdentity } from '../core/tokenizer.ts'
import { writeFileAtomic } from '../files/atomic.ts'
import { type Base, writeBase } from '../files/base-folder.ts'
import { sha256 } from '../files/hash.ts'
import { readBytes } from '../files/read.ts'
import type { OutputFolder } from '../files/output.ts'
import { openTokenizer } from '../files/tokenizer-files.ts'
import type { DocumentFile } from './corpus.ts'
import { passagesOf } from './distill/passages.ts'
import { type Teacher, openTeacher } from './distill/teacher.ts'
import { tensorHashes, version } from './identity.ts'
import { TEACHER_HEAD, distillationProgram } from './program/distillation.ts'
import { renderReport } from './report.ts'
import { type OutputOptions, type RunPlan, runToOutput, settingsAmong, withRunOutput } from './run.ts'
import type { DistillSettings } from './settings.ts'
import { resolveDistillSettings } from './settings/resolve.ts'
import { settingWords } from './settings/words.ts'
import { type TaughtPassages, distillationTask } from './task/distillation.ts'

export interface DistillPlan extends RunPlan {
  parameters: number
  /** Passages of an epoch, and their tokens as the student reads them. */
  passages: number
  tokens: number
}

/** Who learns from whom, on what, and where to; any setting beside it goes over the defaults. */
export interface DistillOptions extends OutputOptions, Partial<DistillSettings> {
  /** The student: random weights, or a base to go on from. */
  base: Pick<Base, 'config' | 'weights' | 'info'> & { sha256?: string; tokenizer: TokenizerSource }
  /** Base folder, of any family: the mean of its last states is its vector of a text, as sentence-transformers' mean pooling has it. */
  teacher: string
  documents: readonly DocumentFile[]
  /** Folder where the teacher's vectors are kept, so that another run on the same texts has them; by default nowhere. */
  cacheDir?: string
  /** How the weights are stored; `float16` halves the file. By default `float32`. */
  dtype?: 'float32' | 'float16'
  /** Called while the teacher reads, with the number of passages done. */
  onTeacher?: (done: number, total: number) => void
  onStart?: (plan: DistillPlan) => void
}

export interface DistillResult {
  out: string
  steps: number
  bestStep: number
  /** Of the student's vectors and the teacher's, mean over the validation passages. */
  cosine: number
  passages: number
  parameters: number
  seconds: number
}

/**
 * Trains all weights of a base, the student, so that the state by which it classifies a text says what the teacher's vector of the
 * text says, and writes the best checkpoint as a base. Needs texts alone, no labels.
 * @throws GraftError `usage` for an option that there is not or a value out of its range, `corpus` for too few texts, what `readBase`
 *   throws of the teacher, `file-exists`, `checkpoint`, `loss-not-finite`; the signal's reason, after a checkpoint was saved
 * @example
 * import { createBase, distill, readDocuments, shippedBase } from 'graft-lora/train'
 *
 * const { cosine } = await distill({
 *   base: { ...createBase({ layers: 2, width: 64 }, 1), tokenizer: 'gpt2' },
 *   teacher: shippedBase(),
 *   documents: await readDocuments(['messages.csv']),
 *   out: 'runs/student',
 *   epochs: 1,
 * })
 * console.log(cosine)
 */
export const distill = (options: DistillOptions): Promise<DistillResult> =>
  withRunOutput(options, [options.teacher], (out) => distillInto(out, options))

async function distillInto(folder: OutputFolder, options: DistillOptions): Promise<DistillResult> {
  const { base, teacher: dir, documents, cacheDir, dtype = 'float32', onTeacher, onStart, ...others } = options
  const settings = resolveDistillSettings(settingsAmong(others))
  const started = performance.now()
  const { seed, maxLength, batchSize, weightDecay } = settings
  const { config } = base
  const encode = createEncoder(config, await openTokenizer(base.tokenizer))
  const passages = choosePassages(documents, settings)
  const teacher = await openTeacher(dir, { maxLength, threads: others.threads })
  const vectors = await vectorsOf(teacher, passages, { maxLength, cacheDir, onTeacher, signal: others.signal }).finally(
    teacher.dispose,
  )
  const sequences = passages.map((text) => encode(text, maxLength).ids)
  const held = Math.min(passages.length - 1, Math.max(1, Math.round(settings.validation * passages.length)))
  const part = (from: number, to: number): TaughtPassages => ({
    sequences: sequences.slice(from, to),
    vectors: vectors.subarray(from * teacher.width, to * teacher.width),
  })
  const [validation, train] = [part(0, held), part(held, passages.length)]
  const weights: TensorMap = new Map([...base.weights].filter(([name]) => !isHead(name)))
  const random = createRandom(seed).fork('distill')
  const program = distillationProgram({ config, weights, teacherWidth: teacher.width, weightDecay, random })
  const padTokenId = padToken(config)
  const task = distillationTask({ train, validation, width: teacher.width, padTokenId, batchSize, seed })
  const parameters = countNumbers(weights)
  const tokens = train.sequences.reduce((sum, { length }) => sum + length, 0)
  const announce = (plan: RunPlan) => onStart?.({ ...plan, parameters, passages: train.sequences.length, tokens })
  const fingerprint = fingerprintOf({ base, teacher, passages, settings })
  return runToOutput(
    { output: { ...others, out: folder }, program, task, settings, fingerprint, onStart: announce },
    async ({ engine, trained, history, steps, bestStep }) => {
      const { score: cosine = NaN } = await task.evaluate(engine)
      const seconds = (performance.now() - started) / 1000
      const out = folder.path
      const result = { out, steps, bestStep, cosine, passages: passages.length, parameters, seconds }
      const report = renderReport({
        title: `Distillation of ${out}`,
        settings: {
          model: `${sizeWords(config)}, ${parameters.toLocaleString('en-US')} parameters`,
          teacher: dir,
          texts: documents.map(({ name }) => name).join(', '),
          ...Object.fromEntries(Object.entries(settings).map(([name, value]) => [settingWords(name), value])),
          'cosine to the teacher': cosine.toFixed(3),
          // Without the words, the curve of the training loss would look far above that of the validation.
          loss: 'of validation one minus the cosine, which is the score; of training that and the cross-entropy over a batch',
          seconds: Math.round(seconds),
        },
        history,
        labels: [],
        best: { step: bestStep },
      })
      trained.delete(TEACHER_HEAD)
      const content = { weights: trained, info: infoOf({ base, teacher, documents, settings, result }) }
      const metrics = { 'metrics.jsonl': history.map((entry) => `${JSON.stringify(entry)}\n`).join('') }
      const { id2label: _, label2id: __, ...fields } = config // labels belong to the head, which is gone
      await writeBase(
        folder,
        { ...content, config: { ...fields, dtype } },
        {
          tokenizer: base.tokenizer,
          extraFiles: { ...report, ...metrics },
          dtype,
        },
      )
      return result
    },
  )
}

/** Passages in random order, as many as were asked for. */
function choosePassages(documents: readonly DocumentFile[], { passages: most, seed }: DistillSettings): string[] {
  const random = createRandom(seed).fork('passages')
  const all = random.shuffle(
    passagesOf(
      documents.flatMap(({ texts }) => texts),
      random,
    ),
  )
  if (all.length < 2) {
    throw new GraftError('corpus', `the texts have ${all.length} passages, not enough to learn from`, {
      hint: 'Give more text.',
      value: all.length,
    })
  }
  return most === 0 ? all : all.slice(0, Math.max(2, most))
}

interface VectorOptions extends Pick<DistillOptions, 'cacheDir' | 'onTeacher'> {
  maxLength: number
  signal: AbortSignal | undefined
}

/** The teacher's vectors, from the cache where they are there. */
async function vectorsOf(
  teacher: Teacher,
  passages: readonly string[],
  { maxLength, cacheDir, onTeacher, signal }: VectorOptions,
): Promise<Float32Array> {
  const key = sha256(JSON.stringify([teacher.sha256, maxLength, passages]))
  const file = cacheDir && join(cacheDir, 'teacher', `${key}.safetensors`)
  const cached = file && (await readCached(file, passages.length * teacher.width))
  if (cached) return cached
  const vectors = await teacher.vectorsOf(passages, (done) => {
    signal?.throwIfAborted()
    onTeacher?.(done, passages.length)
  })
  if (file) {
    const tensors: TensorMap = new Map([['vectors', { shape: [passages.length, teacher.width], data: vectors }]])
    await writeFileAtomic(file, serializeSafetensors(tensors, {}))
  }
  return vectors
}

/** A damaged file in the cache counts as none, and is replaced. */
async function readCached(file: string, count: number): Promise<Float32Array | undefined> {
  if (!existsSync(file)) return undefined
  try {
    const data = parseSafetensors(await readBytes(file), file).tensors.get('vectors')?.data
    return data?.length === count ? data : undefined
  } catch {
    return undefined
  }
}

interface Run {
  base: DistillOptions['base']
  teacher: Teacher
  settings: DistillSettings
}

function fingerprintOf({ base, teacher, passages, settings }: Run & { passages: readonly string[] }): string {
  const texts = sha256(JSON.stringify(passages))
  const { config, tokenizer } = base
  const facts = [version, config, tokenizerIdentity(tokenizer), tensorHashes(base.weights), teacher.sha256, texts]
  return sha256(JSON.stringify([...facts, { ...settings, device: undefined }]))
}

const infoOf = ({
  base,
  teacher,
  documents,
  settings,
  result: { cosine, seconds },
}: Run & Pick<DistillOptions, 'documents'> & { result: DistillResult }): BaseInfo => ({
  formatVersion: 1,
  kind: 'base',
  ...(base.sha256 !== undefined && { baseSha256: base.sha256 }),
  ...(base.info?.recipe !== undefined && { recipe: base.info.recipe }),
  teacherSha256: teacher.sha256,
  corpus: documents.map(({ name, sha256: hash }) => ({ name, sha256: hash })),
  hyperparameters: { ...settings },
  seed: settings.seed,
  metrics: { cosine, seconds },
})
