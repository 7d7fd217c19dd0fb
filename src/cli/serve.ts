/** `graft serve`: answers HTTP requests with bundles, and takes new adapters while it runs. */
import { basename, resolve } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { GraftError } from '../core/errors.ts'
import { readBytes } from '../files/read.ts'
import { isLoopback } from '../serve/host.ts'
import type { InferenceService, ModelStatus } from '../serve/index.ts'
import { jsonOption, list, positiveInteger, wholeNumber } from './options.ts'
import { curlExample } from './serve/example.ts'
import { keepRunning } from './serve/output.ts'
import { die, untilAskedToStop } from './serve/shutdown.ts'
import { type Ui, createUi } from './ui.ts'

interface Options {
  port: number
  host: string
  workers?: number
  maxQueue: number
  maxWaitMs: number
  maxBatchTokens: number
  maxAdapters: number
  maxRank?: number
  maxBody: number
  timeoutMs: number
  keepAliveMs: number
  drainMs: number
  allowedHost?: string[]
  verify: boolean
  adapterDir?: string
  watch?: boolean
  apiKeyFile?: string
  adminKeyFile?: string
  corsOrigin: string[]
  json?: boolean
}

interface BundleSource {
  name: string
  dir: string
}

/** Texts in one request. */
const MAX_INPUTS = 256
/** How long a connection may be silent, over the time that its request may take. */
const IDLE_MS = 60_000
/** A worker may be stuck for half of a request's time, so that another can still answer it; but for no less than this. */
const MIN_TASK_MS = 5_000
/** Time for the last log lines at the end. */
const LOG_FLUSH_MS = 1_000
const STDERR = 2

/** The `serve` command. */
export function serveCommand(): Command {
  return new Command('serve')
    .description('serve bundles over HTTP')
    .argument('<[name=]bundle...>', 'folders that `graft export` wrote', collectBundles)
    .option('--port <number>', 'port; 0 for any that is free', port, 8080)
    .option('--host <address>', 'address to listen on; 0.0.0.0 for all', '127.0.0.1')
    .option('--workers <count>', 'threads that classify (default: one a core)', positiveInteger)
    .option('--max-queue <texts>', 'texts that may wait; more are refused (429)', positiveInteger, 1024)
    .option('--max-wait-ms <ms>', 'time that texts wait for a batch to fill up', wholeNumber, 0)
    .option('--max-batch-tokens <tokens>', 'tokens of a batch, padding included', positiveInteger, 2048)
    .option('--max-body <bytes>', 'size of a request (413)', positiveInteger, 2 ** 20)
    .option('--timeout-ms <ms>', 'time after which a request is given up (504)', positiveInteger, 30_000)
    .option(
      '--keep-alive-ms <ms>',
      'time that a silent connection is kept; proxies keep theirs for 60 s',
      positiveInteger,
      75_000,
    )
    .option(
      '--drain-ms <ms>',
      'time at SIGTERM for requests that have come; then the process ends',
      positiveInteger,
      20_000,
    )
    .option(
      '--allowed-host <names>',
      'names that the server answers to, with commas, besides localhost and IP addresses',
      list,
    )
    .option('--no-verify', 'do not check the files of bundles and adapters by their hashes')
    .option('--adapter-dir <dir>', 'folder whose adapters may be loaded while the server runs')
    .option('--watch', 'load, replace and remove adapters as their folders in --adapter-dir come, change and go')
    .option('--max-adapters <count>', 'adapters of a model in memory; others come back from disk', positiveInteger, 64)
    .option('--max-rank <r>', "largest rank of an adapter (default: the bundle's)", positiveInteger)
    .option('--api-key-file <file>', 'keys that may ask, one a line (default: everybody may)')
    .option('--admin-key-file <file>', 'keys that may change adapters, one a line (default: nobody may)')
    .option('--cors-origin <origins>', 'sites whose pages may ask, with commas (default: none)', list, [])
    .addOption(jsonOption())
    .action(serveBundles)
}

/** `spam=models/spam-merged`; without a name the folder's own is used. */
function collectBundles(text: string, others: BundleSource[] = []): BundleSource[] {
  const [, name, dir = text] = /^(\w[\w.-]*)=(.+)$/.exec(text) ?? []
  return [...others, { name: name ?? basename(resolve(dir)), dir }]
}

function port(text: string): number {
  const value = wholeNumber(text)
  if (value > 65_535) throw new InvalidArgumentError('Expected a port, 0 to 65535.')
  return value
}

async function serveBundles(bundles: BundleSource[], options: Options): Promise<void> {
  const stopped = untilAskedToStop(options.drainMs)
  const ui = createUi(options)
  const started = await Promise.race([start(bundles, options), stopped])
  // Nobody was answered yet: nothing is to be finished.
  if (typeof started === 'string') return die(started)
  announce(ui, started.url, started.service, started.hasKeys)
  const signal = await stopped
  // A write that somebody holds up would hold up the end too.
  if (!(await started.close())) die(signal)
}

/** Makes the parts and puts them together. What fails here ends the process, workers and all. */
async function start(bundles: BundleSource[], options: Options) {
  const { port, host, maxBody, timeoutMs, watch, corsOrigin: corsOrigins, ...limits } = options
  const { createApp, createInference, createLog, createMetrics, startServer, watchAdapters } =
    await import('../serve/index.ts')
  const dir = watch ? watchedDir(options) : undefined
  const [apiKeys, adminKeys] = [await readKeys(limits.apiKeyFile), await readKeys(limits.adminKeyFile)]
  const metrics = createMetrics()
  const { logger: log, flush } = createLog({ fd: STDERR, onDrop: () => metrics.droppedLines.inc() })
  const taskTimeoutMs = Math.max(MIN_TASK_MS, timeoutMs / 2)
  const service = await createInference({ bundles, observer: metrics.observer, taskTimeoutMs, ...limits })
  const watcher =
    dir === undefined ? undefined : await watchAdapters({ service, log, dir, model: watchedModel(service) })
  let stopping = false
  // Readiness goes false first, while requests that are on their way are still served.
  const ready = () => !stopping && service.ready()
  const parts = { service: { ...service, ready }, metrics, log, maxBody, timeoutMs, adminKeys }
  // A request of more texts than may ever wait would be told to try again for ever.
  const maxInputs = Math.min(MAX_INPUTS, limits.maxQueue)
  // Where others reach the server, it has names that it does not know of.
  const allowedHosts = options.allowedHost ?? (isLoopback(host) ? [] : undefined)
  const app = createApp({ ...parts, maxInputs, apiKeys, corsOrigins, allowedHosts })
  const timeouts = { idleTimeout: timeoutMs + IDLE_MS, keepAliveTimeout: options.keepAliveMs }
  const server = await startServer({ app, port, host, ...timeouts })
  keepRunning(log)
  async function close(): Promise<boolean> {
    stopping = true
    log.info('stopping: requests that have come are finished')
    await watcher?.close()
    await server.close()
    await service.close()
    log.info('stopped')
    return flush(LOG_FLUSH_MS)
  }
  return { url: server.url, service, hasKeys: apiKeys.length > 0, close }
}

function watchedModel(service: InferenceService): string {
  const [model, other] = service.models().filter(({ kind }) => kind === 'unmerged')
  if (model && !other) return model.name
  throw new GraftError('usage', `--watch needs one unmerged bundle, and there ${model ? 'are several' : 'is none'}`, {
    hint: 'Serve one unmerged bundle, or change adapters through the API.',
  })
}

function watchedDir({ adapterDir }: Options): string {
  if (adapterDir !== undefined) return adapterDir
  throw new GraftError('usage', '--watch needs a folder to watch', { hint: 'Name it with --adapter-dir.' })
}

async function readKeys(file: string | undefined): Promise<string[]> {
  if (file === undefined) return []
  const { parseKeys } = await import('../serve/index.ts')
  return parseKeys(new TextDecoder().decode(await readBytes(file)), file)
}

function announce(ui: Ui, url: string, service: InferenceService, hasKeys: boolean): void {
  const models = service.models()
  ui.table(['model', 'kind', 'adapters'], models.map(describe))
  ui.line(`\nListening on ${url}; the API: ${url}/docs\n`)
  ui.line(curlExample(url, models, { hasKeys }))
  ui.result({ url, models })
}

const describe = ({ name, kind, adapters }: ModelStatus) => [
  name,
  kind,
  adapters.map((adapter) => adapter.name).join(', '),
]
