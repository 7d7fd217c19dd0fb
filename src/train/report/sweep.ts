/** The picture of a sweep: test accuracy against the number of trained parameters, one point for each setting. */
import type { SweepGroup } from '../sweep.ts'
import { renderChart } from './chart.ts'
import { colors } from './palette.ts'

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

const nameOf = ({ settings: { method, rank } }: SweepGroup) => (method === 'full' ? 'all weights' : `r ${String(rank)}`)

/** Accuracies of a group's seeds: mean, lowest, highest. */
function accuracies({ finished }: SweepGroup): [mean: number, low: number, high: number] {
  const values = finished.map(({ test }) => test.accuracy)
  return [mean(values), Math.min(...values), Math.max(...values)]
}

/** Draws a sweep as SVG; a vertical line spans the seeds. What diverged has no point. */
export function renderSweep(groups: readonly SweepGroup[], title: string): string {
  const trained = groups.filter(({ finished }) => finished.length > 0)
  const points = trained.map((group) => ({
    group,
    x: group.finished[0]?.parameters.trainable ?? 1,
    y: accuracies(group),
  }))
  const colorOf = ({ settings: { method } }: SweepGroup) => (method === 'full' ? colors.validation : colors.train)
  const series = [
    ...points.map(({ group, x, y: [, low, high] }) => ({
      type: 'line',
      data: [
        [x, low],
        [x, high],
      ],
      symbol: 'none',
      silent: true,
      lineStyle: { color: colorOf(group), width: 2, opacity: 0.4 },
    })),
    ...points.map(({ group, x, y: [accuracy] }) => ({
      type: 'line',
      data: [[x, accuracy]],
      symbol: 'circle',
      symbolSize: 10,
      silent: true,
      itemStyle: { color: colorOf(group) },
      label: { show: true, formatter: nameOf(group), position: 'right', color: colors.text, fontSize: 12 },
    })),
  ]
  const axis = {
    nameLocation: 'middle',
    nameTextStyle: { color: colors.muted, fontSize: 12 },
    axisLabel: { color: colors.muted },
  }
  const ruled = { lineStyle: { color: colors.rule } }
  return renderChart(
    {
      title: { text: title, left: 16, top: 10, textStyle: { fontSize: 15, fontWeight: 600, color: colors.text } },
      grid: { left: 70, right: 90, top: 56, bottom: 56 },
      xAxis: {
        ...axis,
        type: 'log',
        name: 'parameters trained',
        nameGap: 32,
        splitLine: { show: false },
        axisLine: ruled,
      },
      yAxis: {
        ...axis,
        type: 'value',
        name: 'test accuracy',
        nameGap: 46,
        scale: true,
        splitLine: ruled,
        axisLabel: { color: colors.muted, formatter: (value: number) => `${Number((100 * value).toFixed(1))}%` },
      },
      series,
    },
    760,
    420,
  )
}
