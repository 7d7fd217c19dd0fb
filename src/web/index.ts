/** `graft-lora/web`: classification in a page of one's own, by a worker on the visitor's machine. No text leaves the browser. */
import type { Classifier } from '../core/classifier.ts'
import { unknownAdapter } from '../core/classifier/tasks.ts'
import { ofTexts } from '../core/classifier/texts.ts'
import { type CallOptions, type Connection, connect } from './connection.ts'
import {
  type AddedAdapter,
  type CallName,
  type Calls,
  type ClassifiedTable,
  type ClassifyTableRequest,
  type Device,
  type LoadProgress,
  type ModelInfo,
  PROTOCOL,
  type RowProgress,
  type TableInfo,
} from './protocol.ts'
import { patienceOf, revive } from './revive.ts'
import { workerFile } from './worker-file.ts'

export type {
  AdapterChoice,
  Classification,
  Classifier,
  ClassifyOptions,
  LabelScore,
  OfTexts,
} from '../core/classifier.ts'
export { GraftError } from '../core/errors.ts'
export type { Answer, ProblemType, TaskSpec } from '../core/task.ts'
export type {
  AddedAdapter,
  ClassifiedTable,
  Device,
  LabelCount,
  LoadProgress,
  ModelInfo,
  RowProgress,
  TableInfo,
  TaskInfo,
} from './protocol.ts'

export interface WebOptions {
  /** URL of the bundle's folder; `bundle/` in the site's by default. */
  bundle?: string | URL | undefined
  /** `cpu` (WebAssembly) by default; `webgpu` downloads a runtime of its own, and is an error where the browser has none. */
  device?: Device | undefined
  /** Threads of the CPU; by default 1, or up to 4 where the page is cross-origin isolated. */
  threads?: number | undefined
  /** Whether the bundle is known to have GPT-2's tokenizer: then its vocabulary is downloaded at once, before the bundle says so. */
  gpt2?: boolean | undefined
  /** Called while files are downloaded or read from the cache. */
  onProgress?: ((progress: LoadProgress) => void) | undefined
}

export interface ClassifyTableOptions extends Omit<ClassifyTableRequest, 'file' | 'name'> {
  onProgress?: ((progress: RowProgress) => void) | undefined
  signal?: AbortSignal | undefined
}

/** A classifier with the interface that `openBundle` gives in Node, and what a page can do besides. */
export interface WebClassifier extends Classifier {
  readonly model: ModelInfo
  /**
   * Adds an adapter of the visitor's: the files of an adapter folder, or its safetensors file alone.
   * @throws GraftError `adapter`, `adapter-base`, `safetensors`
   */
  addAdapter(name: string, files: readonly File[]): Promise<AddedAdapter>
  /** Columns and number of rows of a CSV or TSV file. @throws GraftError `file-empty`, `file-encoding`, `data-row` */
  readTable(file: File): Promise<TableInfo>
  /**
   * Classifies a CSV or TSV file.
   * @throws GraftError as `readTable`; `data-column` where the column is not told and not a usual one; `interrupted`
   */
  classifyTable(file: File, options: ClassifyTableOptions): Promise<ClassifiedTable>
}

/** Beyond a few threads so small a model gains nothing. */
const MAX_THREADS = 4

const defaultThreads = () => (globalThis.crossOriginIsolated ? Math.min(MAX_THREADS, navigator.hardwareConcurrency) : 1)

/**
 * Loads a model into a worker of its own.
 * @param site URL of the folder that `graft web` wrote, on the page's own origin
 * @throws GraftError `browser` where the browser lacks something, `network`, `checksum`, `memory`, `bundle`
 * @example
 * import { createClassifier } from 'graft-lora/web'
 *
 * const classifier = await createClassifier('./site/')
 * const { label, score } = await classifier.classify('A film that I loved', { adapter: 'sentiment' })
 * console.log(label, score)
 * await classifier.close()
 */
export async function createClassifier(
  site: string | URL,
  { bundle = 'bundle/', device = 'cpu', threads = defaultThreads(), gpt2 = false, onProgress }: WebOptions = {},
): Promise<WebClassifier> {
  const siteUrl = folderUrl(site, document.baseURI)
  const request = { protocol: PROTOCOL, bundle: folderUrl(bundle, siteUrl).href, device, threads, gpt2 }
  const start = async (): Promise<[Connection, ModelInfo]> => {
    const connection = connect(new URL(workerFile, siteUrl))
    try {
      return [connection, await connection.call('open', request, { onProgress })]
    } catch (error) {
      connection.close()
      throw error
    }
  }
  return classifierOn(await start(), start)
}

/** A folder's URL needs its slash, or relative ones would lose its last part. */
function folderUrl(url: string | URL, base: string | URL): URL {
  const folder = new URL(url, base)
  if (!folder.pathname.endsWith('/')) folder.pathname += '/'
  return folder
}

/** A classifier on a worker, and on another like it where that is lost. */
function classifierOn(
  [first, opened]: [Connection, ModelInfo],
  start: () => Promise<[Connection, ModelInfo]>,
): WebClassifier {
  let model = opened
  const added = new Map<string, readonly File[]>()
  const revived = revive(first, async () => {
    const [connection] = await start()
    for (const [name, files] of added) await connection.call('addAdapter', { name, files })
    return connection
  })
  const call = <Name extends CallName>(
    name: Name,
    request: Calls[Name]['request'],
    options?: CallOptions<Name>,
  ): Promise<Calls[Name]['result']> =>
    revived.call(name, request, { ...options, patience: patienceOf(name, request, model.maxLength) })
  return {
    get model() {
      return model
    },
    get adapters() {
      return model.tasks.flatMap(({ adapter }) => adapter ?? [])
    },
    labels(adapter) {
      return this.task(adapter).labels
    },
    task(adapter) {
      const names = this.adapters
      const [only, ...others] =
        adapter === undefined ? model.tasks : model.tasks.filter((task) => task.adapter === adapter)
      if (!only || others.length > 0) throw unknownAdapter(adapter, names)
      return only
    },
    classify: ofTexts((texts, options) => call('classify', { texts, ...options })),
    logits: ofTexts((texts, options) => call('logits', { texts, ...options })),
    async addAdapter(name, files) {
      const { assumptions, ...task } = await call('addAdapter', { name, files })
      added.set(name, files)
      model = { ...model, tasks: [...model.tasks.filter(({ adapter }) => adapter !== name), task] }
      return { ...task, assumptions }
    },
    readTable: (file) => call('readTable', { file, name: file.name }),
    classifyTable: (file, { text, adapters, ...options }) =>
      call('classifyTable', { file, name: file.name, text, adapters }, options),
    async close() {
      revived.close()
    },
    async [Symbol.asyncDispose]() {
      revived.close()
    },
  }
}
