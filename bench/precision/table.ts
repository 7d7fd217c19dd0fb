/** Tables of docs/precision.md. */
import { median } from '../measure.ts'

/** Prints a table as Markdown. */
export function printTable(title: string, columns: readonly string[], rows: readonly (readonly string[])[]): void {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  console.log(['', `### ${title}`, '', line(columns), line(columns.map(() => '---')), ...rows.map(line)].join('\n'))
}

/** How many times as fast as a reference, by medians. */
export const ratio = (reference: readonly number[] | undefined, times: readonly number[]): string =>
  reference === undefined || reference === times ? '' : `${(median(reference) / median(times)).toFixed(2)} ×`
