/** What an evaluation looks like in the terminal. */
import type { ClassMetrics, Metrics } from '../../core/metrics.ts'
import type { ProblemType } from '../../core/task.ts'
import type { ClassifierEvaluation } from '../../runtime/index.ts'
import { count, percent } from '../format.ts'
import type { Ui } from '../ui.ts'

/** Labels up to which the whole confusion matrix is shown. */
const MATRIX_LABELS = 12
/** Characters that all of its column names may have. */
const MATRIX_NAMES = 40
/** Pairs of labels that are shown where there are more labels. */
const MOST_CONFUSED = 15
/** Mistakes that are shown, and the characters of their texts. */
const MISTAKES = 5
const MISTAKE_LENGTH = 80

const score = (value: number) => value.toFixed(3)

/** Prints all that was measured. */
export function printEvaluation(ui: Ui, evaluation: ClassifierEvaluation<ProblemType>): void {
  const { truncated } = evaluation
  if (evaluation.problemType === 'regression') printNumbers(ui, evaluation)
  else if (evaluation.problemType === 'multi_label_classification') printLabels(ui, evaluation)
  else printClasses(ui, evaluation)
  if (truncated > 0) ui.line(`\n${count(truncated)} texts were longer than the model takes: their ends were not read.`)
}

function printNumbers(ui: Ui, evaluation: ClassifierEvaluation<'regression'>): void {
  const { pearson, spearman, r2, meanAbsoluteError, meanSquaredError, predictions, seconds, mistakes } = evaluation
  ui.table(
    ['texts', 'Pearson', 'Spearman', 'R²', 'mean error', 'mean squared error', 'texts/s'],
    [
      [
        predictions.length,
        ...[pearson, spearman, r2].map(score),
        meanAbsoluteError.toPrecision(3),
        meanSquaredError.toPrecision(3),
        Math.round(predictions.length / seconds),
      ],
    ],
  )
  ui.line('\nFarthest off:')
  ui.table(
    ['error', 'truth', 'predicted', 'text'],
    mistakes
      .slice(0, MISTAKES)
      .map(({ confidence, label, predicted, text }) => [confidence.toPrecision(3), label, predicted, excerpt(text)]),
  )
}

function printLabels(ui: Ui, evaluation: ClassifierEvaluation<'multi_label_classification'>): void {
  const { accuracy, microF1, macroF1, meanAveragePrecision, loss, predictions, seconds } = evaluation
  ui.table(
    ['texts', 'micro-F1', 'macro-F1', 'mean average precision', 'all labels right', 'loss', 'texts/s'],
    [
      [
        predictions.length,
        ...[microF1, macroF1, meanAveragePrecision].map(score),
        percent(accuracy),
        loss.toFixed(4),
        Math.round(predictions.length / seconds),
      ],
    ],
  )
  printPerClass(ui, evaluation.perClass)
  // A decision for each label of each text.
  const decisions = predictions.length * evaluation.perClass.length
  const right = evaluation.calibration.bins.reduce((sum, { count: texts, accuracy: share }) => sum + texts * share, 0)
  printConfidence(ui, { ...evaluation, accuracy: right / decisions })
}

function printClasses(ui: Ui, evaluation: ClassifierEvaluation): void {
  const { accuracy, macroF1, loss, rocAuc, predictions, seconds } = evaluation
  ui.table(
    ['texts', 'accuracy', 'macro-F1', 'loss', ...(rocAuc === undefined ? [] : ['ROC-AUC']), 'texts/s'],
    [
      [
        predictions.length,
        percent(accuracy),
        score(macroF1),
        loss.toFixed(4),
        ...(rocAuc === undefined ? [] : [rocAuc.toFixed(4)]),
        Math.round(predictions.length / seconds),
      ],
    ],
  )
  printPerClass(ui, evaluation.perClass)
  ui.line()
  if (evaluation.perClass.length <= MATRIX_LABELS) printMatrix(ui, evaluation)
  else printMostConfused(ui, evaluation)
  printConfidence(ui, evaluation)
}

function printPerClass(ui: Ui, perClass: readonly ClassMetrics[]): void {
  ui.line()
  ui.table(
    ['label', 'precision', 'recall', 'F1', 'texts'],
    perClass.map(({ label, precision, recall, f1, support }) => [
      label,
      score(precision),
      score(recall),
      score(f1),
      support,
    ]),
  )
}

/** Rows are the truth, columns what was predicted; numbers stand for the columns' names where these would take too much room. */
function printMatrix(ui: Ui, { confusion, perClass }: Metrics): void {
  const names = perClass.map(({ label }) => label)
  const hasRoom = names.join('').length <= MATRIX_NAMES
  ui.table(
    ['truth \\ predicted', ...names.map((name, id) => (hasRoom ? name : `(${id + 1})`))],
    names.map((name, id) => [hasRoom ? name : `(${id + 1}) ${name}`, ...(confusion[id] ?? [])]),
  )
}

/** A matrix of very many labels would be mostly zeros, and wider than a terminal. */
function printMostConfused(ui: Ui, { confusion, perClass }: Metrics): void {
  const pairs = confusion
    .flatMap((counts, truth) => counts.map((texts, predicted) => ({ truth, predicted, texts })))
    .filter(({ truth, predicted, texts }) => truth !== predicted && texts > 0)
    .sort((a, b) => b.texts - a.texts)
  if (pairs.length === 0) return ui.line('No label was taken for another.')
  ui.line(
    `Labels most often taken for another${pairs.length > MOST_CONFUSED ? `, ${MOST_CONFUSED} of ${pairs.length} pairs` : ''}:`,
  )
  ui.table(
    ['truth', 'predicted', 'texts', 'share of truth'],
    pairs.slice(0, MOST_CONFUSED).map(({ truth, predicted, texts }) => {
      const { label = '', support = 0 } = perClass[truth] ?? {}
      return [label, perClass[predicted]?.label ?? '', texts, percent(texts / support)]
    }),
  )
}

/** How sure the model is against how often it is right, and where it was surest and wrong. */
function printConfidence(
  ui: Ui,
  {
    calibration,
    uncalibrated,
    accuracy,
    mistakes,
  }: Pick<ClassifierEvaluation, 'calibration' | 'uncalibrated' | 'accuracy' | 'mistakes'>,
): void {
  const error = (value: number) => value.toFixed(3)
  ui.line()
  ui.table(
    ['confidence', 'accuracy', 'calibration error', ...(uncalibrated ? ['before scaling'] : []), 'by chance'],
    [
      [
        percent(calibration.confidence),
        percent(accuracy),
        error(calibration.expectedError),
        ...(uncalibrated ? [error(uncalibrated.calibration.expectedError)] : []),
        error(calibration.chance),
      ],
    ],
  )
  if (mistakes.length === 0) return
  ui.line('\nMost confident mistakes:')
  ui.table(
    ['confidence', 'truth', 'predicted', 'text'],
    mistakes
      .slice(0, MISTAKES)
      .map(({ confidence, label, predicted, text }) => [percent(confidence), label, predicted, excerpt(text)]),
  )
}

/** The start of a text on one line, without what would move a terminal's cursor. */
function excerpt(text: string): string {
  const line = text.replace(/[\s\p{Cc}\p{Cf}]+/gu, ' ').trim()
  const characters = [...line]
  return characters.length > MISTAKE_LENGTH ? `${characters.slice(0, MISTAKE_LENGTH - 1).join('')}…` : line
}
