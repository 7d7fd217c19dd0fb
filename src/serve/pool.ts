/** Worker threads that take jobs whenever they are free; one that dies is replaced, and its jobs are tried once more. */
import type { Worker } from 'node:worker_threads'
import { GraftError } from '../core/errors.ts'
import { type Answer, type FromWorker, fromFailure, type SlotMessage, type Task, type WorkerData } from './protocol.ts'
import { startWorker } from './start-worker.ts'

/** One task; exactly one of its callbacks is called. */
export interface Job {
  task: Task
  done(answer: Answer): void
  failed(error: GraftError): void
}

export interface PoolOptions {
  workers: number
  /** What a worker that starts now has to know. */
  data(): WorkerData
  /** The next job, if there is one. */
  next(): Job | undefined
}

export interface Pool {
  /** Whether a worker is up. */
  ready(): boolean
  /** Does a task before those that `next` gives. */
  run(task: Task): Promise<Answer>
  /** There may be jobs: free workers look for them. */
  wake(): void
  /** Tells all workers, those that are just starting too. */
  broadcast(message: SlotMessage): void
  /** Ends the workers after the jobs that they have. */
  close(): Promise<void>
}

interface Member {
  worker: Worker
  ready: boolean
  /** What it runs. */
  job?: Job | undefined
  ended: Promise<void>
}

/** A worker that cannot start would be replaced without pause. */
const RESTART_DELAY_MS = 1000

/**
 * Starts the workers and waits until all are up.
 * @throws GraftError what opening a model in a worker throws: `bundle`, `config`
 */
export async function createPool({ workers, data, next }: PoolOptions): Promise<Pool> {
  const members = new Set<Member>()
  /** Jobs that come before those of `next`. */
  const first: Job[] = []
  /** Jobs whose worker died once. */
  const retried = new WeakSet<Job>()
  let closed = false

  function feed(member: Member): void {
    if (!member.ready || member.job) return
    const job = first.shift() ?? next()
    if (!job) return
    member.worker.postMessage(job.task)
    member.job = job
  }

  const wake = () => members.forEach(feed)

  function receive(member: Member, message: FromWorker): void {
    if (message.type === 'ready') member.ready = true
    const { job } = member
    member.job = undefined
    // Before the answer is worked on, so that the worker does not wait for it.
    feed(member)
    if (message.type === 'done' || message.type === 'prepared') job?.done(message)
    if (message.type === 'failed') job?.failed(fromFailure(message.failure))
  }

  function replace(member: Member): void {
    members.delete(member)
    if (closed) return
    const { job } = member
    if (job && retried.has(job)) job.failed(died())
    else if (job) {
      retried.add(job)
      first.push(job)
    }
    // A worker that fails to start ends, and is replaced in turn.
    setTimeout(() => !closed && start().catch(() => undefined), member.ready ? 0 : RESTART_DELAY_MS)
    wake()
  }

  /** Settles when the worker is up, or has failed to start. */
  function start(): Promise<void> {
    const worker = startWorker(data())
    const ended = new Promise<void>((resolve) => worker.on('exit', () => resolve()))
    const member: Member = { worker, ended, ready: false }
    members.add(member)
    return new Promise((resolve, reject) => {
      worker.on('message', (message: FromWorker) => {
        receive(member, message)
        if (message.type === 'ready') resolve()
        if (message.type === 'start-failed') reject(fromFailure(message.failure))
      })
      worker.on('error', (error) => reject(died(error)))
      worker.on('exit', () => {
        reject(died())
        replace(member)
      })
    })
  }

  /** `terminate` would end the whole process where it meets a thread inside of ONNX Runtime. */
  async function close(): Promise<void> {
    closed = true
    for (const { worker } of members) worker.postMessage({ type: 'close' })
    await Promise.all(Array.from(members, ({ ended }) => ended))
  }

  try {
    await Promise.all(Array.from({ length: workers }, start))
  } catch (error) {
    await close()
    throw error
  }
  return {
    ready: () => !closed && [...members].some(({ ready }) => ready),
    run: (task) =>
      new Promise((done, failed) => {
        first.push({ task, done, failed })
        wake()
      }),
    wake,
    broadcast: (message) => members.forEach(({ worker }) => worker.postMessage(message)),
    close,
  }
}

const died = (cause?: unknown) =>
  new GraftError('runtime', `a worker thread ended${cause === undefined ? '' : `: ${String(cause)}`}`, {
    hint: 'Try again; if it happens again, give the server more memory.',
    cause,
  })
