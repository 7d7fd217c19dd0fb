/** Answers that are no numbers, as weights or an `lora_alpha` beyond float32 give, are found before a model or an adapter is served. */
import { GraftError } from '../core/errors.ts'
import type { Answer, RunMessage } from './protocol.ts'

export interface ProbeSubject {
  /** The model or the adapter, named in errors. */
  name: string
  slot: number
  labels: readonly string[]
  maxLength: number
}

export interface ProbeOptions {
  model: string
  /** One or more. */
  texts: readonly string[]
  /** Nothing where there are no workers yet. */
  run(task: RunMessage): Promise<Answer> | undefined
}

/**
 * Classifies the texts with each subject.
 * @throws GraftError `adapter` for logits that are NaN or infinite, and what running throws
 */
export async function probe(subjects: readonly ProbeSubject[], { model, texts, run }: ProbeOptions): Promise<void> {
  const rows = subjects.flatMap((subject) => texts.map((text) => ({ subject, text })))
  if (rows.length === 0) return
  const answer = await run({
    type: 'run',
    model,
    rows: rows.map(({ subject: { slot, maxLength }, text }) => ({ text, slot, maxLength, truncate: true })),
  })
  // Before there are workers nothing is served: all is tried once they are up.
  if (!answer) return
  if (answer.type !== 'done') throw new Error(`a worker answered "run" with "${answer.type}"`)
  const { logits, labels } = answer.result
  for (const [row, { subject, text }] of rows.entries()) {
    const own = logits.subarray(row * labels, row * labels + subject.labels.length)
    if (!own.every(Number.isFinite)) throw notFinite(subject.name, text, own)
  }
}

const notFinite = (name: string, text: string, logits: Float32Array) =>
  new GraftError('adapter', `${name} gives ${logits.join(', ')} as logits of ${JSON.stringify(text)}`, {
    hint: 'Its weights or its lora_alpha are too large to compute with: train it again, at a lower learning rate.',
    file: name,
  })
