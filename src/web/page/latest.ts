/** Work on a value that changes faster than the work is done. */

/**
 * Runs one piece of work at a time. What is asked for meanwhile waits, and only the newest of it is done.
 * @param work does not fail
 */
export function latest<T>(work: (value: T) => Promise<void>): (value: T) => void {
  let running = false
  let next: { value: T } | undefined

  async function run(): Promise<void> {
    running = true
    while (next) {
      const { value } = next
      next = undefined
      await work(value)
    }
    running = false
  }

  return (value) => {
    next = { value }
    if (!running) void run()
  }
}

/** Calls once the calls have paused for so long. */
export function debounce(call: () => void, milliseconds: number): () => void {
  let timer = 0
  return () => {
    clearTimeout(timer)
    timer = window.setTimeout(call, milliseconds)
  }
}
