/** What the command line says and returns when a command fails. */
import { inspect } from 'node:util'
import { CommanderError } from 'commander'
import pc from 'picocolors'
import { GraftError } from '../core/errors.ts'
import { hintOf, isSystemError, reasonOf } from '../files/system-error.ts'
import { exitCodeOf, isStopSignal } from './interrupt.ts'

export interface Failure {
  /** Text for stderr; empty where it was printed already. */
  text: string
  /** What `--json` puts on stdout under `error`. */
  document: { code: string; message: string; hint: string }
  exitCode: number
}

const exitCodes: Partial<Record<string, number>> = { usage: 2, interrupted: 130 }

const exitCode = ({ code, value }: GraftError): number =>
  isStopSignal(value) ? exitCodeOf(value) : (exitCodes[code] ?? 1)

/** A failure of the system that no command has named: still no defect of Graft's. */
function asGraftError(error: unknown): unknown {
  if (!isSystemError(error)) return error
  const { syscall = 'use', path = 'a file' } = error
  return new GraftError(
    isReading(syscall) ? 'file-read' : 'file-write',
    `cannot ${syscall} ${path}: ${reasonOf(error)}`,
    {
      hint: hintOf(error) ?? 'Check the path and its permissions.',
      ...(error.path !== undefined && { file: error.path }),
      cause: error,
    },
  )
}

const isReading = (syscall: string) => /^(open|read|stat|lstat|scandir|opendir|readlink|realpath|access)/.test(syscall)

const format = (message: string, hint: string): string =>
  `${pc.red('error:')} ${message}\n${hint && `${pc.cyan('hint:')} ${hint}\n`}`

/** Wrong usage: commander has printed the message and the usage line already. */
function usageFailure(error: CommanderError): Failure {
  const message = error.message.replace(/^error: /, '')
  return { text: '', document: { code: 'usage', message, hint: 'See `graft --help`.' }, exitCode: 2 }
}

function unexpectedFailure(error: unknown): Failure {
  const message = `unexpected error: ${error instanceof Error ? error.message : String(error)}`
  const hint = 'This is a defect in Graft. Run the command again with --debug, and report what it prints.'
  return { text: format(message, hint), document: { code: 'unexpected', message, hint }, exitCode: 1 }
}

/**
 * Describes a command's failure; undefined where nothing failed, as after `--help`.
 * @param debug put the stack, the cause and all fields in the text
 */
export function describeFailure(thrown: unknown, { debug = false } = {}): Failure | undefined {
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? undefined : usageFailure(thrown)
  const error = asGraftError(thrown)
  const failure =
    error instanceof GraftError
      ? {
          text: format(error.message, error.hint),
          document: error.toJSON(),
          exitCode: exitCode(error),
        }
      : unexpectedFailure(error)
  return debug ? { ...failure, text: `${failure.text}${inspect(error)}\n` } : failure
}
