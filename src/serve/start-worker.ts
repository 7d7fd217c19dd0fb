/** Starts a worker thread, from the build or, in a clone, from the sources. */
import { Worker } from 'node:worker_threads'
import type { WorkerData } from './protocol.ts'

const file = import.meta.url.endsWith('.ts')
  ? new URL('./worker-source.mjs', import.meta.url)
  : new URL('./worker.js', import.meta.url)

/** Flags of the main thread, such as `--input-type`, are none for a file. */
export const startWorker = (workerData: WorkerData): Worker => new Worker(file, { workerData, execArgv: [] })
