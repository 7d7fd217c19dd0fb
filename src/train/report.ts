/** The report of a training run: curves, confusion matrix and settings as one page, and the curves as a picture. */
import type { Mistake } from '../core/calibration.ts'
import type { ProblemType } from '../core/task.ts'
import type { PartResult } from './measure.ts'
import { curvePanels } from './report/curves.ts'
import { renderPage } from './report/page.ts'
import { renderPanels } from './report/panels.ts'

/** One optimizer step. */
export interface StepRecord {
  kind: 'step'
  /** 1-based, over the whole run. */
  step: number
  epoch: number
  /** Mean over the batch. */
  loss: number
  /** Over the batch, 0 to 1; not of a language model. */
  accuracy?: number
  learningRate: number
  /** L2 norm of all gradients, before clipping. */
  gradientNorm: number
  tokensPerSecond: number
}

/** One evaluation on the validation set, after `step` steps. */
export interface EvaluationRecord {
  kind: 'evaluation'
  step: number
  epoch: number
  loss: number
  /** After calibration; what checkpoints are chosen by. */
  calibratedLoss?: number
  /** What checkpoints are chosen by where it tells them apart. */
  score?: number
  accuracy?: number
  macroF1?: number
}

export type HistoryRecord = StepRecord | EvaluationRecord

/** How well the kept checkpoint does on a part of the data. */
export type PartReport<Kind extends ProblemType = ProblemType> = PartResult<Kind> & {
  /** Its most confident ones, in that order. */
  mistakes: Mistake[]
}

export interface Report {
  title: string
  /** The run's settings, in the order in which they are shown. */
  settings: Record<string, string | number>
  history: HistoryRecord[]
  /** Names by label id. */
  labels: string[]
  /** The checkpoint that was kept. */
  best: { step: number }
  /** How well that checkpoint does on each set. */
  validation?: PartReport
  test?: PartReport
  /** What the logits were divided by. */
  temperature?: number
  /** A language model's, on the validation set. */
  perplexity?: number
}

const pictureWidth = 760

/**
 * The report's files by name: `report.html`, which needs no other file and no network, and `curves.svg`, where there is
 * a history.
 */
export function renderReport(report: Report): Record<string, string> {
  const panels = curvePanels(report)
  const page = { 'report.html': renderPage(report) }
  return panels.length === 0 ? page : { ...page, 'curves.svg': renderPanels(panels, pictureWidth) }
}
