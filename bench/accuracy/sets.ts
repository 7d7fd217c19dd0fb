/** The data sets of the accuracy benchmark, split as their bars say; they are shared data beside the checkout. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type Dataset,
  type LabelledExample,
  createDataset,
  prepareDataset,
  readLabelledExamples,
} from '../../src/train/dataset.ts'

/** Of every random split. The runs' own seeds are others, and never change a split. */
const SPLIT_SEED = 123

/** What adapters on a base shall reach on a set. */
export interface Goal {
  /** Test accuracy to reach; and macro-F1, where that is asked for. */
  bar: number
  macroF1Bar?: number
  /** Passes over the training part; chosen on the validation part. */
  epochs: number
}

/** The bases that there are goals for, by the names of their folders. */
export type GoalBase = 'gpt-mini' | 'minilm'

export interface BenchmarkSet {
  name: string
  split: string
  goals: Record<GoalBase, Goal>
  read(dir: string): Promise<Dataset>
}

/** Shares where the test part is given: nine tenths of the rest for training, one for validation. */
const GIVEN_TEST = [0.9, 0.1]

async function collect(path: string): Promise<LabelledExample[]> {
  const examples: LabelledExample[] = []
  for await (const example of readLabelledExamples(path)) examples.push(example)
  return examples
}

/** Every fifth row, from the first on, is for the test. */
const everyFifth = (rows: readonly LabelledExample[]): Promise<Dataset> =>
  prepareDataset(
    rows.filter((_, index) => index % 5 !== 0),
    { test: rows.filter((_, index) => index % 5 === 0), split: GIVEN_TEST, seed: SPLIT_SEED },
  )

/** The subjectivity set's two files, one text a line and one label a file. */
async function readSubjectivity(dir: string): Promise<LabelledExample[]> {
  const read = async (label: string, file: string) =>
    (await readFile(join(dir, file), 'utf8'))
      .split('\n')
      .filter((text) => text.trim() !== '')
      .map((text, at): LabelledExample => ({ text: text.trim(), label, file, line: at + 1 }))
  return [...(await read('objective', 'plot.tok.gt9.5000')), ...(await read('subjective', 'quote.tok.gt9.5000'))]
}

/** The published parts of the emotion set. */
async function readEmotion(dir: string): Promise<Dataset> {
  const [train, validation, test] = await Promise.all(
    ['train.csv', 'val.csv', 'test.csv'].map((file) => collect(join(dir, file))),
  )
  const dataset = await prepareDataset(train ?? [], { test, split: GIVEN_TEST, seed: SPLIT_SEED })
  const { splits } = dataset
  return {
    ...dataset,
    splits: { ...splits, train: [...splits.train, ...splits.validation], validation: validation ?? [] },
  }
}

const sms = (dir: string, balance: boolean): Promise<Dataset> =>
  createDataset(join(dir, 'sms-spam/SMSSpamCollection'), { balance, split: [0.7, 0.1, 0.2], seed: SPLIT_SEED })

export const benchmarkSets: BenchmarkSet[] = [
  {
    name: 'sms-spam',
    goals: { 'gpt-mini': { bar: 0.99, macroF1Bar: 0.975, epochs: 5 }, minilm: { bar: 0.993, epochs: 5 } },
    split: 'repeats removed, 70/10/20',
    read: (dir) => sms(dir, false),
  },
  {
    name: 'sms-spam-balanced',
    goals: { 'gpt-mini': { bar: 0.975, epochs: 5 }, minilm: { bar: 0.98, epochs: 15 } },
    split: 'balanced, 70/10/20',
    read: (dir) => sms(dir, true),
  },
  {
    name: 'rt-polarity',
    goals: { 'gpt-mini': { bar: 0.79, epochs: 3 }, minilm: { bar: 0.825, epochs: 3 } },
    split: 'index % 5 = 0 is test',
    read: async (dir) => everyFifth(await collect(join(dir, 'rt-polarity/rt_polarity.csv'))),
  },
  {
    name: 'subjectivity',
    goals: { 'gpt-mini': { bar: 0.94, epochs: 3 }, minilm: { bar: 0.95, epochs: 3 } },
    split: 'index % 5 = 0 is test',
    read: async (dir) => everyFifth(await readSubjectivity(join(dir, 'subjectivity'))),
  },
  {
    name: 'banking77',
    goals: { 'gpt-mini': { bar: 0.87, epochs: 10 }, minilm: { bar: 0.905, epochs: 12 } },
    split: 'official',
    read: (dir) =>
      createDataset(join(dir, 'banking77/train.csv'), {
        test: join(dir, 'banking77/test.csv'),
        split: GIVEN_TEST,
        seed: SPLIT_SEED,
      }),
  },
  {
    name: 'tweeteval-emotion',
    goals: { 'gpt-mini': { bar: 0.67, epochs: 8 }, minilm: { bar: 0.805, epochs: 5 } },
    split: 'official',
    read: (dir) => readEmotion(join(dir, 'tweeteval-emotion')),
  },
]
