/** Diagrams of lines over the training steps, one below the other in a picture. */
import { renderChart } from './chart.ts'
import { colors } from './palette.ts'

export type Point = [step: number, value: number]

export interface Line {
  name: string
  color: string
  points: Point[]
  /** Drawn faint: the values of each step, behind their trend. */
  faint?: boolean
  /** Marks each point, as where they are few. */
  dots?: boolean
}

/** One diagram. */
export interface Panel {
  title: string
  lines: Line[]
  /** Pixels, with title and axes. */
  height: number
  /** Where the horizontal axis, which starts at 0, ends. */
  lastStep: number
  /** The step of the best checkpoint, marked by a line. */
  bestStep: number
  formatValue: (value: number) => string
  /** The highest value that there can be, where the axis must not go past it. */
  limit?: number
}

/** Above the axes: a row for the title, one for the legend, and the mark of the best checkpoint. */
const margin = { top: 84, right: 28, bottom: 46, left: 62 }
const axisLabel = { color: colors.muted, fontSize: 12 }
const ruled = { lineStyle: { color: colors.rule } }

/** Where the best checkpoint's line goes: into the last line, which lies on top. */
const bestMark = (step: number) => ({
  symbol: 'none',
  silent: true,
  lineStyle: { color: colors.muted, type: 'dashed', width: 1 },
  label: { formatter: 'best', color: colors.muted, fontSize: 12, distance: 4 },
  data: [{ xAxis: step }],
})

function lineSeries(line: Line, index: number, panel: Panel, isLast: boolean) {
  const { name, color, points, faint = false, dots = false } = line
  return {
    type: 'line',
    name,
    data: points,
    xAxisIndex: index,
    yAxisIndex: index,
    silent: true,
    sampling: 'lttb',
    symbol: dots || points.length === 1 ? 'circle' : 'none',
    symbolSize: 7,
    itemStyle: { color, opacity: faint ? 0.3 : 1 },
    lineStyle: { color, opacity: faint ? 0.3 : 1, width: faint ? 1 : 2 },
    markLine: isLast ? bestMark(panel.bestStep) : undefined,
  }
}

/** ECharts' parts of one panel whose top is `top` pixels down. */
function panelParts(panel: Panel, index: number, top: number, width: number) {
  const { title, lines, height, lastStep, formatValue, limit } = panel
  return {
    title: { text: title, left: 16, top: top + 10, textStyle: { fontSize: 15, fontWeight: 600, color: colors.text } },
    legend: {
      show: lines.length > 1,
      data: lines.map((line) => line.name),
      top: top + 36,
      left: 12,
      icon: 'rect',
      itemWidth: 16,
      itemHeight: 3,
      itemGap: 20, // the width of a text is only estimated, for there is no browser to measure it
      textStyle: { color: colors.muted, fontSize: 12 },
    },
    grid: {
      left: margin.left,
      top: top + margin.top,
      width: width - margin.left - margin.right,
      height: height - margin.top - margin.bottom,
    },
    xAxis: {
      type: 'value',
      gridIndex: index,
      min: 0,
      max: lastStep,
      minInterval: 1,
      name: 'step',
      nameLocation: 'middle',
      nameGap: 28,
      nameTextStyle: axisLabel,
      axisLabel: { ...axisLabel, hideOverlap: true },
      splitLine: { show: false },
      axisLine: ruled,
      axisTick: ruled,
    },
    yAxis: {
      type: 'value',
      gridIndex: index,
      scale: true,
      max: limit,
      axisLabel: { ...axisLabel, formatter: formatValue },
      axisLine: { show: false },
      axisTick: { show: false },
      splitLine: ruled,
    },
    series: lines.map((line, at) => lineSeries(line, index, panel, at === lines.length - 1)),
  }
}

/** Draws panels one below the other. @returns an SVG picture `width` pixels wide */
export function renderPanels(panels: Panel[], width: number): string {
  let height = 0
  const parts = panels.map((panel, index) => {
    const part = panelParts(panel, index, height, width)
    height += panel.height
    return part
  })
  const option = {
    title: parts.map((part) => part.title),
    legend: parts.map((part) => part.legend),
    grid: parts.map((part) => part.grid),
    xAxis: parts.map((part) => part.xAxis),
    yAxis: parts.map((part) => part.yAxis),
    series: parts.flatMap((part) => part.series),
  }
  return renderChart(option, width, height)
}
