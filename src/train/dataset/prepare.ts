/** Makes a data set of labelled texts: without repeats, balanced where asked for, and split. */
import { GraftError } from '../../core/errors.ts'
import { createLabels, sortLabels } from '../../core/labels.ts'
import { createRandom } from '../../core/random.ts'
import type { Dataset, LabelledExample } from '../dataset.ts'
import { dropRepeats, withoutTextsOf } from './repeats.ts'
import { balanceClasses, checkClasses, checkShares, groupByLabel, splitClasses } from './split.ts'
import type { Shares } from './split.ts'
import { tallyLabels, tallySplits } from './summary.ts'
import type { DatasetSummary } from './summary.ts'
import { measureTokens } from './tokens.ts'

type Examples = AsyncIterable<LabelledExample> | Iterable<LabelledExample>

export interface PrepareOptions {
  /** Label names by id; the labels that occur, sorted, by default. */
  labels?: readonly string[]
  /** Undersample every class to the size of the smallest. */
  balance?: boolean
  /** Keep texts that occur more than once. */
  keepRepeats?: boolean
  /** Shares of train, validation and test. With a test set of its own, the last share goes to the others. */
  split?: readonly number[]
  /** A test set of its own: kept as it is, its texts taken out of the others. */
  test?: Examples
  seed?: number
  /** Count the texts that are longer than this number of tokens. */
  maxLength?: number
  /** Files that the rows come from, for the summary. */
  sources?: DatasetSummary['sources']
}

/**
 * Removes repeats, balances and splits, in this order. The same examples, options and seed give the same data set.
 * @throws GraftError `usage` for shares, `data-label` for an unknown label, `data-one-class`, and `data-split` for a class
 *   with too few rows
 * @example
 * import { prepareDataset } from 'graft-lora/train'
 *
 * const rows = ['a', 'b', 'c', 'd'].flatMap((word, line) => [
 *   { text: `${word} good`, label: 'yes', file: 'mine', line },
 *   { text: `${word} bad`, label: 'no', file: 'mine', line },
 * ])
 * const { splits } = await prepareDataset(rows, { split: [0.5, 0.25, 0.25] })
 * console.log(splits.train)
 */
export async function prepareDataset(examples: Examples, options: PrepareOptions = {}): Promise<Dataset> {
  const { seed = 123, maxLength, sources = [] } = options
  const split = checkShares(options.split ?? [0.7, 0.1, 0.2])
  const read = await collect(examples)
  const test = options.test && (await collect(options.test))
  const labels = labelNames(options.labels, read, test ?? [])
  const { kept, dropped } = leaveOut(read, test ?? [], options.keepRepeats ?? false)
  const classes = groupByLabel(labels, kept)
  const shares = test ? withoutTestShare(split) : split
  checkClasses(classes, shares)
  const random = createRandom(seed)
  const balanced = options.balance ? balanceClasses(classes, random.fork('balance')) : classes
  const splits = splitClasses(balanced, shares, random.fork('split'))
  if (test) splits.test = test
  const summary: DatasetSummary = {
    formatVersion: 1,
    labels,
    read: tallyLabels(labels, read),
    dropped: { ...dropped, balance: kept.length - balanced.reduce((sum, { rows }) => sum + rows.length, 0) },
    splits: tallySplits(labels, splits),
    ...measureTokens(Object.values(splits).flat(), maxLength),
    split,
    seed,
    sources,
  }
  return { labels, splits, summary }
}

/** Leaves out repeats and the texts of the test set, and counts them. */
function leaveOut(read: readonly LabelledExample[], test: readonly LabelledExample[], keepRepeats: boolean) {
  const { kept: distinct, ...repeats } = keepRepeats
    ? { kept: read, repeats: 0, respaced: 0, conflicts: 0 }
    : dropRepeats(read)
  const kept = withoutTextsOf(test, distinct)
  return { kept, dropped: { ...repeats, inTest: distinct.length - kept.length } }
}

async function collect(examples: Examples): Promise<LabelledExample[]> {
  const all: LabelledExample[] = []
  for await (const example of examples) all.push(example)
  return all
}

/** Label names by id, after a check that every row has one of them and that there are two at least. */
function labelNames(
  given: readonly string[] | undefined,
  read: readonly LabelledExample[],
  test: readonly LabelledExample[],
): string[] {
  const occurring = sortLabels(read.map(({ label }) => label))
  const labels = createLabels(given ?? occurring)
  for (const example of [...read, ...test]) labels.idOf(example.label, example)
  if (occurring.length < 2) throw oneClass(occurring[0], read[0]?.file)
  return [...labels.names]
}

function oneClass(label: string | undefined, file = 'the data'): GraftError {
  return new GraftError('data-one-class', `${file}: all rows have the label "${label}"`, {
    hint: 'A classifier needs rows of two labels or more: add them, or choose another column with --label.',
    file,
    value: label,
  })
}

const withoutTestShare = ([train, validation]: Shares): Shares => [
  train / (train + validation),
  validation / (train + validation),
  0,
]
