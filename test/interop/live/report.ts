/** What was compared, said at once and counted. */
export interface Result {
  name: string
  ok: boolean
  detail: string
}

/** Logits may differ by this much. */
export const TOLERANCE = 1e-4

const results: Result[] = []

export function report(result: Result): void {
  results.push(result)
  console.log(`${result.ok ? 'ok    ' : 'FAILED'}  ${result.name}: ${result.detail}`)
}

export const reportDifference = (name: string, difference: number): void =>
  report({ name, ok: difference < TOLERANCE, detail: `max difference ${difference.toExponential(1)}` })

/** What is no result: what is read of, or why something was left out. */
export const note = (text: string): void => console.log(`        ${text}`)

/** @returns how many failed */
export function summarize(): number {
  const failed = results.filter(({ ok }) => !ok).length
  console.log(`\n${results.length - failed} passed, ${failed} failed`)
  return failed
}
