/** Splits texts so that each label, or each size of number, has its share in each part. */
import { GraftError } from '../../core/errors.ts'
import type { Random } from '../../core/random.ts'
import { type ProblemType, SINGLE_LABEL } from '../../core/task.ts'
import { labelFormat } from '../../core/label-formats.ts'
import type { LabelledExample, Splits } from '../dataset.ts'
import {
  type ClassRows,
  type Shares,
  balanceClasses,
  checkClasses,
  groupByLabel,
  splitClasses,
  splitNames,
} from './split.ts'

export interface SplitOptions {
  labels: readonly string[]
  problemType: ProblemType
  /** Undersample every class to the size of the smallest. */
  balance: boolean
  shares: Shares
  random: Random
}

/**
 * Deals rows out to the parts, by what their labels are.
 * @throws GraftError `data-split` for too few rows, `usage` for balance without classes
 */
export function splitExamples(
  rows: readonly LabelledExample[],
  { labels, problemType, balance, shares, random }: SplitOptions,
): Splits {
  if (problemType === SINGLE_LABEL) {
    const classes = groupByLabel(labels, rows)
    checkClasses(classes, shares)
    const balanced = balance ? balanceClasses(classes, random.fork('balance')) : classes
    return splitClasses(balanced, shares, random.fork('split'))
  }
  if (balance) {
    throw new GraftError('usage', `balance is for ${SINGLE_LABEL}, not ${problemType}`, {
      hint: 'Leave --balance out.',
      value: problemType,
    })
  }
  const { names } = labelFormat(problemType)
  const stream = random.fork('split')
  const splits =
    problemType === 'regression'
      ? splitClasses(groupBySize(rows), shares, stream)
      : splitByLabels(rows, ({ label }) => names(label), shares, stream)
  checkParts(splits, shares)
  return splits
}

function checkParts(splits: Splits, shares: Shares): void {
  const empty = splitNames.find((name, part) => (shares[part] ?? 0) > 0 && splits[name].length === 0)
  if (empty === undefined) return
  const rows = Object.values(splits).reduce((sum, part) => sum + part.length, 0)
  throw new GraftError('data-split', `there are ${rows} rows, too few for this split: its ${empty} part is empty`, {
    hint: 'Add rows, or change the shares with --split.',
    value: rows,
  })
}

/** Groups of rows with numbers of about the same size: of ten rows or more, so that each part gets some of them. */
const GROUPS = 10

/** Sorts rows by their numbers into groups of the same number of rows, or one more. */
function groupBySize(rows: readonly LabelledExample[]): ClassRows[] {
  const sorted = rows.toSorted((a, b) => Number(a.label) - Number(b.label))
  const groups = Math.max(1, Math.min(GROUPS, Math.floor(rows.length / GROUPS)))
  const start = (group: number) => Math.round((group * rows.length) / groups)
  return Array.from({ length: groups }, (_, group) => ({
    label: String(group),
    rows: sorted.slice(start(group), start(group + 1)),
  }))
}

/** What a part still wants: rows in all, and of each label. */
interface Demand {
  rows: number
  byLabel: Map<string, number>
}

/**
 * Deals rows out by iterative stratification (Sechidis, Tsoumakas & Vlahavas 2011, On the Stratification of Multi-Label Data,
 * algorithm 1): the rarest label first, each of its rows to the part that wants the most of that label, then the most rows. Those
 * without a label come last.
 * @param namesOf the labels of a row
 */
function splitByLabels(
  rows: readonly LabelledExample[],
  namesOf: (row: LabelledExample) => readonly string[],
  shares: Shares,
  random: Random,
): Splits {
  const shuffled = random.shuffle(rows)
  const names = new Map(shuffled.map((row) => [row, namesOf(row)]))
  const left = new Map<string, Set<LabelledExample>>()
  for (const [row, labels] of names) {
    for (const label of labels) left.set(label, (left.get(label) ?? new Set()).add(row))
  }
  const demands = shares.map((share): Demand => {
    const byLabel = new Map(Array.from(left, ([label, of]) => [label, share * of.size]))
    return { rows: share * rows.length, byLabel }
  })
  const splits: Splits = { train: [], validation: [], test: [] }

  function deal(row: LabelledExample, label?: string): void {
    const part = bestPart(demands, shares, label)
    const demand = demands[part]! // one for each part
    demand.rows--
    for (const name of names.get(row) ?? []) {
      demand.byLabel.set(name, (demand.byLabel.get(name) ?? 0) - 1)
      left.get(name)?.delete(row)
    }
    names.delete(row)
    splits[splitNames[part]!].push(row)
  }

  while (left.size > 0) {
    const [label, of] = [...left].reduce((rarest, each) => (each[1].size < rarest[1].size ? each : rarest))
    for (const row of of) deal(row, label)
    left.delete(label)
  }
  for (const row of names.keys()) deal(row)
  for (const name of splitNames) splits[name] = random.shuffle(splits[name])
  return splits
}

/** The part that wants most; parts without a share want nothing, though a negative demand be larger. */
function bestPart(demands: readonly Demand[], shares: Shares, label: string | undefined): number {
  const wants = ({ rows, byLabel }: Demand) => [label === undefined ? rows : (byLabel.get(label) ?? 0), rows] as const
  const parts = [...demands.keys()].filter((part) => (shares[part] ?? 0) > 0)
  return parts.reduce((best, part) => {
    const [[a, b], [c, d]] = [wants(demands[part]!), wants(demands[best]!)] // parts are indices of demands
    return a > c || (a === c && b > d) ? part : best
  })
}
