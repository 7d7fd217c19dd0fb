/** Reads whole files, with errors that say what is wrong and which command makes such a file. */
import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { GraftError } from '../core/errors.ts'
import { recoverForReading } from './recover.ts'
import { hintOf, isSystemError, reasonOf } from './system-error.ts'

/** What a failure to read `path` is to a user. */
export function readError(error: unknown, path: string, hint = 'Check the path.'): GraftError {
  if (isSystemError(error) && error.code === 'ENOENT') {
    return new GraftError('file-not-found', `${path} does not exist`, { hint, file: path, cause: error })
  }
  const reason = isSystemError(error) ? reasonOf(error) : String(error)
  const better = isSystemError(error) ? hintOf(error) : undefined
  return new GraftError('file-read', `cannot read ${path}: ${reason}`, {
    hint: better ?? hint,
    file: path,
    cause: error,
  })
}

/**
 * Whether a file that was not found is there after all, since its folder was being replaced.
 * @throws GraftError `file-read` where the replacement was interrupted and cannot be ended
 */
export const isThereNow = async (error: unknown, path: string): Promise<boolean> =>
  isSystemError(error) && error.code === 'ENOENT' && recoverForReading(dirname(path))

/**
 * A file's bytes.
 * @param hint which command makes such a file
 * @throws GraftError `file-not-found`, `file-read`
 */
export async function readBytes(path: string, hint?: string): Promise<Uint8Array> {
  const failed = (error: unknown) => {
    throw readError(error, path, hint)
  }
  return readFile(path).catch(async (error: unknown) =>
    (await isThereNow(error, path)) ? readFile(path).catch(failed) : failed(error),
  )
}

/** 1-based line of the position that V8's message names. */
function lineOf(text: string, message: string): number | undefined {
  const position = /position (\d+)/.exec(message)?.[1]
  return position === undefined ? undefined : text.slice(0, Number(position)).split('\n').length
}

/**
 * A JSON file's value, unchecked.
 * @param hint which command makes such a file
 * @throws GraftError `file-not-found`, `file-read`; `file-format` where it is not UTF-8 or not JSON
 */
export async function readJson(path: string, hint?: string): Promise<unknown> {
  const bytes = await readBytes(path, hint)
  let text = ''
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return JSON.parse(text)
  } catch (error) {
    const message = error instanceof SyntaxError ? error.message : 'it is not UTF-8'
    const line = lineOf(text, message)
    throw new GraftError(
      'file-format',
      `${path}${line === undefined ? '' : `, line ${line}`} is not JSON: ${message}`,
      {
        hint: hint ?? 'Repair the file, or make it again.',
        file: path,
        line,
        cause: error,
      },
    )
  }
}
