/** The one error type of the product: a stable code for programs, a message and a hint for people. */

/** Every code that Graft reports. Codes are stable: scripts may match on them. */
export type ErrorCode =
  | 'usage'
  | 'file-not-found'
  | 'file-exists'
  | 'file-locked'
  | 'file-empty'
  | 'file-binary'
  | 'file-encoding'
  | 'file-format'
  | 'file-read'
  | 'file-write'
  | 'data-column'
  | 'data-label'
  | 'data-one-class'
  | 'data-split'
  | 'data-row'
  | 'text-empty'
  | 'safetensors'
  | 'config'
  | 'corpus'
  | 'weights'
  | 'adapter'
  | 'adapter-base'
  | 'adapter-index'
  | 'bundle'
  | 'parity'
  | 'precision'
  | 'checkpoint'
  | 'loss-not-finite'
  | 'trace'
  | 'trace-kernel'
  | 'trace-read'
  | 'network'
  | 'checksum'
  | 'interrupted'
  | 'serve-adapter'
  | 'serve-closed'
  | 'serve-model'
  | 'serve-overloaded'
  | 'serve-timeout'
  | 'serve-too-long'
  | 'serve-worker'
  | 'browser'
  | 'device'
  | 'memory'
  | 'runtime'

export interface ErrorDetails {
  /** What the user can do about it, one sentence in the imperative. */
  hint: string
  /** The file at fault, as the user named it. */
  file?: string
  /** 1-based line in `file`. */
  line?: number
  /** The value at fault. */
  value?: unknown
  cause?: unknown
}

/**
 * An error that a user can act on. The message names file, line and value itself, so it can be shown alone;
 * the fields repeat them for programs (`--json`).
 */
export class GraftError extends Error {
  readonly code: ErrorCode
  readonly hint: string
  readonly file: string | undefined
  readonly line: number | undefined
  readonly value: unknown

  constructor(code: ErrorCode, message: string, { hint, file, line, value, cause }: ErrorDetails) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'GraftError'
    this.code = code
    this.hint = hint
    this.file = file
    this.line = line
    this.value = value
  }

  toJSON() {
    const { code, message, hint, file, line, value } = this
    return { code, message, hint, file, line, value }
  }
}
