/** What the operating system says about a failed file operation, for error messages. */
import { getSystemErrorMap } from 'node:util'

interface SystemError extends Error {
  /** `ENOSPC`, `EACCES`, … */
  code: string
  errno: number
}

/** Whether an error comes from the operating system, not from a program's own mistake. */
export const isSystemError = (error: unknown): error is SystemError =>
  error instanceof Error && 'errno' in error && typeof error.errno === 'number' && 'code' in error

/** The reason in the system's words: "no space left on device". */
export const reasonOf = (error: SystemError): string => getSystemErrorMap().get(error.errno)?.[1] ?? error.message
