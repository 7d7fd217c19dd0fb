/** What the pool's answers mean to requests and to the registry. */
import type { Job } from './pool.ts'
import type { PreparedAdapter } from './prepare.ts'
import type { Answer, Row } from './protocol.ts'
import type { QueuedText } from './request.ts'
import type { ServiceObserver } from './service.ts'

const toRow = ({ text, slot, maxLength, truncate }: QueuedText): Row => ({ text, slot, maxLength, truncate })

const unexpected = (task: string, answer: Answer) => new Error(`a worker answered "${task}" with "${answer.type}"`)

/** @param texts of one model; no job where there are none */
export function toJob(texts: readonly QueuedText[], observer: ServiceObserver): Job | undefined {
  const [first] = texts
  if (!first) return undefined
  const { model } = first
  for (const { since } of texts) observer.onDequeue?.((performance.now() - since) / 1000)
  return {
    task: { type: 'run', model, rows: texts.map(toRow) },
    done(answer) {
      if (answer.type !== 'done') throw unexpected('run', answer)
      const { work } = answer.result
      if (work.rows > 0) observer.onBatch?.({ model, ...work })
      for (const [row, text] of texts.entries()) text.onResult(answer.result, row)
    },
    failed: (error) => texts.forEach((text) => text.onError(error)),
  }
}

export function preparedAdapter(answer: Answer): PreparedAdapter {
  if (answer.type === 'prepared') return answer.adapter
  throw unexpected('prepare', answer)
}
