/** A CSV file: its text column chosen, its rows classified with a progress bar, the result to download. */
import type { ClassifiedTable, WebClassifier } from '../index.ts'
import { byId, create } from './dom.ts'
import { count, explainError, plural } from './format.ts'

export interface TableTool {
  /** Classifies a file. */
  open(file: File): void
}

export interface TableContext {
  classifier(): WebClassifier
  /** The chosen tasks. */
  adapters(): string[]
}

export function createTableTool({ classifier, adapters }: TableContext): TableTool {
  const input = byId('table-file', HTMLInputElement)
  const column = byId('table-column', HTMLSelectElement)
  const bar = byId('table-bar', HTMLProgressElement)
  const download = byId('table-download', HTMLAnchorElement)
  const problem = byId('table-problem', HTMLParagraphElement)
  const [area, running, result] = ['table', 'table-running', 'table-result'].map((id) => byId(id, HTMLDivElement)) as [
    HTMLDivElement,
    HTMLDivElement,
    HTMLDivElement,
  ]
  let file: File | undefined
  let stop = new AbortController()

  /** Shows the failure of work that is still wanted. */
  async function attempt(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    stop.abort()
    stop = new AbortController()
    const { signal } = stop
    problem.textContent = ''
    try {
      await work(signal)
    } catch (error) {
      if (!signal.aborted) problem.textContent = explainError(error)
    } finally {
      if (!signal.aborted) running.hidden = true
    }
  }

  async function open(opened: File): Promise<void> {
    file = opened
    area.hidden = result.hidden = running.hidden = true
    await attempt(async (signal) => {
      const { columns, rows, text } = await classifier().readTable(opened)
      if (signal.aborted) return
      byId('table-name', HTMLElement).textContent = opened.name
      byId('table-rows', HTMLElement).textContent = plural(rows, 'row')
      const choose = text === undefined ? [new Option('Choose…', '', true, true)] : []
      column.replaceChildren(...choose, ...columns.map((name) => new Option(name, name, false, name === text)))
      area.hidden = false
    })
    if (!area.hidden && column.value !== '') await classify()
  }

  async function classify(): Promise<void> {
    const [opened, text, chosen] = [file, column.value, adapters()]
    if (!opened || text === '') return
    result.hidden = true
    running.hidden = false
    showProgress(0, 1)
    await attempt(async (signal) => {
      const onProgress = ({ done, total }: { done: number; total: number }) => showProgress(done, total)
      const classified = await classifier().classifyTable(opened, { text, adapters: chosen, signal, onProgress })
      if (!signal.aborted) showResult(classified, chosen)
    })
  }

  function showProgress(done: number, total: number): void {
    Object.assign(bar, { value: done, max: total })
    byId('table-progress', HTMLElement).textContent = done === 0 ? '' : `${count(done)} of ${plural(total, 'row')}`
  }

  function showResult({ file: table, name, counts, blank }: ClassifiedTable, chosen: readonly string[]): void {
    URL.revokeObjectURL(download.href)
    Object.assign(download, { href: URL.createObjectURL(table), download: name })
    byId('table-counts', HTMLDListElement).replaceChildren(
      ...counts.flatMap((each, at) => [
        ...(counts.length > 1 ? [create('dt', { text: chosen[at] ?? '', className: 'group' })] : []),
        ...Object.entries(each)
          .sort(([, a], [, b]) => b - a)
          .flatMap(([label, rows]) => [create('dt', { text: label }), create('dd', { text: count(rows) })]),
      ]),
      ...(blank > 0 ? [create('dt', { text: 'no text' }), create('dd', { text: count(blank) })] : []),
    )
    result.hidden = false
  }

  input.addEventListener('change', () => {
    const [chosen] = input.files ?? []
    if (chosen) void open(chosen)
    input.value = '' // so that the same file can be chosen again
  })
  column.addEventListener('change', () => void classify())
  byId('table-stop', HTMLButtonElement).addEventListener('click', () => {
    stop.abort()
    running.hidden = true
  })
  return { open: (opened) => void open(opened) }
}
