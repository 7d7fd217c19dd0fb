/** A CSV file: its text column chosen, its rows classified with a progress bar, the result to download. */
import type { ClassifiedTable, WebClassifier } from '../index.ts'
import { byId, create } from './dom.ts'
import { count, explainError, plural, timeLeft } from './format.ts'

export interface TableTool {
  /** Classifies a file. */
  open(file: File): void
  /** Other tasks are chosen: what is shown is of those before. */
  tasksChanged(): void
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
  const offer = byId('table-offer', HTMLDivElement)
  const again = byId('table-again', HTMLButtonElement)
  let file: File | undefined
  /** The tasks that the result, or the work, is of. */
  let used: string[] = []
  let done = 0
  let isStopped = false
  let stop = new AbortController()

  /** Shows the failure of work that is still wanted. */
  async function attempt(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    stop.abort()
    stop = new AbortController()
    const { signal } = stop
    problem.textContent = ''
    offer.hidden = true
    isStopped = false
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
      if (column.value !== '') void classify()
    })
  }

  async function classify(): Promise<void> {
    const [opened, text] = [file, column.value]
    if (!opened || text === '') return
    const chosen = (used = adapters())
    result.hidden = true
    running.hidden = false
    byId('table-task', HTMLElement).textContent =
      chosen.length > 0 ? `Classifying by ${chosen.join(', ')}` : 'Classifying'
    showProgress(0, 1, 0)
    await attempt(async (signal) => {
      let first: { done: number; at: number } | undefined
      const onProgress = ({ done, total }: { done: number; total: number }) => {
        first ??= { done, at: performance.now() }
        showProgress(done, total, (performance.now() - first.at) / (done - first.done))
      }
      const classified = await classifier().classifyTable(opened, { text, adapters: chosen, signal, onProgress })
      if (!signal.aborted) showResult(classified, chosen)
    })
  }

  /** @param perRow milliseconds; the rows are in order of length, so that it grows a little */
  function showProgress(rows: number, total: number, perRow: number): void {
    done = rows
    Object.assign(bar, { value: rows, max: total })
    const left = perRow > 0 ? timeLeft(perRow * (total - rows)) : ''
    byId('table-progress', HTMLElement).textContent =
      rows === 0 ? '' : [`${count(rows)} of ${plural(total, 'row')}`, ...(left ? [left] : [])].join(' · ')
  }

  function showResult({ file: table, name, counts, blank }: ClassifiedTable, chosen: readonly string[]): void {
    URL.revokeObjectURL(download.href)
    Object.assign(download, { href: URL.createObjectURL(table), download: name })
    byId('table-result-task', HTMLElement).textContent = chosen.length > 0 ? `Classified by ${chosen.join(', ')}` : ''
    byId('table-counts', HTMLDListElement).replaceChildren(
      ...counts.flatMap((each, at) => [
        ...(counts.length > 1 ? [create('dt', { text: chosen[at] ?? '', className: 'group' })] : []),
        ...each.flatMap(({ label, rows }) => [create('dt', { text: label }), create('dd', { text: count(rows) })]),
      ]),
      ...(blank > 0 ? [create('dt', { text: 'no text' }), create('dd', { text: count(blank) })] : []),
    )
    result.hidden = false
    tasksChanged()
  }

  function offerAgain(text: string, button: string): void {
    byId('table-offer-text', HTMLElement).textContent = text
    again.textContent = button
    offer.hidden = false
  }

  /** A result of other tasks than those chosen says so, and so does what was stopped. */
  function tasksChanged(): void {
    const isStale = adapters().join('\n') !== used.join('\n')
    result.classList.toggle('stale', isStale)
    if (result.hidden && !isStopped) return
    const by = used.length > 0 ? ` by ${used.join(', ')}` : ''
    const state = isStopped
      ? `Stopped after ${plural(done, 'row')}${by}.`
      : `The tasks have changed: this result is${by}.`
    if (isStale) offerAgain(state, `Classify by ${adapters().join(', ')}`)
    else if (isStopped) offerAgain(state, 'Go on')
    else offer.hidden = true
  }

  input.addEventListener('change', () => {
    const [chosen] = input.files ?? []
    if (chosen) void open(chosen)
    input.value = '' // so that the same file can be chosen again
  })
  column.addEventListener('change', () => void classify())
  again.addEventListener('click', () => void classify())
  byId('table-stop', HTMLButtonElement).addEventListener('click', () => {
    stop.abort()
    running.hidden = true
    isStopped = true
    tasksChanged()
  })
  return { open: (opened) => void open(opened), tasksChanged }
}
