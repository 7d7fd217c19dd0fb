/**
 * Whether a worker is inside of ONNX Runtime, in memory that it shares with the main thread. To end a thread there would end the
 * whole process: its native code meets an exception that nothing catches. A thread that runs JavaScript, however long, can be ended.
 */

const [OUTSIDE, INSIDE, CONDEMNED] = [0, 1, 2]

export const createRuntimeMark = (): Int32Array => new Int32Array(new SharedArrayBuffer(4))

/** The worker's side: runs what calls ONNX Runtime. Never settles in a worker that is being ended. */
export async function insideRuntime<T>(mark: Int32Array, run: () => Promise<T>): Promise<T> {
  if (Atomics.compareExchange(mark, 0, OUTSIDE, INSIDE) === CONDEMNED) return new Promise(() => undefined)
  try {
    return await run()
  } finally {
    Atomics.store(mark, 0, OUTSIDE)
  }
}

/** The main thread's side: whether the worker may be ended. From then on it does not get into ONNX Runtime any more. */
export const mayEnd = (mark: Int32Array): boolean => Atomics.compareExchange(mark, 0, OUTSIDE, CONDEMNED) !== INSIDE
