/** Inference behind `graft serve`: bundles, a bounded queue, and worker threads that take batches from it. */
import { taskFields } from '../core/task.ts'
import { availableParallelism } from 'node:os'
import { GraftError } from '../core/errors.ts'
import { modelOf } from '../core/families.ts'
import { folderInside } from './folders.ts'
import { openModel, type ServedModel } from './models.ts'
import { preparedAdapter, toJob } from './job.ts'
import { createPool, type Pool } from './pool.ts'
import type { PrepareMessage, RunMessage, SlotMessage, Task } from './protocol.ts'
import { createQueue, type Queue } from './queue.ts'
import { createRate, type Rate } from './rate.ts'
import type { Registry } from './registry.ts'
import { type QueuedText, submit } from './request.ts'
import { type Uploads, openUploads } from './uploads.ts'
import type { ClassifyRequest, ClassifyResult, InferenceService, ModelStatus, ServiceObserver } from './service.ts'

export interface InferenceOptions {
  /** At least one; names must differ. */
  bundles: readonly { name: string; dir: string }[]
  /** Threads, one ONNX Runtime session each; one a core by default. */
  workers?: number | undefined
  /** Most texts that may wait. */
  maxQueue: number
  /** How long texts wait for a batch to fill up while a worker is free; not at all by default. */
  maxWaitMs?: number | undefined
  /** Most tokens of a batch, padding included. */
  maxBatchTokens: number
  /** Folder inside of which `loadAdapter` reads, and in which uploads to the only unmerged model are kept, where it can be written to. */
  adapterDir?: string | undefined
  /** Most adapters of a model in memory; the least recently used is evicted. */
  maxAdapters: number
  /** Largest rank of an adapter, which each text pays for; the largest of the bundle's own by default. */
  maxRank?: number | undefined
  /** Milliseconds after which a worker with a batch is replaced, and the batch tried once more; for an adapter it is more by its size. */
  taskTimeoutMs?: number | undefined
  /** Milliseconds after which a change of an adapter is given up. */
  changeTimeoutMs?: number | undefined
  /** Whether to check files by their hashes, which is the default: those of the bundles, and of adapters that `loadAdapter` reads. */
  verify?: boolean | undefined
  observer?: ServiceObserver | undefined
}

/** Time that a worker has for its start, besides that which ONNX Runtime takes. */
const START_MS = 60_000
/** Bytes of an adapter that a slow machine checks in a millisecond. */
const BYTES_PER_MS = 10_000

/**
 * Opens bundles and starts the workers. All that it needs is read into memory: the files may vanish, but for those of
 * adapters that were evicted.
 * @throws GraftError what reading a bundle throws; `adapter` for a model or an adapter whose answers are no numbers; `usage` for two
 *   models of one name
 * @example
 * import { createInference } from 'graft-lora/serve'
 *
 * const bundles = [{ name: 'reviews', dir: 'runs/unmerged' }]
 * const service = await createInference({ bundles, workers: 1, maxQueue: 1000, maxBatchTokens: 2048, maxAdapters: 16 })
 * const request = { model: 'reviews', adapter: 'sentiment', texts: ['A film that I loved'], truncate: true }
 * const { results } = await service.classify(request)
 * console.log(results)
 * await service.close()
 */
export async function createInference(options: InferenceOptions): Promise<InferenceService> {
  const { adapterDir } = options
  const uploads = adapterDir === undefined ? undefined : await openUploads(adapterDir)
  return openInference(options, uploads).catch(async (error: unknown) => {
    await uploads?.close()
    throw error
  })
}

async function openInference(options: InferenceOptions, uploads: Uploads | undefined): Promise<InferenceService> {
  const { bundles, workers = availableParallelism(), maxQueue, maxWaitMs = 0, maxBatchTokens, observer } = options
  const { taskTimeoutMs = 15_000, changeTimeoutMs = 60_000 } = options
  const queue = createQueue<QueuedText>({ maxBatchTokens, maxWaitMs })
  const rate = createRate(workers)
  const observed: ServiceObserver = {
    onDequeue: (seconds) => observer?.onDequeue?.(seconds),
    onBatch(batch) {
      rate.add(batch.rows, batch.seconds)
      observer?.onBatch?.(batch)
    },
  }
  const models = new Map<string, ServedModel>()
  let pool: Pool | undefined
  const links = {
    onFill: (message: SlotMessage) => pool?.broadcast(message),
    prepare: (message: PrepareMessage) => pool?.run(message).then(preparedAdapter),
    run: (message: RunMessage) => pool?.run(message),
    changeTimeoutMs,
    // Names of adapters are a model's own: of several models, two uploads may have the same.
    uploads: () => (countUnmerged(models) === 1 ? uploads : undefined),
  }
  for (const { name, dir } of bundles) {
    if (models.has(name)) throw sameName(name)
    models.set(name, await openModel(name, dir, { ...options, ...links }))
  }
  pool = await createPool({
    workers,
    data: () => ({ models: Array.from(models.values(), (model) => model.forWorker()), maxBatchTokens }),
    next: () => toJob(queue.next(), observed),
    timeLimit: (task) => (task === 'start' ? START_MS : taskTimeoutMs + bytesOf(task) / BYTES_PER_MS),
  })
  try {
    for (const model of models.values()) await model.probe()
  } catch (error) {
    await pool.close()
    throw error
  }
  return service({
    models,
    pool,
    queue,
    rate,
    maxQueue,
    maxWaitMs,
    adapterDir: options.adapterDir,
    verify: options.verify,
    uploads,
  })
}

const countUnmerged = (models: ReadonlyMap<string, ServedModel>) =>
  [...models.values()].filter(({ manifest }) => manifest.kind === 'unmerged').length

const bytesOf = (task: Task) => (task.type === 'run' ? 0 : task.files['adapter_model.safetensors'].length)

interface Parts extends Required<Pick<InferenceOptions, 'maxQueue' | 'maxWaitMs'>> {
  models: ReadonlyMap<string, ServedModel>
  pool: Pool
  queue: Queue<QueuedText>
  rate: Rate
  adapterDir: string | undefined
  verify: boolean | undefined
  uploads: Uploads | undefined
}

function service({
  models,
  pool,
  queue,
  rate,
  maxQueue,
  maxWaitMs,
  adapterDir,
  verify,
  uploads,
}: Parts): InferenceService {
  const accepted = new Set<Promise<unknown>>()
  /** Texts that wait for their adapter to come back. */
  let resolving = 0
  let closing: Promise<void> | undefined

  function servedModel(name: string): ServedModel {
    const model = models.get(name)
    if (!model) throw unknownModel(name, [...models.keys()])
    return model
  }

  function registryOf(name: string): Registry {
    if (closing) throw closed()
    const { registry } = servedModel(name)
    if (registry) return registry
    throw new GraftError('serve-adapter', `model ${name} is merged and takes no adapters`, {
      hint: 'Serve an unmerged bundle: `graft export --mode unmerged`.',
      value: name,
    })
  }

  /** Workers look for texts once all requests that arrived together are in the queue. */
  function wakeSoon(): void {
    setImmediate(pool.wake)
    if (maxWaitMs > 0) setTimeout(pool.wake, maxWaitMs)
  }

  /** Closing waits for it. */
  function accept<T>(work: Promise<T>): Promise<T> {
    accepted.add(work)
    return work.finally(() => accepted.delete(work))
  }

  function answer(model: ServedModel, request: ClassifyRequest): Promise<ClassifyResult> {
    const count = request.texts.length
    resolving += count
    const leased = model.resolve(request.adapter).finally(() => (resolving -= count))
    return submit({ request, leased, queue, positions: modelOf(model.config).sizes.positions, onQueued: wakeSoon })
  }

  return {
    models: () => Array.from(models.values(), (model) => toStatus(model, pool.ready() && !closing)),
    ready: () => !closing && pool.ready(),
    queueSize: () => queue.size + resolving,
    queueSeconds: () => rate.secondsFor(queue.size + resolving),
    async classify(request) {
      if (closing) throw closed()
      const model = servedModel(request.model)
      if (!pool.ready()) throw notReady()
      checkTexts(request.texts)
      if (queue.size + resolving + request.texts.length > maxQueue) throw overloaded(maxQueue)
      return accept(answer(model, request))
    },
    putAdapter: async (model, name, files) => accept(registryOf(model).load(name, { files })),
    async loadAdapter(model, name, folder) {
      const registry = registryOf(model)
      const source = folder === undefined ? registry.folderOf(name) : await folderInside(adapterDir, folder, verify)
      if (closing) throw closed()
      return accept(registry.load(name, source))
    },
    removeAdapter: async (model, name) => accept(registryOf(model).remove(name)),
    close: () =>
      (closing ??= Promise.allSettled(accepted)
        .then(() => pool.close())
        .finally(() => uploads?.close())),
  }
}

const toStatus = ({ name, manifest, registry }: ServedModel, ready: boolean): ModelStatus => ({
  name,
  kind: manifest.kind,
  ready,
  maxLength: manifest.maxLength,
  ...(manifest.kind === 'merged' && { labels: manifest.labels, ...taskFields(manifest) }),
  adapters: registry?.statuses() ?? [],
})

function checkTexts(texts: readonly string[]): void {
  const empty = texts.findIndex((text) => text.trim() === '')
  if (texts.length > 0 && empty < 0) return
  throw new GraftError('text-empty', texts.length === 0 ? 'there is no text' : `text ${empty + 1} is empty`, {
    hint: 'Send at least one text, none of them empty.',
    value: texts[empty],
  })
}

const sameName = (name: string) =>
  new GraftError('usage', `two models are named ${name}`, { hint: 'Give each bundle a name of its own.', value: name })

const unknownModel = (name: string, names: string[]) =>
  new GraftError('serve-model', `there is no model ${JSON.stringify(name)}`, {
    hint: `Choose a model: ${names.join(', ')}.`,
    value: name,
  })

const overloaded = (maxQueue: number) =>
  new GraftError('serve-overloaded', `more than ${maxQueue} texts would wait`, { hint: 'Try again in a moment.' })

const notReady = () =>
  new GraftError('serve-closed', 'no worker is up at the moment', { hint: 'Try again in a few seconds.' })

const closed = () =>
  new GraftError('serve-closed', 'the server is shutting down', { hint: 'Send the request to another server.' })
