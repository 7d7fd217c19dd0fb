/** What the main thread and its workers say to each other. */
import type { ModelConfig } from '../core/family.ts'
import type { TokenizerSource } from '../core/tokenizer.ts'
import { type ErrorCode, GraftError } from '../core/errors.ts'
import type { AdapterRequirements, PreparedAdapter, Unprepared } from './prepare.ts'

/** A model as a worker opens it. */
export interface WorkerModel {
  name: string
  /**
   * The ONNX file, in shared memory: it is there for every worker, and for one that replaces another later. Its path where the
   * weights lie beside it.
   */
  graph: string | Uint8Array
  config: ModelConfig
  tokenizer: TokenizerSource
  /** Columns of the logits: the model's labels, or the most that an adapter may have. */
  labels: number
  /** Shapes of the stack of adapters by input name, `[slots, …]`; none if merged. */
  stack?: ReadonlyMap<string, number[]> | undefined
  /** The slots that are in use, and their memory. */
  slots: ReadonlyMap<number, Float32Array>
  /** What an adapter has to fit; none if merged. */
  requirements?: AdapterRequirements | undefined
}

export interface WorkerData {
  models: WorkerModel[]
  /** Most tokens of a batch, padding included. */
  maxBatchTokens: number
  /** Of `runtime-mark.ts`: says when the worker must not be ended. */
  runtimeMark: Int32Array
}

/** A text on its way through a worker. */
export interface Row {
  text: string
  /** The adapter's place in the stack; 0 if merged. */
  slot: number
  /** Tokens after which the text is cut. */
  maxLength: number
  /** Whether it may be cut; one that may not and is longer is not classified. */
  truncate: boolean
}

export interface RunMessage {
  type: 'run'
  model: string
  rows: Row[]
}

/**
 * Checks an adapter and writes it into a slot: milliseconds that the main thread does not have. Files and slot are in
 * shared memory, which costs that thread neither a copy nor garbage.
 */
export interface PrepareMessage extends Unprepared {
  type: 'prepare'
  model: string
}

/** Fills a slot. It precedes every `run` that uses the slot, and messages arrive in order. */
export interface SlotMessage {
  type: 'slot'
  model: string
  slot: number
  /** In memory that threads share. */
  memory: Float32Array
}

/** Ends the worker after what it was told before. */
export interface CloseMessage {
  type: 'close'
}

/** What a worker answers, one at a time. */
export type Task = RunMessage | PrepareMessage

export type ToWorker = Task | SlotMessage | CloseMessage

export interface RunResult {
  /** [rows, labels], row-major; zeros for a row that was not classified. */
  logits: Float32Array
  labels: number
  /** Tokens read of each row. */
  tokens: number[]
  /** Whether a row's text was longer. */
  truncated: boolean[]
  /** Of the rows that were classified. */
  work: Work
}

export interface Work {
  rows: number
  tokens: number
  /** The same with padding. */
  paddedTokens: number
  seconds: number
}

/** An error as it crosses threads, where classes are lost. */
export interface Failure {
  code: ErrorCode
  message: string
  hint: string
}

export type Answer = { type: 'done'; result: RunResult } | { type: 'prepared'; adapter: PreparedAdapter }

export type FromWorker =
  | { type: 'ready' }
  | { type: 'start-failed'; failure: Failure }
  | Answer
  | { type: 'failed'; failure: Failure }

export function toFailure(error: unknown): Failure {
  if (error instanceof GraftError) return { code: error.code, message: error.message, hint: error.hint }
  return { code: 'runtime', message: `inference failed: ${String(error)}`, hint: 'Look for the cause in the log.' }
}

export const fromFailure = ({ code, message, hint }: Failure): GraftError => new GraftError(code, message, { hint })

/** Bytes that threads share instead of copying: a copy, unless they are that already. */
export function shareBytes(bytes: Uint8Array): Uint8Array {
  if (bytes.buffer instanceof SharedArrayBuffer) return bytes
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.byteLength))
  shared.set(bytes)
  return shared
}
