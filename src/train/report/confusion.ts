/** The confusion matrix as a heat map: rows are the truth, columns what was predicted, colour is the share of the row. */
import { renderChart } from './chart.ts'
import { colors, heatRgb } from './palette.ts'

const longestName = 32

const shorten = (name: string): string => (name.length > longestName ? `${name.slice(0, longestName - 1)}…` : name)

/** Pixels of a cell, and of its text: large where there are few labels, and small enough for 77. */
function sizes(count: number): { cell: number; font: number; withShare: boolean } {
  if (count <= 4) return { cell: 92, font: 15, withShare: true }
  if (count <= 12) return { cell: 60, font: 12, withShare: true }
  return { cell: count <= 30 ? 36 : 24, font: count <= 30 ? 11 : 9, withShare: false }
}

function cellText(count: number, share: number, withShare: boolean): string {
  if (!withShare) return String(count)
  return `${count.toLocaleString('en-US')}\n${(100 * share).toFixed(share > 0 && share < 0.0995 ? 1 : 0)}%`
}

function textColor(share: number): string {
  if (share === 0) return colors.muted
  return share > 0.55 ? colors.onHeat : colors.text
}

/** Even one wrong message in a thousand has to be seen, so the scale does not start at nothing. */
const heat = (share: number): string => (share === 0 ? 'transparent' : `rgba(${heatRgb},${0.08 + 0.92 * share})`)

function toCell(count: number, share: number, column: number, row: number, withShare: boolean) {
  return {
    value: [column, row, share],
    label: { formatter: () => cellText(count, share, withShare), color: textColor(share) },
    itemStyle: { color: heat(share) },
  }
}

/** The cells; of a large matrix only what is there, since its many zeros would hide the rest. */
function toCells(confusion: number[][], withShare: boolean) {
  return confusion.flatMap((counts, row) => {
    const total = counts.reduce((sum, count) => sum + count, 0)
    const cells = counts.map((count, column) => toCell(count, total > 0 ? count / total : 0, column, row, withShare))
    return withShare ? cells : cells.filter((_, column) => counts[column] !== 0)
  })
}

/** An axis of label names, with its own name beside them. */
const axis = (name: string, names: string[], fontSize: number, nameGap: number) => ({
  type: 'category',
  data: names,
  name,
  nameLocation: 'middle',
  nameGap,
  nameTextStyle: { color: colors.muted, fontSize: 12 },
  axisLabel: { color: colors.text, fontSize, interval: 0 },
  axisTick: { show: false },
  axisLine: { show: false },
  splitLine: { show: true, interval: 0, lineStyle: { color: colors.rule } },
})

/**
 * Draws a confusion matrix.
 * @param confusion counts `[truth][predicted]`
 * @returns an SVG picture, as large as its number of labels asks for
 */
export function renderConfusion(labels: string[], confusion: number[][]): string {
  const { cell, font, withShare } = sizes(labels.length)
  const names = labels.map(shorten)
  const nameFont = Math.max(font, 11)
  const nameWidth = Math.max(...names.map((name) => name.length)) * nameFont * 0.62
  const isUpright = nameWidth > cell - 6
  const [left, top] = [nameWidth + 40, (isUpright ? nameWidth : nameFont) + 40]
  const side = cell * labels.length
  const columns = axis('predicted', names, nameFont, top - 24)
  const rows = axis('truth', names, nameFont, left - 24)
  const option = {
    grid: { left, top, width: side, height: side },
    xAxis: { ...columns, position: 'top', axisLabel: { ...columns.axisLabel, rotate: isUpright ? 90 : 0 } },
    yAxis: { ...rows, inverse: true },
    visualMap: { show: false, min: 0, max: 1, dimension: 2 },
    series: {
      type: 'heatmap',
      silent: true,
      data: toCells(confusion, withShare),
      label: { show: true, fontSize: font, lineHeight: font * 1.35 },
    },
  }
  return renderChart(option, left + side + 16, top + side + 16)
}
