/** A whole pretraining run: a corpus and a base in; a base folder out, with curves and report. */
import type { BaseInfo } from '../core/adapter/info.ts'
import type { GPT2Config } from '../core/config.ts'
import { GraftError } from '../core/errors.ts'
import { createRandom } from '../core/random.ts'
import { type TensorMap, sizeOf } from '../core/tensors.ts'
import { type Base, writeBase } from '../files/base-folder.ts'
import { sha256 } from '../files/hash.ts'
import type { OutputFolder } from '../files/output.ts'
import { withCooccurrences } from './cooccurrence.ts'
import { type Corpus, packSequences } from './corpus.ts'
import { NEIGHBOUR_HEAD } from '../model/language-model.ts'
import { SCORE } from './program/classifier.ts'
import { languageModelProgram } from './program/language-model.ts'
import { renderReport } from './report.ts'
import { type OutputOptions, type RunPlan, runToOutput, withRunOutput } from './run.ts'
import type { PretrainSettings } from './settings.ts'
import { languageModellingTask } from './task/language-modelling.ts'

export interface PretrainPlan extends RunPlan {
  parameters: number
  /** Tokens of an epoch. */
  tokens: number
}

export interface PretrainOptions extends OutputOptions {
  /** Where to start: random weights, or a base to go on from. */
  base: Pick<Base, 'config' | 'weights'> & { sha256?: string }
  corpus: Corpus
  settings: PretrainSettings
  /** How the weights are stored; `float16` halves the file. */
  dtype: 'float32' | 'float16'
  onStart?: (plan: PretrainPlan) => void
}

export interface PretrainResult {
  out: string
  steps: number
  bestStep: number
  /** Mean over the validation sequences' tokens, over the whole vocabulary; in nats. */
  validationLoss: number
  perplexity: number
  parameters: number
  seconds: number
}

/**
 * Trains all weights of a base as a language model, and writes the best checkpoint as a base.
 * @throws GraftError `file-exists`, `corpus`, `config`, `checkpoint`, `loss-not-finite`; the signal's reason, after a
 *   checkpoint was saved
 */
export const pretrain = (options: PretrainOptions): Promise<PretrainResult> =>
  withRunOutput(options, [], (out) => pretrainInto(out, { ...options, out }))

async function pretrainInto({ path: out }: OutputFolder, options: PretrainOptions): Promise<PretrainResult> {
  const { base, corpus, settings } = options
  const started = performance.now()
  checkLength(settings.sequenceLength, base.config)
  const weights: TensorMap = new Map([...base.weights].filter(([name]) => name !== SCORE))
  const { sequenceLength: length, validation, batchSize, samples, neighbourLoss, dropout, weightDecay, seed } = settings
  const config = { ...base.config, embd_pdrop: dropout, resid_pdrop: dropout }
  const sequences = packSequences(corpus, { length, validation, seed })
  const start =
    settings.embedding === 'base' ? weights : withCooccurrences(weights, sequences.train, createRandom(seed))
  const program = languageModelProgram({ config, weights: start, weightDecay, neighbourLoss })
  const task = languageModellingTask({
    ...sequences,
    vocabularySize: base.config.vocab_size,
    endOfText: corpus.endOfText,
    neighbours: neighbourLoss > 0,
    batchSize,
    samples,
    seed,
  })
  const parameters = [...weights.values()].reduce((sum, { shape }) => sum + sizeOf(shape), 0)
  const onStart = (plan: RunPlan) => options.onStart?.({ ...plan, parameters, tokens: sequences.train.length * length })
  return runToOutput(
    { output: options, program, task, settings, fingerprint: fingerprintOf(options, weights), onStart },
    async ({ engine, trained, history, steps, bestStep }) => {
      const { loss } = await task.evaluate(engine)
      const seconds = (performance.now() - started) / 1000
      const result = {
        out,
        steps,
        bestStep,
        validationLoss: loss,
        perplexity: Math.exp(loss),
        parameters,
        seconds,
      }
      const report = renderReport({
        title: `Pretraining of ${out}`,
        settings: reportSettings(options, result),
        history,
        labels: [],
        best: { step: bestStep },
        perplexity: result.perplexity,
      })
      const extraFiles = { ...report, 'metrics.jsonl': history.map((entry) => `${JSON.stringify(entry)}\n`).join('') }
      trained.delete(NEIGHBOUR_HEAD)
      await writePretrained(options, trained, infoOf(options, result), extraFiles)
      return result
    },
  )
}

function checkLength(length: number, { n_positions: positions }: GPT2Config): void {
  if (length <= positions) return
  throw new GraftError('config', `sequences of ${length} tokens are longer than the model's ${positions} positions`, {
    hint: `Give a --sequence-length of at most ${positions}.`,
    value: length,
  })
}

const fingerprintOf = ({ base, corpus, settings }: PretrainOptions, weights: TensorMap): string =>
  sha256(
    JSON.stringify([
      base.config,
      [...weights].map(([name, { data }]) => [
        name,
        sha256(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
      ]),
      corpus.files,
      { ...settings, device: undefined },
    ]),
  )

const infoOf = (
  { base, corpus, settings }: PretrainOptions,
  { validationLoss, perplexity, seconds }: PretrainResult,
): BaseInfo => ({
  formatVersion: 1,
  kind: 'base',
  ...(base.sha256 !== undefined && { baseSha256: base.sha256 }),
  corpus: corpus.files,
  hyperparameters: { ...settings },
  seed: settings.seed,
  metrics: { validationLoss, perplexity, seconds },
})

async function writePretrained(
  { base, out, dtype }: PretrainOptions,
  weights: TensorMap,
  info: BaseInfo,
  extraFiles: Record<string, string>,
): Promise<void> {
  // Labels belong to the head, which is gone.
  const { id2label: _, label2id: __, ...config } = base.config
  const architectures = ['GPT2LMHeadModel']
  await writeBase(out, { config: { ...config, architectures, dtype }, weights, info }, { extraFiles, dtype })
}

function reportSettings(
  { base, corpus, settings }: PretrainOptions,
  { steps, seconds, parameters }: PretrainResult,
): Record<string, string | number> {
  const { n_layer: layers, n_embd: width, n_head: heads } = base.config
  return {
    model: `${layers} layers, ${width} wide, ${heads} heads, ${parameters.toLocaleString('en-US')} parameters`,
    corpus: corpus.files.map(({ name, tokens }) => `${name} (${tokens.toLocaleString('en-US')} tokens)`).join(', '),
    epochs: settings.epochs,
    'batch size': settings.batchSize,
    'sequence length': settings.sequenceLength,
    samples: settings.samples,
    dropout: settings.dropout,
    embedding: settings.embedding,
    // Without the words, the curve of the training loss would look far above that of the validation.
    'neighbour loss': settings.neighbourLoss > 0 ? `${settings.neighbourLoss}, in the training loss alone` : 0,
    'learning rate': settings.learningRate,
    warmup: settings.warmup,
    decay: settings.decay,
    'weight decay': settings.weightDecay,
    seed: settings.seed,
    device: settings.device,
    steps,
    seconds: Math.round(seconds),
  }
}
