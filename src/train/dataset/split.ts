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

const DEFAULT_SHARES: Shares = [0.7, 0.1, 0.2]

const numbers = [
  '',
  'one positive share that is 1',
  'two positive shares that sum to 1',
  'three positive shares that sum to 1',
]
const examples = ['', '1', '0.9,0.1', '0.7,0.1,0.2']

/**
 * The shares of all parts, 0 for those that have rows of their own.
 * @param shares what the user gave: one for each of `dealt`
 * @param dealt the parts that the rows are dealt out to, in the order of `splitNames`
 * @throws GraftError `usage` unless they are positive, sum to 1, and are as many as the parts
 */
export function checkShares(shares: readonly number[] | undefined, dealt: readonly SplitName[]): Shares {
  const total = DEFAULT_SHARES.reduce((sum, share, part) => sum + (dealt.includes(splitNames[part]!) ? share : 0), 0) // three of each
  const given = shares ?? dealt.map((name) => DEFAULT_SHARES[splitNames.indexOf(name)]! / total) // one for each part
  const isSound = given.length === dealt.length && given.every((share) => share > 0)
  if (isSound && Math.abs(given.reduce((sum, share) => sum + share, 0) - 1) < 1e-6) {
    return splitNames.map((name) => given[dealt.indexOf(name)] ?? 0) as Shares // of three names
  }
  const others = splitNames.filter((name) => !dealt.includes(name))
  const why = others.length > 0 ? `, since ${others.join(' and ')} ${others.length > 1 ? 'are' : 'is'} given` : ''
  throw new GraftError('usage', `a split of ${given.join(', ')} is not ${numbers[dealt.length]}`, {
    hint:
      dealt.length > 1
        ? `Give the shares of ${dealt.join(', ').replace(/, (\w+)$/, ' and $1')}${why}: --split ${examples[dealt.length]}.`
        : 'Leave --split out: validation and test are given.',
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
