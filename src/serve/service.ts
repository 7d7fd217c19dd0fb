/**
 * What the HTTP side (`app.ts`) asks of the inference side (`inference.ts`). The app is a function of this interface, so
 * it can be tested without a port, and inference without HTTP.
 */
import type { AdapterFiles } from '../core/adapter.ts'
import type { Answer, TaskSpec } from '../core/task.ts'

export interface ClassifyRequest {
  model: string
  /** Needed for an unmerged model with more than one adapter. */
  adapter?: string | undefined
  texts: readonly string[]
  /** Cut texts that are longer than the model takes (true), or refuse them (false). */
  truncate: boolean
  /** Aborted when the client is gone: what has not started is dropped from the queue. */
  signal?: AbortSignal | undefined
  /** `performance.now()` after which an answer is of no use. */
  deadline?: number | undefined
}

export interface ClassifiedText extends Answer {
  /** Tokens that were read. */
  tokens: number
  /** Whether the text was longer, so that its end was left out. */
  truncated: boolean
}

export interface ClassifyResult {
  model: string
  adapter?: string | undefined
  /** The version that answered: a SHA-256 of the adapter's weights, configuration, labels and length, or of the merged graph. */
  version: string
  results: ClassifiedText[]
}

export interface AdapterStatus extends TaskSpec {
  name: string
  /** A SHA-256 of its weights, configuration, labels and length together. */
  version: string
  maxLength: number
  /** Whether it is in memory; one that was evicted comes back from disk when it is asked for. */
  resident: boolean
}

/** What adding or replacing an adapter gives. */
export interface AdapterChange extends AdapterStatus {
  /** Whether there was none of that name. */
  created: boolean
}

/** What it answers with is of a merged model; of others, of their adapters. */
export interface ModelStatus extends Partial<TaskSpec> {
  name: string
  kind: 'merged' | 'unmerged'
  ready: boolean
  maxLength: number
  adapters: AdapterStatus[]
}

/** What happened, for metrics. */
export interface ServiceObserver {
  /** A batch was run. */
  onBatch?(batch: { model: string; rows: number; tokens: number; paddedTokens: number; seconds: number }): void
  /** A text left the queue after so many seconds. */
  onDequeue?(seconds: number): void
}

/** Failures are GraftErrors; `app.ts` maps their codes to HTTP statuses. */
export interface InferenceService {
  models(): ModelStatus[]
  /** Whether requests can be answered: a worker is up and not stuck, and `close` was not called. */
  ready(): boolean
  /** Texts waiting. */
  queueSize(): number
  /** Seconds in which the workers, as fast as of late, work off what is waiting. */
  queueSeconds(): number
  /**
   * @throws GraftError `serve-model` or `serve-adapter` (unknown), `usage` (none is named, and there are several),
   *   `serve-overloaded`, `serve-timeout`, `serve-closed` (or no worker is up), `serve-too-long` (truncate: false), `text-empty`;
   *   `interrupted` (the client is gone), `serve-worker` (a worker died or was stuck, twice), `runtime` (the answer is no number), `bundle`
   *   (ONNX Runtime failed)
   */
  classify(request: ClassifyRequest): Promise<ClassifyResult>
  /** Adds or replaces an adapter, atomically: requests that were resolved to an older version finish with it. */
  putAdapter(model: string, name: string, files: AdapterFiles): Promise<AdapterChange>
  /** The same from a folder inside the adapter directory; without one, from the folder that the adapter came from. */
  loadAdapter(model: string, name: string, folder?: string): Promise<AdapterChange>
  removeAdapter(model: string, name: string): Promise<void>
  /** Refuses new requests, finishes accepted ones, ends the workers. */
  close(): Promise<void>
}
