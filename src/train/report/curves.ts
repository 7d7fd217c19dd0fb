/** The training curves: loss, accuracy and learning rate over the steps of a run. */
import type { EvaluationRecord, Report, StepRecord } from '../report.ts'
import { colors } from './palette.ts'
import type { Line, Panel, Point } from './panels.ts'

/** Exponential moving average without the start's bias towards zero (Kingma & Ba 2014, section 3). */
export function smooth(points: Point[]): Point[] {
  const window = Math.max(1, Math.min(100, points.length / 20))
  const decay = 1 - 1 / window
  let [sum, weight] = [0, 0]
  return points.map(([step, value]) => {
    sum = decay * sum + (1 - decay) * value
    weight = decay * weight + (1 - decay)
    return [step, sum / weight]
  })
}

/** ECharts fails on axes whose values are all smaller than about 1e-20. */
const TINY = 1e-15

/** The points of one field; those that are not there or not finite, as after a divergence, are left out. */
function pointsOf<Key extends string>(
  records: ({ [key in Key]?: number | undefined } & { step: number })[],
  key: Key,
): Point[] {
  return records
    .map((record): Point => [record.step, record[key] ?? NaN])
    .filter(([, value]) => Number.isFinite(value))
    .map(([step, value]) => [step, Math.abs(value) < TINY ? 0 : value])
}

/** The values of each step faint, and their trend. Lines of one name have one colour in all diagrams. */
const withTrend = (name: string, color: string, points: Point[]): Line[] => [
  { name: `${name}, each step`, color, points, faint: true },
  { name: `${name}, smoothed`, color, points: smooth(points) },
]

/** How training and validation compare in one metric. */
const comparison = (steps: StepRecord[], evaluations: EvaluationRecord[], key: 'loss' | 'accuracy'): Line[] => [
  ...withTrend('train', colors.train, pointsOf(steps, key)),
  { name: 'validation', color: colors.validation, points: pointsOf(evaluations, key), dots: true },
]

const formatNumber = (value: number): string => String(Number(value.toPrecision(3)))
const formatPercent = (value: number): string => `${Math.round(100 * value)}%`
const formatRate = (value: number): string => (value === 0 ? '0' : value.toExponential(1).replace('.0e', 'e'))

/** Where a batch has no accuracy: micro-F1 of several labels, R² of a regression, on the validation part. */
const scoreLines = (evaluations: EvaluationRecord[]): Line[] =>
  evaluations.some(({ score, accuracy }) => score !== accuracy)
    ? [{ name: 'validation', color: colors.validation, points: pointsOf(evaluations, 'score'), dots: true }]
    : []

/** The diagrams of a run; none where nothing was recorded. */
export function curvePanels({ history, best }: Pick<Report, 'history' | 'best'>): Panel[] {
  const steps = history.filter((record) => record.kind === 'step')
  const evaluations = history.filter((record) => record.kind === 'evaluation')
  const axis = { lastStep: history.at(-1)?.step ?? 0, bestStep: best.step }
  const rate = { name: 'learning rate', color: colors.learningRate, points: pointsOf(steps, 'learningRate') }
  const norm = withTrend('norm', colors.gradient, pointsOf(steps, 'gradientNorm'))
  const calibrated = {
    name: 'calibrated',
    color: colors.calibrated,
    points: pointsOf(evaluations, 'calibratedLoss'),
    dots: true,
  }
  const loss = [...comparison(steps, evaluations, 'loss'), calibrated]
  const panels = [
    { title: 'Loss', height: 344, lines: loss, formatValue: formatNumber },
    {
      title: 'Accuracy',
      height: 344,
      lines: comparison(steps, evaluations, 'accuracy'),
      formatValue: formatPercent,
      limit: 1,
    },
    { title: 'Score', height: 344, lines: scoreLines(evaluations), formatValue: formatNumber, limit: 1 },
    { title: 'Learning rate', height: 264, lines: [rate], formatValue: formatRate },
    { title: 'Gradient norm', height: 264, lines: norm, formatValue: formatNumber },
  ]
  return panels
    .map((panel) => ({ ...axis, ...panel, lines: panel.lines.filter((line) => line.points.length > 0) }))
    .filter((panel) => panel.lines.length > 0)
}
