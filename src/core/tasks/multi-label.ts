/** Each text has any number of labels: a sigmoid for each logit, and the labels whose score reaches their threshold. */
import { calibrationOf } from '../calibration.ts'
import { GraftError } from '../errors.ts'
import { type LabelPlace, createLabels, sortLabels } from '../labels.ts'
import { argMax } from '../metrics.ts'
import { bestThreshold, columnOf, evaluateMultiLabel } from '../metrics/multi-label.ts'
import type { Row, Target, Task, TaskKind, TaskSpec } from '../task.ts'
import { fitTemperature } from '../temperature.ts'

const problemType = 'multi_label_classification' as const

/** Stored as a list in JSON, which any name may stand in: `["anger","fear"]`, and `[]` for none. */
export const multiLabel: TaskKind = {
  problemType,
  read(cell, place) {
    const names = (typeof cell === 'string' ? parseCell(cell, place) : cell).map((name) => name.trim())
    if (!names.includes('')) return JSON.stringify(sortLabels(names))
    throw wrongLabel('a label of the list is empty', cell, place)
  },
  names: (label) => parseCell(label, { file: 'a data set', line: 0 }),
  create: createMultiLabel,
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

/** In the order of stored labels. */
const listed = (names: readonly string[]) => names.toSorted().join(', ') || '(none)'

const sigmoid = (logit: number): number => 1 / (1 + Math.exp(-logit))

/** The largest number below 1: a score that rounds to 1 counts as that, so that its logarithms stay finite. */
const BELOW_ONE = 1 - Number.EPSILON / 2

const clamp = (score: number) => Math.min(BELOW_ONE, Math.max(Number.MIN_VALUE, score))

const rowOf = (target: Target): number[] => [target].flat()

function createMultiLabel({ labels, thresholds = labels.map(() => 0.5) }: TaskSpec): Task {
  const { idOf } = createLabels(labels)
  const scoresOf = (logits: Row, temperature = 1) =>
    Float64Array.from(logits, (logit) => sigmoid(logit / temperature))
  const given = (scores: Row) => labels.map((_, id) => Number((scores[id] ?? NaN) >= (thresholds[id] ?? 0.5)))
  return {
    problemType,
    labels,
    encode(label, place) {
      const ids = new Set(parseCell(label, place).map((name) => idOf(name, place)))
      return labels.map((_, id) => Number(ids.has(id)))
    },
    scores: scoresOf,
    logitsOf: (scores) => Float64Array.from(scores, (score) => Math.log(clamp(score)) - Math.log(1 - clamp(score))),
    answer(scores) {
      const all = labels.map((label, id) => ({ label, score: scores[id] ?? NaN }))
      const has = given(scores)
      return { ...all[argMax(scores)]!, scores: all, labels: labels.filter((_, id) => has[id] === 1) }
    },
    measure(targets, scores) {
      const truth = targets.map(rowOf)
      const metrics = evaluateMultiLabel(labels, truth, scores, thresholds)
      // Each score is that of a decision between two.
      const decisions = scores.flatMap((row) => Array.from(row, (score) => [1 - score, score]))
      return {
        problemType,
        ...metrics,
        score: metrics.microF1,
        loss: meanBinaryCrossEntropy(truth, scores),
        calibration: calibrationOf(truth.flat(), decisions),
      }
    },
    errors: (targets, scores) =>
      targets.map((target, at) => {
        const has = given(scores[at] ?? [])
        return rowOf(target).reduce((wrong, value, id) => wrong + Number(value !== has[id]), 0)
      }),
    calibrate(targets, logits) {
      const truth = targets.map(rowOf)
      const temperature = fitTemperature(binaryCrossEntropyAt(truth, logits))
      const scores = logits.map((row) => scoresOf(row, temperature))
      return {
        temperature,
        thresholds: labels.map((_, id) => bestThreshold(columnOf(truth, id), columnOf(scores, id))),
      }
    },
    display: (label) => listed(multiLabel.names(label)),
    verdict(scores, target) {
      const has = given(scores)
      const wrong = rowOf(target).flatMap((value, id) => (value === has[id] ? [] : [Math.abs(value - (scores[id] ?? NaN))]))
      return { label: listed(labels.filter((_, id) => has[id] === 1)), score: Math.max(0, ...wrong) }
    },
  }
}

/** Mean over texts and labels, in nats, as PyTorch's BCELoss. A score that rounds to 0 or 1 counts as the nearest number that does not. */
function meanBinaryCrossEntropy(truth: readonly number[][], scores: readonly Row[]): number {
  const terms = truth.flatMap((row, at) =>
    row.map((has, id) => -Math.log(has === 1 ? clamp(scores[at]?.[id] ?? NaN) : 1 - clamp(scores[at]?.[id] ?? NaN))),
  )
  return terms.reduce((sum, term) => sum + term, 0) / terms.length
}

/** The summed binary cross-entropy of logits times a scale, and its derivative by the scale. */
export const binaryCrossEntropyAt = (truth: readonly number[][], logits: readonly Row[]) => (scale: number) => {
  let [loss, slope] = [0, 0]
  for (const [at, row] of truth.entries()) {
    for (const [id, has] of row.entries()) {
      const logit = logits[at]?.[id] ?? NaN
      const scaled = scale * logit
      loss += Math.max(scaled, 0) - scaled * has + Math.log1p(Math.exp(-Math.abs(scaled)))
      slope += logit * (sigmoid(scaled) - has)
    }
  }
  return { loss, slope }
}
