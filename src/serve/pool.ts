/** Worker threads that take jobs whenever they are free; one that dies or is stuck is replaced, and its job is tried once more. */
import type { Worker } from 'node:worker_threads'
import { GraftError } from '../core/errors.ts'
import { type Answer, type FromWorker, fromFailure, type SlotMessage, type Task, type WorkerData } from './protocol.ts'
import { createRuntimeMark, mayEnd } from './runtime-mark.ts'
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
  data(): Omit<WorkerData, 'runtimeMark'>
  /** The next job, if there is one. */
  next(): Job | undefined
  /** Milliseconds after which a worker with this task, or one that is starting, counts as stuck. */
  timeLimit(task: Task | 'start'): number
}

export interface Pool {
  /** Whether a worker is up, and not stuck. */
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
  /** Whether it took longer than it may. */
  stuck: boolean
  /** What it runs. */
  job?: Job | undefined
  /** Ends what takes too long. */
  watchdog?: NodeJS.Timeout | undefined
  runtimeMark: Int32Array
  ended: Promise<void>
}

/** A worker that cannot start would be replaced without pause. */
const RESTART_DELAY_MS = 1000
/** A worker without a job ends in some milliseconds. */
const CLOSE_MS = 2000
/** How soon the watchdog looks again at a stuck worker that it could not end. */
const LOOK_AGAIN_MS = 1000

/**
 * Starts the workers and waits until all are up.
 * @throws GraftError what opening a model in a worker throws: `bundle`, `config`
 */
export async function createPool({ workers, data, next, timeLimit }: PoolOptions): Promise<Pool> {
  const members = new Set<Member>()
  /** Jobs that come before those of `next`. */
  const first: Job[] = []
  /** Jobs whose worker died or was stuck once. */
  const retried = new WeakSet<Job>()
  let closed = false

  function feed(member: Member): void {
    if (!member.ready || member.job) return
    const job = first.shift() ?? next()
    if (!job) return
    try {
      member.worker.postMessage(job.task)
    } catch (error) {
      return job.failed(unsendable(error))
    }
    member.job = job
    watch(member, timeLimit(job.task))
  }

  const wake = () => members.forEach(feed)

  /** Ends the worker unless it is heard of in time. */
  function watch(member: Member, ms: number): void {
    clearTimeout(member.watchdog)
    member.watchdog = setTimeout(() => {
      member.stuck = true
      if (mayEnd(member.runtimeMark)) void member.worker.terminate()
      else watch(member, LOOK_AGAIN_MS)
    }, ms)
  }

  function receive(member: Member, message: FromWorker): void {
    if (message.type === 'ready') member.ready = true
    clearTimeout(member.watchdog)
    member.stuck = false
    const { job } = member
    member.job = undefined
    // Before the answer is worked on, so that the worker does not wait for it.
    feed(member)
    if (message.type === 'done' || message.type === 'prepared') job?.done(message)
    if (message.type === 'failed') job?.failed(fromFailure(message.failure))
  }

  function replace(member: Member): void {
    clearTimeout(member.watchdog)
    members.delete(member)
    if (member.job) tryAgain(member.job, member.stuck)
    if (closed) return
    // A worker that fails to start ends, and is replaced in turn.
    setTimeout(() => !closed && start().catch(() => undefined), member.ready ? 0 : RESTART_DELAY_MS)
    wake()
  }

  /** What a worker was stuck with may be innocent, as one text of a batch; an adapter is not, and would take the next worker too. */
  function tryAgain(job: Job, stuck: boolean): void {
    if (closed || retried.has(job) || (stuck && job.task.type === 'prepare'))
      return job.failed(stuck ? tooSlow() : died())
    retried.add(job)
    first.push(job)
  }

  /** Settles when the worker is up, or has failed to start. */
  function start(): Promise<void> {
    const runtimeMark = createRuntimeMark()
    const worker = startWorker({ ...data(), runtimeMark })
    const ended = new Promise<void>((resolve) => worker.on('exit', () => resolve()))
    const member: Member = { worker, ended, runtimeMark, ready: false, stuck: false }
    members.add(member)
    watch(member, timeLimit('start'))
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

  async function close(): Promise<void> {
    closed = true
    for (const member of members) {
      member.worker.postMessage({ type: 'close' })
      if (!member.job) watch(member, CLOSE_MS)
    }
    await Promise.all(Array.from(members, ({ ended }) => ended))
  }

  try {
    await Promise.all(Array.from({ length: workers }, start))
  } catch (error) {
    await close()
    throw error
  }
  return {
    ready: () => !closed && [...members].some(({ ready, stuck }) => ready && !stuck),
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
  new GraftError('serve-worker', `a worker thread ended${cause === undefined ? '' : `: ${String(cause)}`}`, {
    hint: 'Try again; if it happens again, give the server more memory.',
    cause,
  })

const unsendable = (cause: unknown) =>
  new GraftError('adapter', `the adapter's files hold what is not JSON: ${String(cause)}`, {
    hint: 'Give the files as they were parsed.',
    cause,
  })

const tooSlow = () =>
  new GraftError('serve-worker', 'a worker thread took too long over this, and was replaced', {
    hint: 'Try again; if it happens again, send fewer texts at a time, or look at the adapter.',
  })
