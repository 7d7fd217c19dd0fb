/** How a training run looks in the terminal: the plan, a progress bar, a line for each evaluation. */
import { type ProblemType, SINGLE_LABEL } from '../core/task.ts'
import type { HistoryRecord } from '../train/report.ts'
import type { RunPlan } from '../train/run.ts'
import { settingsInForce } from '../train/settings.ts'
import { settingWords, valueWords } from '../train/settings/words.ts'
import { type TrainOptions, type TrainPlan, type TrainResult, train } from '../train/train.ts'
import { count, percent } from './format.ts'
import type { Progress, Ui } from './ui.ts'

/** What a run calls to be shown. */
interface RunDisplay {
  onStart(plan: RunPlan): void
  onRecord(record: HistoryRecord): void
}

/** Runs something that trains, with a progress bar. */
export async function showRun<Result>(
  ui: Ui,
  label: string,
  run: (display: RunDisplay) => Promise<Result>,
): Promise<Result> {
  let progress: Progress | undefined
  const display: RunDisplay = {
    onStart: ({ totalSteps, resumedAt }) => {
      if (resumedAt > 0) ui.line(`Going on after step ${resumedAt}.`)
      progress = ui.progress(label, totalSteps, { unit: 'steps' })
    },
    onRecord: (record) => {
      if (record.kind === 'step') progress?.update(record.step, describeStep(record))
      else ui.line(describeEvaluation(record))
    },
  }
  return run(display).finally(() => progress?.stop())
}

/** Trains a classifier, and shows it. */
export const showTraining = <Kind extends ProblemType = 'single_label_classification'>(
  ui: Ui,
  options: TrainOptions,
): Promise<TrainResult<Kind>> =>
  showRun(ui, 'Training', ({ onStart, onRecord }) =>
    train<Kind>({
      ...options,
      onTrial: () => ui.line('Trying the base in eight bits, for a few steps.\n'),
      onStart: (plan) => {
        printPlan(ui, plan)
        printValidation(ui, options.dataset)
        onStart(plan)
      },
      onRecord,
    }),
  )

const describeStep = ({ loss, accuracy, tokensPerSecond }: HistoryRecord & { kind: 'step' }) =>
  [
    `loss ${loss.toFixed(3)}`,
    ...(accuracy === undefined ? [] : [`accuracy ${percent(accuracy)}`]),
    `${Math.round(tokensPerSecond)} tokens/s`,
  ].join('  ')

const describeEvaluation = ({
  epoch,
  step,
  loss,
  calibratedLoss,
  score,
  accuracy,
}: HistoryRecord & { kind: 'evaluation' }) =>
  `epoch ${epoch + 1}, step ${step}: validation loss ${loss.toFixed(4)}, ` +
  (calibratedLoss === undefined ? '' : `${calibratedLoss.toFixed(4)} calibrated, `) +
  (score !== undefined && score !== accuracy ? `score ${score.toFixed(3)}` : describeAccuracy(loss, accuracy))

const describeAccuracy = (loss: number, accuracy: number | undefined) =>
  accuracy === undefined ? `perplexity ${Math.exp(loss).toFixed(1)}` : `accuracy ${percent(accuracy)}`

/** Validation texts below which accuracy says little: each is worth half a point or more. */
const FEW_TEXTS = 200

/** Says so where accuracy cannot tell checkpoints apart. */
function printValidation(ui: Ui, { splits, problemType = SINGLE_LABEL }: TrainOptions['dataset']): void {
  const texts = splits.validation.length
  if (texts >= FEW_TEXTS || problemType !== SINGLE_LABEL) return
  ui.line(
    `The validation part is small: ${texts} texts, each worth ${(100 / texts).toFixed(1)} points of accuracy. ` +
      'The loss decides which checkpoint is kept, unless accuracies differ by more than chance.',
  )
}

/** Which checkpoint was kept, and where the run ended. */
export function describeKept({
  bestStep,
  steps,
  plannedSteps,
}: Pick<TrainResult, 'bestStep' | 'steps' | 'plannedSteps'>): string {
  const kept = `Kept step ${bestStep} of ${steps}, the best on the validation part.`
  return steps < plannedSteps
    ? `${kept} Stopped early, ${plannedSteps - steps} steps before the end: it got no better.`
    : kept
}

function printPlan(ui: Ui, plan: TrainPlan): void {
  const { targets, parameters, engine, totalSteps } = plan
  const { method } = plan.settings
  const { total, trainable } = parameters
  ui.table(
    ['method', 'layers replaced', 'parameters', 'trained', 'share', 'steps', 'engine'],
    [
      [
        method,
        targets.length,
        count(total),
        count(trainable),
        `${((100 * trainable) / total).toFixed(2)} %`,
        totalSteps,
        engine,
      ],
    ],
  )
  printSettings(ui, plan)
}

const SOURCES = { given: 'given', file: 'recipe file', recipe: "the base's recipe", default: 'defaults' } as const

/** The settings in force, by where they come from. */
function printSettings(ui: Ui, { settings, sources, unusedRecipe, precisionReason }: TrainPlan): void {
  const inForce = Object.entries(settingsInForce(settings))
  const sourceOf: Readonly<Record<string, string>> = sources
  ui.line()
  for (const [source, title] of Object.entries(SOURCES)) {
    const named = inForce.filter(([name]) => sourceOf[name] === source)
    if (named.length === 0) continue
    ui.line(`${title}: ${named.map(([name, value]) => `${settingWords(name)} ${valueWords(value)}`).join(', ')}`)
  }
  if (precisionReason !== undefined) ui.line(`base precision ${settings.lora.basePrecision}: ${precisionReason}.`)
  if (unusedRecipe !== undefined) ui.line(`The base's recipe is for method ${unusedRecipe}, and not used.`)
  ui.line()
}
