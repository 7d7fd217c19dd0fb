/**
 * Keeps a model's adapters in step with the folders in the adapter directory: those that appear, change or vanish. It
 * looks again and again instead of asking the system to tell, which network and container mounts do not do reliably.
 */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { GraftError } from '../core/errors.ts'
import { readError } from '../files/read.ts'
import { shorten } from './problem.ts'
import { adapterName } from './schemas.ts'
import type { InferenceService } from './service.ts'

export interface WatchOptions {
  service: Pick<InferenceService, 'loadAdapter' | 'removeAdapter'>
  model: string
  /** The service's adapter directory. */
  dir: string
  log: Logger
  intervalMs?: number
}

export interface Watcher {
  close(): Promise<void>
}

/**
 * Loads what is there already, and follows.
 * @throws GraftError `file-not-found`, `file-read` for a directory that cannot be read at the start
 * @example
 * import { mkdir } from 'node:fs/promises'
 * import { createInference, createLog, watchAdapters } from 'graft-lora/serve'
 *
 * await mkdir('runs/served', { recursive: true })
 * const bundles = [{ name: 'reviews', dir: 'runs/unmerged' }]
 * const limits = { workers: 1, maxQueue: 1000, maxBatchTokens: 2048, maxAdapters: 16 }
 * const service = await createInference({ bundles, ...limits, adapterDir: 'runs/served' })
 * const { logger: log } = createLog({ fd: 2, onDrop: () => {} })
 * const watcher = await watchAdapters({ service, model: 'reviews', dir: 'runs/served', log })
 * await watcher.close()
 * await service.close()
 */
export async function watchAdapters({ intervalMs = 1000, ...options }: WatchOptions): Promise<Watcher> {
  const look = createLook(options)
  await look()
  const stop = new AbortController()
  async function follow(): Promise<void> {
    while (!stop.signal.aborted) {
      await sleep(intervalMs, undefined, { signal: stop.signal }).catch(() => undefined)
      await look().catch((error: Error) => options.log.warn({ reason: error.message }, 'adapters not looked at'))
    }
  }
  const followed = follow()
  return {
    async close() {
      stop.abort()
      await followed
    },
  }
}

function createLook({ service, model, dir, log }: Omit<WatchOptions, 'intervalMs'>): () => Promise<void> {
  let before = new Map<string, string>()
  /** States that were loaded, or refused: those are not tried again until they change. */
  const tried = new Map<string, string>()
  const loaded = new Set<string>()

  async function load(name: string): Promise<void> {
    try {
      const { version } = await service.loadAdapter(model, name, name)
      loaded.add(name)
      log.info({ model, adapter: name, version }, 'adapter loaded')
    } catch (error) {
      log.warn({ model, adapter: name, reason: shorten(String(error)) }, 'adapter refused')
      if (isOfTheMoment(error)) tried.delete(name)
    }
  }

  async function remove(name: string): Promise<void> {
    if (loaded.has(name)) {
      try {
        await service.removeAdapter(model, name)
        log.info({ model, adapter: name }, 'adapter removed')
      } catch (error) {
        log.warn({ model, adapter: name, reason: shorten(String(error)) }, 'adapter not removed')
        if (isOfTheMoment(error)) return
      }
    }
    tried.delete(name)
    loaded.delete(name)
  }

  return async () => {
    const now = await statesOf(dir)
    for (const [name, state] of now) {
      // What changed since the last look is perhaps still being written.
      if (before.get(name) !== state || tried.get(name) === state) continue
      tried.set(name, state)
      await load(name)
    }
    for (const name of tried.keys()) if (!now.has(name)) await remove(name)
    before = now
  }
}

/** What the server failed at, and not the folder: worth another try, as one that was removed through the API before is not. */
const isOfTheMoment = (error: unknown): boolean =>
  error instanceof GraftError && ['serve-timeout', 'serve-worker', 'serve-closed'].includes(error.code)

const fileNames = ['adapter_config.json', 'adapter_model.safetensors', 'graft.json']

/** Each adapter folder's state: a text that changes with its files. */
async function statesOf(dir: string): Promise<Map<string, string>> {
  const names = await readdir(dir).catch((error: unknown) => {
    throw readError(error, dir)
  })
  const states = new Map<string, string>()
  for (const name of names.filter((each) => adapterName.safeParse(each).success)) {
    const files = await Promise.all(fileNames.map((file) => stat(join(dir, name, file)).catch(() => undefined)))
    if (files.every((file) => file !== undefined)) {
      states.set(name, files.map(({ ino, size, mtimeMs }) => `${ino} ${size} ${mtimeMs}`).join(', '))
    }
  }
  return states
}
