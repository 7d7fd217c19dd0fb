/** Makes a data set of labelled texts: without repeats, balanced where asked for, and split. */
import { GraftError } from '../../core/errors.ts'
import { createLabels, sortLabels } from '../../core/labels.ts'
import { createRandom } from '../../core/random.ts'
import type { Dataset, LabelledExample } from '../dataset.ts'
import { type ProblemType, SINGLE_LABEL } from '../../core/task.ts'
import { labelFormat } from '../../core/label-formats.ts'
import { dropRepeats, withoutTextsOf } from './repeats.ts'
import { checkShares, splitNames } from './split.ts'
import { splitExamples } from './stratify.ts'
import { tallyLabels, tallySplits } from './summary.ts'
import type { DatasetSummary } from './summary.ts'
import { measureTokens } from './tokens.ts'

type Examples = AsyncIterable<LabelledExample> | Iterable<LabelledExample>

export interface PrepareOptions {
  /** Label names by id; the labels that occur, sorted, by default; of a regression, the number's, `value` by default. */
  labels?: readonly string[] | undefined
  /** One label for each text, by default. Several are lists in JSON, and numbers are texts too. */
  problemType?: ProblemType | undefined
  /** Undersample every class to the size of the smallest. */
  balance?: boolean
  /** Keep texts that occur more than once. */
  keepRepeats?: boolean
  /** Shares of those of train, validation and test that have no rows of their own; in the proportions of 0.7, 0.1 and 0.2 by default. */
  split?: readonly number[]
  /** A validation set of its own: kept but for the test set's texts; its texts are taken out of the others. */
  validation?: Examples | undefined
  /** A test set of its own: kept as it is, its texts taken out of the others. */
  test?: Examples | undefined
  seed?: number
  /** Count the texts that are longer than this number of tokens. */
  maxLength?: number
  /** Files that the rows come from, for the summary. */
  sources?: DatasetSummary['sources']
  /** Rows without a text that were passed over, for the summary. */
  blank?: number
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
  const { seed = 123, maxLength, sources = [], blank = 0, problemType = SINGLE_LABEL, balance = false } = options
  const given = { validation: await collect(options.validation), test: await collect(options.test) }
  const dealt = splitNames.filter((name) => name === 'train' || given[name] === undefined)
  const shares = checkShares(options.split, dealt)
  const read = (await collect(examples)) ?? []
  const labels = labelNames(options.labels, problemType, read, given)
  const { kept, validation, dropped } = leaveOut(read, given, options.keepRepeats ?? false)
  const splits = splitExamples(kept, { labels, problemType, balance, shares, random: createRandom(seed) })
  const dealtRows = Object.values(splits).reduce((sum, rows) => sum + rows.length, 0)
  if (validation) splits.validation = validation
  if (given.test) splits.test = given.test
  const counted = { labels, ...(problemType !== SINGLE_LABEL && { problemType }) }
  const summary: DatasetSummary = {
    formatVersion: 1,
    ...counted,
    read: tallyLabels(counted, read),
    dropped: { blank, ...dropped, balance: kept.length - dealtRows },
    splits: tallySplits(counted, splits),
    ...measureTokens(Object.values(splits).flat(), maxLength),
    split: shares,
    seed,
    sources,
  }
  return { ...counted, splits, summary }
}

/** Sets of their own. */
interface Given {
  validation: LabelledExample[] | undefined
  test: LabelledExample[] | undefined
}

/** Leaves out repeats, within the rows and across the parts, and counts them. */
function leaveOut(read: readonly LabelledExample[], { validation, test = [] }: Given, keepRepeats: boolean) {
  const { kept: distinct, ...repeats } = keepRepeats
    ? { kept: read, repeats: 0, respaced: 0, conflicts: 0 }
    : dropRepeats(read)
  const outsideTest = withoutTextsOf(test, distinct)
  const outsideBoth = withoutTextsOf(validation ?? [], outsideTest)
  const ownValidation = validation && withoutTextsOf(test, validation)
  const validationInTest = (validation?.length ?? 0) - (ownValidation?.length ?? 0)
  return {
    kept: outsideBoth,
    validation: ownValidation,
    dropped: {
      ...repeats,
      inTest: distinct.length - outsideTest.length + validationInTest,
      inValidation: outsideTest.length - outsideBoth.length,
    },
  }
}

async function collect(examples: Examples | undefined): Promise<LabelledExample[] | undefined> {
  if (!examples) return undefined
  const all: LabelledExample[] = []
  for await (const example of examples) all.push(example)
  return all
}

/** Label names by id, after a check that every row has known ones, and that there is something to tell apart. */
function labelNames(
  names: readonly string[] | undefined,
  problemType: ProblemType,
  read: readonly LabelledExample[],
  given: Given,
): string[] {
  const format = labelFormat(problemType)
  const occurring = sortLabels(read.flatMap(({ label }) => format.names(label)))
  const fallback = problemType === 'regression' ? ['value'] : occurring
  const { names: labels } = createLabels(names ?? fallback)
  const check = format.encoder(labels)
  for (const example of read) check(example.label, example)
  for (const examples of [given.validation, given.test]) {
    if (problemType !== 'regression') checkLabels(examples ?? [], labels, format.names)
    for (const example of examples ?? []) check(example.label, example)
  }
  const stored = new Set(read.map(({ label }) => label))
  if (stored.size < 2) throw oneClass([...stored][0], read[0]?.file)
  if (problemType !== 'regression' && occurring.length === 0) throw oneClass('[]', read[0]?.file)
  return [...labels]
}

/** A label that is in a set of its own alone could never be predicted. */
function checkLabels(
  examples: readonly LabelledExample[],
  known: readonly string[],
  namesOf: (label: string) => string[],
): void {
  const isUnknown = (name: string) => !known.includes(name)
  const unknown = examples.filter(({ label }) => namesOf(label).some(isUnknown))
  const [first] = unknown
  if (!first) return
  const { file, line } = first
  const unknownNames = unknown.flatMap(({ label }) => namesOf(label)).filter(isUnknown)
  const names = sortLabels(unknownNames).map((name) => `"${name}"`)
  const shown = names.length > 10 ? `${names.slice(0, 10).join(', ')} and ${names.length - 10} more` : names.join(', ')
  throw new GraftError(
    'data-label',
    `${file}, line ${line}: unknown label: ${shown} ${names.length > 1 ? 'are' : 'is'} not in the training rows`,
    {
      hint: 'Add training rows of that label, correct it, or leave its rows out.',
      file,
      line,
      value: namesOf(first.label).find(isUnknown),
    },
  )
}

function oneClass(label: string | undefined, file = 'the data'): GraftError {
  const problem = label === undefined ? 'no row has a text' : `all rows have the label "${label}"`
  return new GraftError('data-one-class', `${file}: ${problem}`, {
    hint: 'A model needs rows of two labels, or numbers, or more: add them, or choose another column with --label.',
    file,
    value: label,
  })
}
