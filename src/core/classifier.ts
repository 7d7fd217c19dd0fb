/** Classifies texts with a bundle's graph, merged or with adapters, in batches of similar lengths. */
import { bucketBatches, padBatch } from './batch.ts'
import { likeliest } from './classifier/scores.ts'
import { type FoundTask, type Model, createTasks } from './classifier/tasks.ts'
import { type OfTexts, ofTexts } from './classifier/texts.ts'
import { type Encode, type Encoded, padToken } from './encoder.ts'
import { GraftError } from './errors.ts'
import type { ModelConfig } from './family.ts'
import type { Session } from './session.ts'
import type { Answer, TaskSpec } from './task.ts'

export { likeliest } from './classifier/scores.ts'
export type { Model } from './classifier/tasks.ts'
export type { OfTexts } from './classifier/texts.ts'
export type { LabelScore } from './task.ts'

/**
 * What a text is, as Hugging Face's text classification says it: the likeliest label with its score, and all scores by id; with
 * `topK`, of the likeliest ones, the best first. A text that may have several labels has those at or above their threshold in
 * `labels`; a regression's number is `value`.
 */
export interface Classification extends Answer {
  /** Tokens that were read. */
  tokens: number
  /** Whether the text was longer than the model takes, so that its end was left out. */
  truncated: boolean
}

export interface AdapterChoice {
  /** The adapter for all texts, or one for each. May be left out where there is only one, or none. */
  adapter?: string | readonly string[] | undefined
}

export interface ClassifyOptions extends AdapterChoice {
  /** Give the scores of so many labels, the likeliest first, instead of all by id. */
  topK?: number | undefined
}

/** Texts of any number and length, or a single one; results are in their order. */
export interface Classifier extends AsyncDisposable {
  /** Names of the adapters, in stack order; none if merged. */
  readonly adapters: readonly string[]
  /** Label names by id. @throws GraftError `adapter-index` for an adapter that is not there */
  labels(adapter?: string): readonly string[]
  /** What a text's labels are: one, several, or a number. @throws GraftError `adapter-index` for an adapter that is not there */
  task(adapter?: string): TaskSpec
  /**
   * The likeliest label of each text.
   * @throws GraftError `adapter-index` for an adapter that is not there, `usage` for what is no text, `runtime` where a score is no number
   * @example
   * const { label, score } = await classifier.classify('What a film!')
   * const results = await classifier.classify(['What a film!', 'Two wasted hours.'], { topK: 2 })
   */
  classify: OfTexts<Classification, ClassifyOptions>
  /** The logits [labels] of each text. @throws GraftError as `classify` */
  logits: OfTexts<Float32Array, AdapterChoice>
  /** Frees the model's memory; `await using` does so at the end of its block. */
  close(): Promise<void>
}

export interface ClassifierParts {
  session: Session
  encode: Encode
  config: ModelConfig
  /** What the session's graph classifies; its adapters are those of the session's stack. */
  model: Model
}

/** A classifier of its parts, whichever ONNX Runtime the session is of. */
export function createClassifier({ session, encode, config, model }: ClassifierParts): Classifier {
  const tasks = createTasks(model)

  function toRows(texts: readonly string[], { adapter }: AdapterChoice = {}): Row[] {
    const adapterOf = (at: number) => (typeof adapter === 'object' ? adapter[at] : adapter)
    return texts.map((text, at) => {
      const found = tasks.find(adapterOf(at))
      return { ...found, ...encode(text, found.maxLength) }
    })
  }

  async function run(rows: readonly Row[]): Promise<Float32Array[]> {
    const results: Float32Array[] = []
    for (const indices of toBatches(rows)) {
      const batch = indices.map((index) => rows[index]!) // indices into rows
      const { data, labels } = await session.run(
        padBatch(
          batch.map(({ ids }) => ids),
          padToken(config),
        ),
        batch.map(({ index }) => index),
      )
      for (const [at, { task }] of batch.entries()) {
        // Labels past the task's own are the stack's padding. There are as many indices as rows in the batch.
        results[indices[at]!] = data.slice(at * labels, at * labels + task.labels.length)
      }
    }
    return results
  }

  return {
    adapters: tasks.names,
    labels: (adapter) => tasks.find(adapter).task.labels,
    task: (adapter) => tasks.find(adapter).spec,
    logits: ofTexts(async (texts, choice) => run(toRows(texts, choice))),
    classify: ofTexts(async (texts, { topK, ...choice }) => {
      const rows = toRows(texts, choice)
      const logits = await run(rows)
      return rows.map((row, at) => describe(row, logits[at]!, topK)) // one for each row
    }),
    close: () => session.close(),
    [Symbol.asyncDispose]: () => session.close(),
  }
}

interface Row extends Encoded, FoundTask {}

/** Bound a batch's memory: attention takes heads · length² numbers a text. */
const MAX_ROWS = 32
const MAX_TOKENS = 4096

function toBatches(rows: readonly Row[]): number[][] {
  const lengths = rows.map(({ ids }) => ids.length)
  const longest = lengths.reduce((a, b) => Math.max(a, b), 1)
  return bucketBatches(lengths, { batchSize: Math.max(1, Math.min(MAX_ROWS, Math.floor(MAX_TOKENS / longest))) })
}

function describe({ task, ids, truncated }: Row, logits: Float32Array, topK?: number): Classification {
  const answer = task.answer(task.scores(logits))
  if (!Number.isFinite(answer.score)) throw notFinite()
  const scores = topK === undefined ? answer.scores : likeliest(answer.scores, topK)
  return { ...answer, scores, tokens: ids.length, truncated }
}

const notFinite = () =>
  new GraftError('runtime', 'the scores of a text are no numbers', {
    hint: "The model's weights are too large to compute with: train it again, at a lower learning rate.",
  })
