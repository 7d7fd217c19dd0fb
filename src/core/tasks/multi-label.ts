/** Each text has any number of labels: a sigmoid for each logit, and the labels whose score reaches their threshold. */
import { GraftError } from '../errors.ts'
import { type LabelPlace, createLabels, sortLabels } from '../labels.ts'
import { argMax } from '../metrics.ts'
import type { LabelFormat, Row, Task, TaskSpec } from '../task.ts'

const problemType = 'multi_label_classification' as const

/** Stored as a list in JSON, which any name may stand in: `["anger","fear"]`, and `[]` for none. */
export const labelLists: LabelFormat = {
  problemType,
  read(cell, place) {
    const names = (typeof cell === 'string' ? parseCell(cell, place) : cell).map((name) => name.trim())
    if (!names.includes('')) return JSON.stringify(sortLabels(names))
    throw wrongLabel('a label of the list is empty', cell, place)
  },
  names: (label) => parseCell(label, { file: 'a data set', line: 0 }),
  encoder(labels) {
    const { idOf } = createLabels(labels)
    return (label, place) => {
      const ids = new Set(parseCell(label, place).map((name) => idOf(name, place)))
      return labels.map((_, id) => Number(ids.has(id)))
    }
  },
}

/** A cell that is no list is the name of the only label; an empty one has none. */
function parseCell(cell: string, place: LabelPlace): string[] {
  const text = cell.trim()
  if (!text.startsWith('[')) return text === '' ? [] : [text]
  const list = parseJson(text)
  const isName = (value: unknown) => typeof value === 'string' || typeof value === 'number'
  if (Array.isArray(list) && list.every(isName)) return list.map(String)
  throw wrongLabel(`${text.slice(0, 60)} is no list of labels`, cell, place)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const wrongLabel = (problem: string, value: unknown, { file, line }: LabelPlace) =>
  new GraftError('data-label', `${file}, line ${line}: ${problem}`, {
    hint: 'Give a list of names in JSON, such as ["anger", "fear"], or names with a separator: --label-separator ";".',
    file,
    line,
    value,
  })

export const sigmoid = (logit: number): number => 1 / (1 + Math.exp(-logit))

/** The largest number below 1: a score that rounds to 1 counts as that, so that its logarithms stay finite. */
const BELOW_ONE = 1 - Number.EPSILON / 2

export const clamp = (score: number): number => Math.min(BELOW_ONE, Math.max(Number.MIN_VALUE, score))

const HALF = 0.5

/** For each label whether a text with such scores has it: 1 or 0. */
export const decide = ({ labels, thresholds = [] }: TaskSpec, scores: Row): number[] =>
  labels.map((_, id) => Number((scores[id] ?? NaN) >= (thresholds[id] ?? HALF)))

export function createMultiLabel(spec: TaskSpec): Task {
  const { labels, thresholds = labels.map(() => HALF) } = spec
  return {
    problemType,
    labels,
    thresholds,
    scores: (logits, temperature = 1) => Float64Array.from(logits, (logit) => sigmoid(logit / temperature)),
    logitsOf: (scores) => Float64Array.from(scores, (score) => Math.log(clamp(score)) - Math.log(1 - clamp(score))),
    answer(scores) {
      const all = labels.map((label, id) => ({ label, score: scores[id] ?? NaN }))
      const has = decide(spec, scores)
      return { ...all[argMax(scores)]!, scores: all, labels: labels.filter((_, id) => has[id] === 1) } // one score for each label
    },
  }
}
