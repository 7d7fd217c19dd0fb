/** Class balancing by undersampling, and splits in which every class has its share. */
import { GraftError } from '../../core/errors.ts'
import type { Random } from '../../core/random.ts'
import type { LabelledExample, Splits } from '../dataset.ts'

/** Parts of a data set, in the order in which shares are given. */
export const splitNames = ['train', 'validation', 'test'] as const

export type SplitName = (typeof splitNames)[number]

export type Shares = [train: number, validation: number, test: number]

/** The rows of one label. */
export interface ClassRows {
  label: string
  rows: readonly LabelledExample[]
}

/** Sorts examples into their classes, one for each label, also where it has no rows. */
export function groupByLabel(labels: readonly string[], examples: readonly LabelledExample[]): ClassRows[] {
  const rows = new Map(labels.map((label): [string, LabelledExample[]] => [label, []]))
  for (const example of examples) rows.get(example.label)?.push(example)
  return Array.from(rows, ([label, rows]) => ({ label, rows }))
}

/**
 * Checks the shares themselves.
 * @param shares what the user gave
 * @throws GraftError `usage` unless there are three positive ones that sum to 1
 */
export function checkShares(shares: readonly number[]): Shares {
  const [train = 0, validation = 0, test = 0, ...others] = shares
  const complete = others.length === 0 && train > 0 && validation > 0 && test > 0
  if (complete && Math.abs(train + validation + test - 1) < 1e-6) return [train, validation, test]
  throw new GraftError('usage', `a split of ${shares.join(', ')} is not three positive shares that sum to 1`, {
    hint: 'Give the shares of train, validation and test, such as --split 0.7,0.1,0.2.',
    value: shares,
  })
}

/** How many of a class' rows each part gets, rounded; train takes what is left. */
function partSizes(rows: number, [, validation, test]: Shares): Shares {
  const sizes = [Math.round(rows * validation), Math.round(rows * test)] as const
  return [rows - sizes[0] - sizes[1], ...sizes]
}

/**
 * Checks that each class has rows for each part with a share.
 * @throws GraftError `data-split`, naming the class, its number of rows and the part that would be empty
 */
export function checkClasses(classes: readonly ClassRows[], shares: Shares): void {
  for (const { label, rows } of classes) {
    const sizes = partSizes(rows.length, shares)
    const empty = splitNames.find((_, part) => shares[part]! > 0 && sizes[part]! <= 0) // three of each
    if (empty === undefined) continue
    const message = `label "${label}" has ${rows.length} rows, too few for this split: its ${empty} part would be empty`
    throw new GraftError('data-split', message, {
      hint: 'Add rows of that label, remove the label, or change the shares with --split.',
      value: rows.length,
    })
  }
}

/** Draws from every class as many rows as the smallest one has. */
export function balanceClasses(classes: readonly ClassRows[], random: Random): ClassRows[] {
  const smallest = Math.min(...classes.map(({ rows }) => rows.length))
  return classes.map(({ label, rows }) => ({ label, rows: random.shuffle(rows).slice(0, smallest) }))
}

/** Deals the rows of every class out to the parts at random; the parts' rows are shuffled. */
export function splitClasses(classes: readonly ClassRows[], shares: Shares, random: Random): Splits {
  const splits: Splits = { train: [], validation: [], test: [] }
  for (const { rows } of classes) {
    const shuffled = random.shuffle(rows)
    for (const [part, size] of partSizes(rows.length, shares).entries()) {
      const name: SplitName = splitNames[part]! // three of each
      splits[name].push(...shuffled.splice(0, size))
    }
  }
  for (const name of splitNames) splits[name] = random.shuffle(splits[name])
  return splits
}
