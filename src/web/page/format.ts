/** Numbers as people read them. */

/** `0.973` → `97.3 %`; what rounds to all or nothing without being it says so. */
export function percent(share: number): string {
  const rounded = (100 * share).toFixed(1)
  if (rounded === '100.0' && share < 1) return '> 99.9 %'
  if (rounded === '0.0' && share > 0) return '< 0.1 %'
  return `${rounded} %`
}

/** Bytes in MB. */
export const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1)

export const count = (value: number): string => value.toLocaleString('en-US')

/** `3 rows`, `1 row` */
export const plural = (value: number, noun: string): string => `${count(value)} ${noun}${value === 1 ? '' : 's'}`

/** `about 2 min left`; nothing before it can be told. */
export function timeLeft(milliseconds: number): string {
  if (!Number.isFinite(milliseconds)) return ''
  const seconds = Math.ceil(milliseconds / 1000)
  if (seconds < 60) return `about ${seconds} s left`
  return seconds < 3600 ? `about ${Math.round(seconds / 60)} min left` : `about ${(seconds / 3600).toFixed(1)} h left`
}

/** What to say of a failure: an error of ours has a hint. */
export function describeError(error: unknown): { message: string; hint: string } {
  const { message = String(error), hint = 'Reload the page.' } = error as { message?: string; hint?: string }
  // A word begins with a capital, a file's name or URL stays as it is.
  return { message: message.replace(/^[a-z]+(?= )/, (word) => word.slice(0, 1).toUpperCase() + word.slice(1)), hint }
}

/** The same as one text. */
export function explainError(error: unknown): string {
  const { message, hint } = describeError(error)
  return `${message}. ${hint}`
}
