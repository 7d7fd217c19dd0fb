/** Texts that wait for a worker, by model and length, so that batches hold little padding. */

/** What the queue has to know of a text. */
export interface Waiting {
  model: string
  /** About how many tokens it has. */
  tokens: number
  /** `performance.now()` when it came. */
  since: number
}

export interface QueueOptions {
  /** Most tokens of a batch, padding included. */
  maxBatchTokens: number
  /** How long a text may wait for a batch to fill up while a worker is free. */
  maxWaitMs: number
}

export interface Queue<T extends Waiting> {
  readonly size: number
  add(text: T): void
  /** Drops a text; false if it is not in the queue. */
  remove(text: T): boolean
  /** Takes texts of one model and of similar lengths, the longest waiting among them. None if all may wait. */
  next(): T[]
}

/** Bounds a batch's memory where texts are very short: each row has a copy of its adapter. */
const MAX_ROWS = 32

/** Lengths within a factor of two share a bucket; what padding that leaves, the worker splits off. */
const bucketOf = ({ model, tokens }: Waiting) => `${Math.ceil(Math.log2(Math.max(1, tokens)))} ${model}`

export function createQueue<T extends Waiting>({ maxBatchTokens, maxWaitMs }: QueueOptions): Queue<T> {
  /** Sets keep the order of arrival, and drop a text wherever it is without a search. */
  const buckets = new Map<string, Set<T>>()
  let size = 0

  function remove(text: T): boolean {
    const key = bucketOf(text)
    const bucket = buckets.get(key)
    if (!bucket?.delete(text)) return false
    if (bucket.size === 0) buckets.delete(key)
    size--
    return true
  }

  function batchOf(bucket: Iterable<T>): T[] {
    const batch: T[] = []
    let longest = 0
    for (const text of bucket) {
      longest = Math.max(longest, text.tokens)
      if (batch.length > 0 && (batch.length === MAX_ROWS || (batch.length + 1) * longest > maxBatchTokens)) break
      batch.push(text)
    }
    return batch
  }

  /** Whether more texts could still join, and there is time. A timer may be a millisecond early. */
  const mayWait = (batch: T[], bucket: Set<T>) =>
    batch.length === bucket.size && performance.now() - (batch[0]?.since ?? 0) < maxWaitMs - 1

  return {
    get size() {
      return size
    },
    add(text) {
      const key = bucketOf(text)
      const bucket = buckets.get(key) ?? new Set()
      buckets.set(key, bucket.add(text))
      size++
    },
    remove,
    next() {
      const bucket = [...buckets.values()].reduce<Set<T> | undefined>(older, undefined)
      if (!bucket) return []
      const batch = batchOf(bucket)
      if (mayWait(batch, bucket)) return []
      batch.forEach(remove)
      return batch
    },
  }
}

/** The bucket whose first text came first; none is empty. */
function older<T extends Waiting>(a: Set<T> | undefined, b: Set<T>): Set<T> {
  const [first] = a ?? []
  const [second] = b
  return a && first && second && first.since <= second.since ? a : b
}
