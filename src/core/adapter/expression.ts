/**
 * Regular expressions for the names of layers, as a user or PEFT writes them: those that Python's `re` and RE2 read alike
 * (https://github.com/google/re2/wiki/Syntax). RE2 takes time in proportion to the name, whatever the expression is.
 */
import { GraftError } from '../errors.ts'
import type { Compiled } from './re2.ts'

/** What Python refuses, or reads otherwise than RE2. */
const FOREIGN = /\\[QEpPzC]|\\x\{|\{,|\(\?<(?![=!])|\[\[:|\(\?[a-zA-Z]*U/

/** Characters that an expression may have. */
const LONGEST = 2_000
/** Instructions for each character of it; what repeats a part a thousand times has more. */
const DENSITY = 3
/** Instructions that any expression may have. */
const SPARE = 40

const HINT =
  'Write it without lookarounds, backreferences and the like, as Python and RE2 both read it, or list the names of the layers.'

export interface ExpressionOptions {
  /** Where it stands, for errors: `target_modules`. */
  field: string
  /** The file that it stands in. */
  file?: string | undefined
  /** Makes of the user's text what is to be matched. */
  wrap?: (source: string) => string
}

/**
 * Compiles an expression.
 * @throws GraftError `usage`, or `adapter` with a file, naming what is not supported in it
 */
export async function compileExpression(
  source: string,
  { field, file, wrap = (text) => text }: ExpressionOptions,
): Promise<Compiled> {
  const fail = (problem: string, cause?: unknown) => {
    const place = file === undefined ? field : `${file}: ${field}`
    const shown = source.length > 200 ? `${source.slice(0, 200)}…` : source
    return new GraftError(file === undefined ? 'usage' : 'adapter', `${place} ${JSON.stringify(shown)}: ${problem}`, {
      hint: HINT,
      ...(file !== undefined && { file }),
      value: shown,
      cause,
    })
  }
  if (source.length > LONGEST) throw fail(`it has ${source.length} characters, and ${LONGEST} are allowed`)
  const foreign = FOREIGN.exec(source)?.[0]
  if (foreign !== undefined) throw fail(`\`${foreign}\` is not supported: Python has it not, or for something else`)
  const { compile } = await import('./re2.ts')
  const compiled = attempt(() => compile(wrap(source)))
  if (compiled instanceof Error) throw fail(reasonOf(compiled, wrap(source)), compiled)
  if (compiled.size > DENSITY * source.length + SPARE) throw fail('it repeats too much too often')
  return compiled
}

function attempt<T>(run: () => T): T | Error {
  try {
    return run()
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

/** RE2's words without a repetition of the whole expression. */
const reasonOf = ({ message }: Error, source: string): string =>
  message.replace('error parsing regexp: ', '').replace(`: \`${source}\``, '').slice(0, 200)
