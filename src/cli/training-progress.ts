/** How a training run looks in the terminal: the plan, a progress bar, a line for each evaluation. */
import type { HistoryRecord } from '../train/report.ts'
import { type TrainOptions, type TrainPlan, type TrainResult, train } from '../train/train.ts'
import { count, percent } from './format.ts'
import type { Progress, Ui } from './ui.ts'

/** Trains, and shows it. */
export async function showTraining(ui: Ui, options: TrainOptions): Promise<TrainResult> {
  let progress: Progress | undefined
  const onStart = (plan: TrainPlan) => {
    printPlan(ui, plan, options.settings.method)
    progress = ui.progress('Training', plan.totalSteps, { unit: 'steps' })
  }
  const onRecord = (record: HistoryRecord) => {
    if (record.kind === 'step') progress?.update(record.step, describeStep(record))
    else ui.line(describeEvaluation(record))
  }
  return train({ ...options, onStart, onRecord }).finally(() => progress?.stop())
}

const describeStep = ({ loss, accuracy, tokensPerSecond }: HistoryRecord & { kind: 'step' }) =>
  `loss ${loss.toFixed(3)}  accuracy ${percent(accuracy)}  ${Math.round(tokensPerSecond)} tokens/s`

const describeEvaluation = ({ epoch, step, loss, accuracy }: HistoryRecord & { kind: 'evaluation' }) =>
  `epoch ${epoch + 1}, step ${step}: validation loss ${loss.toFixed(4)}, accuracy ${percent(accuracy)}`

function printPlan(ui: Ui, { targets, parameters, engine, totalSteps, resumedAt }: TrainPlan, method: string): void {
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
        resumedAt > 0 ? `${totalSteps}, going on after ${resumedAt}` : totalSteps,
        engine,
      ],
    ],
  )
}
