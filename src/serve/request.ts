/** One request between its acceptance and its answer: its texts in the queue, its deadline, its client. */
import { GraftError } from '../core/errors.ts'
import type { Task } from '../core/task.ts'
import { createTask } from '../core/tasks.ts'
import type { Row, RunResult } from './protocol.ts'
import type { Queue, Waiting } from './queue.ts'
import type { Lease } from './registry.ts'
import type { ClassifiedText, ClassifyRequest, ClassifyResult } from './service.ts'

/** A text in the queue. */
export interface QueuedText extends Waiting, Row {
  /** The worker's answer, and this text's row in it. */
  onResult(result: RunResult, row: number): void
  onError(error: GraftError): void
  /** The text needs its adapter no longer. */
  leave(): void
}

export interface Submission {
  request: ClassifyRequest
  /** What the request uses; it may have to come back from disk first. */
  leased: Promise<Lease>
  queue: Queue<QueuedText>
  /** Tokens after which the model's positions end. */
  positions: number
  /** The texts are in the queue. */
  onQueued(): void
}

/**
 * Queues a request's texts. Its deadline and its client's leaving end the wait for the adapter too.
 * @throws GraftError `serve-timeout`, `serve-too-long`, `interrupted` (the client is gone), `runtime` (no number), and what `leased` and workers throw
 */
export function submit({ request, leased, queue, positions, onQueued }: Submission): Promise<ClassifyResult> {
  const { model, texts, truncate, signal, deadline = Infinity } = request
  const results: ClassifiedText[] = []
  /** Texts in the queue or with a worker: as long as there are any, they need the adapter's slot. */
  const open = new Set<QueuedText>()
  let missing = texts.length
  let settled = false

  return new Promise<ClassifyResult>((resolve, reject) => {
    function settle(): void {
      settled = true
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      for (const text of open) if (queue.remove(text)) text.leave()
    }

    function fail(error: GraftError): void {
      settle()
      reject(error)
    }

    function toQueued(text: string, index: number, lease: Lease, task: Task): QueuedText {
      const maxLength = Math.min(lease.maxLength, positions)
      const queued: QueuedText = {
        model,
        text,
        truncate,
        maxLength,
        slot: lease.slot,
        since: performance.now(),
        tokens: estimateTokens(text, maxLength),
        leave: () => open.delete(queued) && open.size === 0 && lease.release(),
        onResult(result, row) {
          queued.leave()
          if (result.truncated[row] && !truncate) return fail(tooLong(index, maxLength))
          const described = describe(result, row, task)
          if (!Number.isFinite(described.score)) return fail(notFinite(model, lease.adapter))
          results[index] = described
          if (--missing > 0) return
          settle()
          resolve({ model, adapter: lease.adapter, version: lease.version, results })
        },
        onError(error) {
          queued.leave()
          fail(error)
        },
      }
      return queued
    }

    const onAbort = () => fail(clientGone())
    const timer = setTimeout(() => fail(tooLate()), Math.min(deadline - performance.now(), MAX_TIMER_MS))
    signal?.addEventListener('abort', onAbort)
    if (signal?.aborted) onAbort()
    leased.then((lease) => {
      if (settled) return lease.release()
      const task = createTask(lease)
      for (const [index, text] of texts.entries()) open.add(toQueued(text, index, lease, task))
      open.forEach(queue.add)
      onQueued()
    }, fail)
  })
}

/** The longest that `setTimeout` takes; it would not wait at all for more. */
const MAX_TIMER_MS = 2 ** 31 - 1

/** English has about 3.5 characters a GPT-2 token. Only batches are made by this: the worker counts anew. */
const estimateTokens = (text: string, maxLength: number) => Math.min(maxLength, Math.ceil(text.length / 3.5))

function describe({ logits, labels, tokens, truncated }: RunResult, row: number, task: Task): ClassifiedText {
  // Labels past the adapter's own are the stack's padding. One count for each row.
  const own = logits.subarray(row * labels, row * labels + task.labels.length)
  return { ...task.answer(task.scores(own)), tokens: tokens[row]!, truncated: truncated[row]! }
}

const tooLong = (index: number, maxLength: number) =>
  new GraftError('serve-too-long', `text ${index + 1} has more than the ${maxLength} tokens that are read`, {
    hint: 'Send a shorter text, or allow that it is cut.',
    value: index,
  })

const notFinite = (model: string, adapter: string | undefined) =>
  new GraftError(
    'runtime',
    `model ${model}${adapter ? `, adapter ${adapter}` : ''}: the scores of a text are no numbers`,
    {
      hint: 'Its weights are too large to compute with: train it again, at a lower learning rate.',
    },
  )

const tooLate = () =>
  new GraftError('serve-timeout', 'the deadline passed before all texts were classified', {
    hint: 'Send fewer texts at a time, or allow more time.',
  })

const clientGone = () =>
  new GraftError('interrupted', 'the client is gone', { hint: 'Nothing is to be done: nobody waits for the answer.' })
