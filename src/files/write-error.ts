/** What a failure to write is to a user. */
import { GraftError } from '../core/errors.ts'
import { hintOf, isSystemError, reasonOf } from './system-error.ts'

/** System errors become GraftErrors that name the path; others stay as they are. */
export function writeError(error: unknown, path: string): unknown {
  if (!isSystemError(error)) return error
  return new GraftError('file-write', `cannot write ${path}: ${reasonOf(error)}`, {
    hint: hintOf(error) ?? 'Choose an output path that you can write to.',
    file: path,
    cause: error,
  })
}
