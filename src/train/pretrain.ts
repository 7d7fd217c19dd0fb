/** A whole pretraining run: a corpus and a base in; a base folder out, with curves and report. */
import type { BaseInfo } from '../core/adapter/info.ts'
import { GraftError } from '../core/errors.ts'
import { modelOf, sizeWords } from '../core/families.ts'
import type { ModelConfig } from '../core/family.ts'
import { isHead } from '../core/layers.ts'
import { createRandom } from '../core/random.ts'
import { type TensorMap, countNumbers } from '../core/tensors.ts'
import { type Base, type WriteBaseOptions, writeBase } from '../files/base-folder.ts'
import { sha256 } from '../files/hash.ts'
import type { Output, OutputFolder } from '../files/output.ts'
import { withCooccurrences } from './cooccurrence.ts'
import { type Corpus, packSequences } from './corpus.ts'
import { NEIGHBOUR_HEAD } from '../model/language-model.ts'
import { languageModelProgram } from './program/language-model.ts'
import { renderReport } from './report.ts'
import { type OutputOptions, type RunPlan, runToOutput, settingsAmong, withRunOutput } from './run.ts'
import { bytesOf, tensorHashes, version } from './identity.ts'
import type { PretrainSettings } from './settings.ts'
import { resolvePretrainSettings } from './settings/resolve.ts'
import { settingWords } from './settings/words.ts'
import { languageModellingTask } from './task/language-modelling.ts'

export interface PretrainPlan extends RunPlan {
  parameters: number
  /** Tokens of an epoch. */
  tokens: number
}

/** What to train and where to; any setting beside it goes over the defaults. */
export interface PretrainOptions extends OutputOptions, Partial<PretrainSettings> {
  /** Where to start: random weights, or a base to go on from. */
  base: Pick<Base, 'config' | 'weights' | 'info'> & { sha256?: string }
  corpus: Corpus
  /** How the weights are stored; `float16` halves the file. By default `float32`. */
  dtype?: 'float32' | 'float16'
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
 * @throws GraftError `usage` for an option that there is not or a value out of its range, `file-exists`, `corpus`, `config`,
 *   `checkpoint`, `loss-not-finite`; the signal's reason, after a checkpoint was saved
 * @example
 * import { createBase, pretrain, readCorpus } from 'graft-lora/train'
 *
 * const base = createBase({ layers: 2, width: 64 }, 1)
 * const corpus = await readCorpus(['messages.csv'])
 * const { perplexity } = await pretrain({ base, corpus, out: 'runs/pretrained', epochs: 1, sequenceLength: 64 })
 * console.log(perplexity)
 */
export const pretrain = (options: PretrainOptions): Promise<PretrainResult> =>
  withRunOutput(options, [], (out) => pretrainInto(out, options))

async function pretrainInto(folder: OutputFolder, options: PretrainOptions): Promise<PretrainResult> {
  const { base, corpus, dtype = 'float32', onStart, ...others } = options
  const settings = resolvePretrainSettings(settingsAmong(others))
  const output = { ...others, out: folder }
  const out = folder.path
  const started = performance.now()
  checkFamily(base.config)
  checkLength(settings.sequenceLength, base.config)
  const weights: TensorMap = new Map([...base.weights].filter(([name]) => !isHead(name)))
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
  const parameters = countNumbers(weights)
  const announce = (plan: RunPlan) => onStart?.({ ...plan, parameters, tokens: sequences.train.length * length })
  const fingerprint = fingerprintOf(base.config, weights, corpus, settings)
  return runToOutput(
    { output, program, task, settings, fingerprint, onStart: announce },
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
        settings: reportSettings(base.config, corpus, settings, result),
        history,
        labels: [],
        best: { step: bestStep },
        perplexity: result.perplexity,
      })
      const extraFiles = { ...report, 'metrics.jsonl': history.map((entry) => `${JSON.stringify(entry)}\n`).join('') }
      trained.delete(NEIGHBOUR_HEAD)
      const info = infoOf(base, corpus, settings, result)
      await writePretrained(folder, base.config, { weights: trained, info }, { extraFiles, dtype })
      return result
    },
  )
}

/** The language model is written for one family. */
function checkFamily({ model_type: family }: ModelConfig): void {
  if (family === 'gpt2') return
  throw new GraftError('config', `the base is of the family ${family}, and only GPT-2 bases are pretrained`, {
    hint: 'Train an adapter on it with `graft train`, or pretrain a base of `graft init`.',
    value: family,
  })
}

function checkLength(length: number, config: ModelConfig): void {
  const { positions } = modelOf(config).sizes
  if (length <= positions) return
  throw new GraftError('config', `sequences of ${length} tokens are longer than the model's ${positions} positions`, {
    hint: `Give a --sequence-length of at most ${positions}.`,
    value: length,
  })
}

function fingerprintOf(config: ModelConfig, weights: TensorMap, corpus: Corpus, settings: PretrainSettings): string {
  // Of a table's texts, not of its file: another column may be read from that.
  const documents = sha256(bytesOf(Int32Array.from(corpus.documents.flat())))
  const tensors = tensorHashes(weights)
  return sha256(JSON.stringify([version, config, tensors, corpus.files, documents, { ...settings, device: undefined }]))
}

const infoOf = (
  base: PretrainOptions['base'],
  corpus: Corpus,
  settings: PretrainSettings,
  { validationLoss, perplexity, seconds }: PretrainResult,
): BaseInfo => ({
  formatVersion: 1,
  kind: 'base',
  ...(base.sha256 !== undefined && { baseSha256: base.sha256 }),
  ...(base.info?.recipe !== undefined && { recipe: base.info.recipe }),
  corpus: corpus.files,
  hyperparameters: { ...settings },
  seed: settings.seed,
  metrics: { validationLoss, perplexity, seconds },
})

async function writePretrained(
  out: Output,
  fields: ModelConfig,
  content: { weights: TensorMap; info: BaseInfo },
  options: WriteBaseOptions,
): Promise<void> {
  // Labels belong to the head, which is gone.
  const { id2label: _, label2id: __, ...config } = fields
  const architectures = ['GPT2LMHeadModel']
  await writeBase(out, { ...content, config: { ...config, architectures, dtype: options.dtype } }, options)
}

function reportSettings(
  config: ModelConfig,
  corpus: Corpus,
  settings: PretrainSettings,
  { steps, seconds, parameters }: PretrainResult,
): Record<string, string | number> {
  const inForce = Object.entries(settings).map(([name, value]) => [settingWords(name), value])
  return {
    model: `${sizeWords(config)}, ${parameters.toLocaleString('en-US')} parameters`,
    corpus: corpus.files.map(({ name, tokens }) => `${name} (${tokens.toLocaleString('en-US')} tokens)`).join(', '),
    ...Object.fromEntries(inForce),
    // Without the words, the curve of the training loss would look far above that of the validation.
    ...(settings.neighbourLoss > 0 && { 'neighbour loss': `${settings.neighbourLoss}, in the training loss alone` }),
    steps,
    seconds: Math.round(seconds),
  }
}
