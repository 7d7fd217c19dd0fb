/** The model on its way: bytes so far, or what went wrong. */
import type { LoadProgress } from '../index.ts'
import { byId } from './dom.ts'
import { describeError, megabytes } from './format.ts'

const loading = byId('loading', HTMLDivElement)
const failure = byId('failure', HTMLDivElement)
const bar = byId('load-bar', HTMLProgressElement)
const bytes = byId('load-bytes', HTMLSpanElement)

/** Shows the bar, still without a number. */
export function startLoading(): void {
  bar.removeAttribute('value')
  bytes.textContent = ''
  failure.hidden = true
  loading.hidden = false
}

export function showLoadProgress({ loaded, total }: LoadProgress): void {
  if (total !== undefined) Object.assign(bar, { max: total, value: loaded })
  bytes.textContent = total === undefined ? `${megabytes(loaded)} MB` : `${megabytes(loaded)} of ${megabytes(total)} MB`
}

/** All is well. */
export function endLoading(): void {
  loading.hidden = failure.hidden = true
}

export function showFailure(title: string, error: unknown): void {
  const { message, hint } = describeError(error)
  loading.hidden = true
  byId('failure-heading', HTMLHeadingElement).textContent = title
  byId('failure-message', HTMLParagraphElement).textContent = message
  byId('failure-hint', HTMLParagraphElement).textContent = hint
  failure.hidden = false
}
