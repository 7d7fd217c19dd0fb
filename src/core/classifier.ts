/** Classifies texts with a bundle's graph, merged or with adapters, in batches of similar lengths. */
import { bucketBatches, padBatch } from './batch.ts'
import { type Model, type Task, createTasks } from './classifier/tasks.ts'
import type { GPT2Config } from './config.ts'
import { type Encode, type Encoded, padToken } from './encoder.ts'
import { argMax, softmax } from './metrics.ts'
import type { Session } from './session.ts'

export type { Model } from './classifier/tasks.ts'

export interface LabelScore {
  label: string
  /** Probability of the label. */
  score: number
}

/** What a text is, as Hugging Face's text classification says it, and the whole distribution. */
export interface Classification extends LabelScore {
  /** Every label's probability, by id. */
  scores: LabelScore[]
  /** Tokens that were read. */
  tokens: number
  /** Whether the text was longer than the model takes, so that its end was left out. */
  truncated: boolean
}

export interface AdapterChoice {
  /** The adapter for all texts, or one for each. May be left out where there is only one, or none. */
  adapter?: string | readonly string[] | undefined
}

/** Texts of any number and length; results are in their order. An adapter that is not there is an `adapter-index` error. */
export interface Classifier {
  /** Names of the adapters, in stack order; none if merged. */
  readonly adapters: readonly string[]
  /** Label names by id. */
  labels(adapter?: string): readonly string[]
  classify(texts: readonly string[], choice?: AdapterChoice): Promise<Classification[]>
  /** The logits [labels] of each text. */
  logits(texts: readonly string[], choice?: AdapterChoice): Promise<Float32Array[]>
  close(): Promise<void>
}

export interface ClassifierParts {
  session: Session
  encode: Encode
  config: GPT2Config
  /** What the session's graph classifies; its adapters are those of the session's stack. */
  model: Model
}

/** A classifier of its parts, whichever ONNX Runtime the session is of. */
export function createClassifier({ session, encode, config, model }: ClassifierParts): Classifier {
  const tasks = createTasks(model)

  function toRows(texts: readonly string[], { adapter }: AdapterChoice = {}): Row[] {
    const adapterOf = (at: number) => (typeof adapter === 'object' ? adapter[at] : adapter)
    return texts.map((text, at) => {
      const { task, index } = tasks.find(adapterOf(at))
      return { task, index, ...encode(text, task.maxLength) }
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
    logits: (texts, choice) => run(toRows(texts, choice)),
    async classify(texts, choice) {
      const rows = toRows(texts, choice)
      const logits = await run(rows)
      return rows.map((row, at) => describe(row, logits[at]!)) // one for each row
    },
    close: () => session.close(),
  }
}

interface Row extends Encoded {
  task: Task
  /** The task's place in the stack of adapters. */
  index: number
}

/** Bound a batch's memory: attention takes n_head · length² numbers a text. */
const MAX_ROWS = 32
const MAX_TOKENS = 4096

function toBatches(rows: readonly Row[]): number[][] {
  const lengths = rows.map(({ ids }) => ids.length)
  const longest = lengths.reduce((a, b) => Math.max(a, b), 1)
  return bucketBatches(lengths, { batchSize: Math.max(1, Math.min(MAX_ROWS, Math.floor(MAX_TOKENS / longest))) })
}

function describe({ task, ids, truncated }: Row, logits: Float32Array): Classification {
  const probabilities = softmax(logits)
  const scores = task.labels.map((label, id) => ({ label, score: probabilities[id] ?? 0 }))
  return { ...scores[argMax(probabilities)]!, scores, tokens: ids.length, truncated } // one score for each probability
}
