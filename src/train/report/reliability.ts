/** The reliability diagram: for each bin of confidence the share of texts that are right, beside how sure the model was. */
import type { Calibration } from '../../core/calibration.ts'
import { renderChart } from './chart.ts'
import { colors } from './palette.ts'

const [WIDTH, HEIGHT] = [440, 300]
const BINS = 10
/** Texts of a bin below which its bar is pale: its height is mostly chance. */
const FEW = 5

const percent = (share: number): string => `${Math.round(100 * share)}`
const names = Array.from({ length: BINS }, (_, bin) => `${10 * bin}–${10 * (bin + 1)}`)

/**
 * Draws a reliability diagram (Guo et al. 2017, figure 1): bars are accuracy, dots mean confidence, numbers the texts of each bin.
 * @param labels number of classes: the predicted one's probability is never below 1 / labels
 */
export function renderReliability(title: string, { bins }: Calibration, labels: number): string {
  const first = Math.min(BINS - 1, Math.floor(BINS / labels))
  const binAt = (index: number) => bins.find(({ from }) => Math.round(BINS * from) === index)
  const shown = names
    .slice(first)
    .map((name, at) => ({ name, bin: binAt(first + at), middle: (first + at + 0.5) / BINS }))
  const label = { color: colors.muted, fontSize: 12 }
  const ruled = { lineStyle: { color: colors.rule } }
  const axisName = { nameLocation: 'middle', nameTextStyle: label, axisLabel: label }
  return renderChart(
    {
      title: { text: title, left: 16, top: 10, textStyle: { fontSize: 15, fontWeight: 600, color: colors.text } },
      legend: {
        data: ['accuracy', 'mean confidence', { name: 'ideal', icon: 'rect', itemStyle: { color: colors.muted } }],
        top: 36,
        left: 12,
        itemWidth: 14,
        itemHeight: 8,
        itemGap: 20,
        textStyle: label,
      },
      grid: { left: 56, right: 16, top: 76, bottom: 52 },
      xAxis: {
        ...axisName,
        type: 'category',
        data: shown.map(({ name }) => name),
        name: 'confidence, %',
        nameGap: 30,
        axisTick: { show: false },
        axisLine: ruled,
        axisLabel: { ...label, fontSize: shown.length > 6 ? 10 : 12, interval: 0 },
      },
      yAxis: {
        ...axisName,
        type: 'value',
        min: 0,
        max: 1,
        name: 'accuracy, %',
        nameGap: 36,
        axisLabel: { ...label, formatter: percent },
        splitLine: ruled,
      },
      series: [
        {
          type: 'bar',
          name: 'accuracy',
          data: shown.map(({ bin }) => ({
            value: bin?.accuracy ?? null,
            itemStyle: { opacity: bin && bin.count >= FEW ? 0.6 : 0.25 },
          })),
          barWidth: '86%',
          silent: true,
          itemStyle: { color: colors.train },
        },
        {
          type: 'line',
          name: 'ideal',
          data: shown.map(({ middle }) => middle),
          symbol: 'none',
          silent: true,
          lineStyle: { color: colors.muted, type: 'dashed', width: 1 },
          itemStyle: { color: colors.muted },
        },
        {
          type: 'scatter',
          name: 'mean confidence',
          data: shown.map(({ bin }) => bin?.confidence ?? null),
          symbolSize: 9,
          silent: true,
          itemStyle: { color: colors.validation },
        },
        {
          // The texts of each bin, at the foot of its bar, where nothing else is.
          type: 'scatter',
          data: shown.map(({ bin }) => (bin ? 0 : null)),
          symbolSize: 0,
          silent: true,
          itemStyle: { color: 'transparent', opacity: 1 },
          label: {
            show: true,
            position: 'top',
            distance: 4,
            color: colors.text,
            fontSize: 12,
            formatter: ({ dataIndex }: { dataIndex: number }) =>
              shown[dataIndex]?.bin?.count.toLocaleString('en-US') ?? '',
          },
        },
      ],
    },
    WIDTH,
    HEIGHT,
  )
}
