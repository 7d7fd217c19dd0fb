/** A run's checkpoint: one file that holds all that is needed to go on as if the run had not stopped. */
import { z } from 'zod'
import { GraftError } from '../core/errors.ts'
import { parseSafetensors, serializeSafetensors } from '../core/safetensors.ts'
import type { TensorMap } from '../core/tensors.ts'
import { writeFileAtomic } from '../files/atomic.ts'
import { readBytes } from '../files/read.ts'
import type { TrainingState } from './engine.ts'
import type { RunState } from './loop.ts'

const number = z.number()

const stepSchema = z.object({
  kind: z.literal('step'),
  step: number,
  epoch: number,
  loss: number,
  accuracy: number.optional(),
  learningRate: number,
  gradientNorm: number,
  tokensPerSecond: number,
})

const evaluationSchema = z.object({
  kind: z.literal('evaluation'),
  step: number,
  epoch: number,
  loss: number,
  calibratedLoss: number.optional(),
  score: number.optional(),
  accuracy: number.optional(),
  macroF1: number.optional(),
})

/** What stands in the metadata of the safetensors file. */
const progressSchema = z.object({
  step: number,
  evaluationsWithoutImprovement: number,
  best: evaluationSchema.extend({ errors: z.array(number).optional() }).optional(),
  history: z.array(z.discriminatedUnion('kind', [stepSchema, evaluationSchema])),
})

/** Prefix of the parameters at the best evaluation. */
const BEST = 'best.'

const toTensors = (state: TrainingState, prefix = ''): TensorMap =>
  new Map([...state].map(([name, data]) => [`${prefix}${name}`, { shape: [data.length], data }]))

/**
 * Writes a checkpoint, replacing an older one whole.
 * @param fingerprint of everything that determines the run: data, base, settings
 */
export async function writeCheckpoint(path: string, run: RunState, fingerprint: string): Promise<void> {
  const { step, evaluationsWithoutImprovement, best, history, state, bestState } = run
  const tensors = new Map([...toTensors(state), ...toTensors(bestState ?? new Map(), BEST)])
  const progress = JSON.stringify({ step, evaluationsWithoutImprovement, best, history })
  await writeFileAtomic(path, serializeSafetensors(tensors, { fingerprint, progress }))
}

const readFile = async (path: string) =>
  parseSafetensors(await readBytes(path, 'There is no interrupted run here: train without --resume.'), path)

/**
 * The fingerprint of the run that a checkpoint belongs to.
 * @throws GraftError `file-not-found`, `safetensors`
 */
export const readFingerprint = async (path: string): Promise<string | undefined> =>
  (await readFile(path)).metadata['fingerprint']

/**
 * Reads a checkpoint.
 * @throws GraftError `file-not-found`, `safetensors`; `checkpoint` for a file that is none, or of another run
 */
export async function readCheckpoint(path: string, fingerprint: string): Promise<RunState> {
  const { tensors, metadata } = await readFile(path)
  if (metadata['fingerprint'] !== fingerprint) {
    throw new GraftError(
      'checkpoint',
      `${path} belongs to a run with other data, another base, other settings or another version of Graft`,
      {
        hint: 'Give the options of the interrupted run, or start over with --force.',
        file: path,
      },
    )
  }
  const progress = progressSchema.safeParse(parseJson(metadata['progress']))
  if (!progress.success) {
    throw new GraftError('checkpoint', `${path} is not a checkpoint: ${z.prettifyError(progress.error)}`, {
      hint: 'Start over with --force.',
      file: path,
    })
  }
  const [state, bestState]: [TrainingState, TrainingState] = [new Map(), new Map()]
  for (const [name, { data }] of tensors) {
    if (name.startsWith(BEST)) bestState.set(name.slice(BEST.length), data)
    else state.set(name, data)
  }
  return { ...progress.data, state, ...(bestState.size > 0 && { bestState }) }
}

function parseJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '')
  } catch {
    return undefined
  }
}
