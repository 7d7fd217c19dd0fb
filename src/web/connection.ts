/** The page's end of its worker: calls with answers, progress and an end on demand. */
import { GraftError } from '../core/errors.ts'
import { type CallName, type Calls, type FromWorker, type ToWorker, fromFailure } from './protocol.ts'

export interface CallOptions<Name extends CallName> {
  onProgress?: ((progress: Calls[Name]['progress']) => void) | undefined
  signal?: AbortSignal | undefined
  /** Milliseconds without a sign of life after which the worker counts as lost. */
  patience?: number | undefined
}

export interface Connection {
  /** @throws GraftError as the worker's work fails, `runtime` where it gives no sign of life */
  call<Name extends CallName>(
    name: Name,
    request: Calls[Name]['request'],
    options?: CallOptions<Name>,
  ): Promise<Calls[Name]['result']>
  /** Ends the worker; calls under way fail, with a reason or as closed. */
  close(reason?: GraftError): void
}

interface Pending {
  resolve: (result: never) => void
  reject: (error: unknown) => void
  onProgress: ((progress: never) => void) | undefined
  /** Begins to wait again for a sign of life. */
  wait: () => void
  stopWaiting: () => void
}

/** A worker that cannot be loaded gives an event without a message, one that fails later its error's. */
const failureOf = (event: ErrorEvent, url: URL) =>
  event.message
    ? new GraftError('runtime', `the worker failed: ${event.message}`, { hint: 'Reload the page.' })
    : notStarted(url)

const ended = () => new GraftError('browser', 'the classifier was closed', { hint: 'Make a new one.' })

const silent = () =>
  new GraftError('runtime', 'the worker gives no answer', {
    hint: 'Reload the page, or give it a shorter text.',
  })

const notStarted = (url: URL) =>
  new GraftError('browser', `the worker ${url.href} cannot be started`, {
    hint: 'The folder that `graft web` wrote must lie whole on the page’s own server.',
    file: url.href,
  })

/** Starts a worker. That it cannot be loaded shows in the first call. */
export function connect(url: URL): Connection {
  const worker = new Worker(url, { type: 'module', name: 'graft' })
  const pending = new Map<number, Pending>()
  let last = 0

  function failAll(error: GraftError): void {
    for (const { reject, stopWaiting } of pending.values()) {
      stopWaiting()
      reject(error)
    }
    pending.clear()
  }

  function settle(message: FromWorker): void {
    const call = pending.get(message.id)
    for (const { wait } of pending.values()) wait()
    // The worker answers with what belongs to the call.
    if (message.type === 'progress') return call?.onProgress?.(message.progress as never)
    pending.delete(message.id)
    call?.stopWaiting()
    if (message.type === 'done') call?.resolve(message.result as never)
    else call?.reject(fromFailure(message.failure))
  }

  worker.addEventListener('message', ({ data }: MessageEvent<FromWorker>) => settle(data))
  worker.addEventListener('error', (event) => failAll(failureOf(event, url)))
  const post = (message: ToWorker) => worker.postMessage(message)

  return {
    call: (name, request, { onProgress, signal, patience } = {}) =>
      new Promise((resolve, reject) => {
        const id = ++last
        let timer: ReturnType<typeof setTimeout> | undefined
        const stopWaiting = () => clearTimeout(timer)
        const wait = () => {
          stopWaiting()
          if (patience !== undefined) timer = setTimeout(() => reject(silent()), patience)
        }
        wait()
        pending.set(id, { resolve, reject, onProgress, wait, stopWaiting })
        signal?.addEventListener('abort', () => post({ id, call: 'cancel' }))
        post({ id, call: name, request } as ToWorker) // name and request belong together by the signature
      }),
    close(reason = ended()) {
      worker.terminate()
      failAll(reason)
    },
  }
}
