/** Each text has a number: the logit is the answer. */
import { GraftError } from '../errors.ts'
import type { LabelPlace } from '../labels.ts'
import type { LabelFormat, Row, Task, TaskSpec } from '../task.ts'

const problemType = 'regression' as const

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

export const numbers: LabelFormat = {
  problemType,
  read: (cell, place) => String(parseNumber(cell, place)),
  names: () => [],
  encoder: () => parseNumber,
}

function parseNumber(cell: string | readonly string[], { file, line }: LabelPlace): number {
  const text = typeof cell === 'string' ? cell.trim() : ''
  const value = NUMBER.test(text) ? Number(text) : NaN
  if (Number.isFinite(value)) return value
  const problem = text === '' ? 'there is no number' : `${JSON.stringify(text)} is no number`
  throw new GraftError('data-label', `${file}, line ${line}: ${problem}`, {
    hint: 'Give each row a number, with a point before its decimals: 3.5.',
    file,
    line,
    value: cell,
  })
}

/** The number of a text's scores. */
export const valueOf = (scores: Row | undefined): number => scores?.[0] ?? NaN

export function createRegression({ labels }: TaskSpec): Task {
  const [label = 'value'] = labels
  return {
    problemType,
    labels,
    scores: (logits, temperature = 1) => Float64Array.from(logits, (logit) => logit / temperature),
    logitsOf: (scores) => Float64Array.from(scores),
    answer(scores) {
      const value = valueOf(scores)
      return { label, score: value, scores: [{ label, score: value }], value }
    },
  }
}
