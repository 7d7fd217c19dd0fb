/** Reads whole files, with errors that say what is wrong and which command makes such a file. */
import { readFile } from 'node:fs/promises'
import { GraftError } from '../core/errors.ts'
import { isSystemError, reasonOf } from './system-error.ts'

/** What a failure to read `path` is to a user. */
export function readError(error: unknown, path: string, hint = 'Check the path.'): GraftError {
  if (isSystemError(error) && error.code === 'ENOENT') {
    return new GraftError('file-not-found', `${path} does not exist`, { hint, file: path, cause: error })
  }
  const reason = isSystemError(error) ? reasonOf(error) : String(error)
  return new GraftError('file-read', `cannot read ${path}: ${reason}`, { hint, file: path, cause: error })
}

/**
 * A file's bytes.
 * @param hint which command makes such a file
 * @throws GraftError `file-not-found`, `file-read`
 */
export async function readBytes(path: string, hint?: string): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (error) {
    throw readError(error, path, hint)
  }
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
