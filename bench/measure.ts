/** Timing for benchmarks: medians and spreads, since machines are shared and noisy. */

/** Median of some numbers. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
}

/** Milliseconds of each of `repeats` runs, after `warmups` that are not counted. */
export async function time(run: () => Promise<unknown>, repeats: number, warmups = 0): Promise<number[]> {
  for (let i = 0; i < warmups; i++) await run()
  const times: number[] = []
  for (let i = 0; i < repeats; i++) {
    const started = performance.now()
    await run()
    times.push(performance.now() - started)
  }
  return times
}

/** `45 ms (43–52)`: median, smallest and largest. */
export function describe(times: readonly number[]): string {
  const format = (value: number) => value.toFixed(value < 10 ? 1 : 0)
  return `${format(median(times))} ms (${format(Math.min(...times))}–${format(Math.max(...times))})`
}
