/** Tables as text: no frame, two spaces between columns, numbers aligned right, never wider than the terminal. */
import { stripVTControlCharacters } from 'node:util'
import Table from 'cli-table3'
import pc from 'picocolors'

export type Cell = string | number

const gap = 2
const numeric = /^[-+]?\d[\d,.]*( ?%)?$/
const noFrame = Object.fromEntries(
  ['top', 'bottom', 'left', 'right']
    .flatMap((side) => [side, `${side}-mid`, `${side}-left`, `${side}-right`])
    .map((part) => [part, '']),
)

const cellText = (cell: Cell): string => (typeof cell === 'number' ? cell.toLocaleString('en-US') : cell)
const cellWidth = (text: string): number => stripVTControlCharacters(text).length

/** Column widths that fit in `columns`: the widest column gives way, and its text is wrapped. */
function fitWidths(grid: string[][], columns: number): number[] {
  const widths = (grid[0] ?? []).map((_, column) => gap + Math.max(...grid.map((row) => cellWidth(row[column] ?? ''))))
  const overflow = widths.reduce((total, width) => total + width, 0) - columns
  const widest = widths.indexOf(Math.max(...widths))
  return widths.map((width, column) => (column === widest && overflow > 0 ? Math.max(12, width - overflow) : width))
}

/**
 * Formats a table.
 * @param columns the terminal's width; without it no text is wrapped
 */
export function formatTable(head: string[], rows: Cell[][], columns = Infinity): string {
  const texts = rows.map((row) => row.map(cellText))
  const isNumeric = head.map((_, column) => rows.length > 0 && texts.every((row) => numeric.test(row[column] ?? '')))
  const table = new Table({
    head: head.map((name) => pc.bold(name)),
    chars: { ...noFrame, mid: '', 'mid-mid': '', middle: '' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': gap, compact: true },
    colAligns: isNumeric.map((is) => (is ? 'right' : 'left')),
    colWidths: fitWidths([head, ...texts], columns),
    wordWrap: true,
  })
  table.push(...texts)
  return table.toString().replace(/[ ]+$/gm, '')
}
