/** A model in the worker: its graph loaded once, its adapters exchanged as inputs. */
import type { Adapter } from '../../core/adapter.ts'
import { type TaskSpec, taskFields } from '../../core/task.ts'
import { type TaskNotes, notesOf } from '../../core/adapter/info.ts'
import type { Manifest, Probe } from '../../core/bundle.ts'
import { type Classifier, type Model, createClassifier } from '../../core/classifier.ts'
import { type Encode, createEncoder } from '../../core/encoder.ts'
import { GraftError } from '../../core/errors.ts'
import type { ModelConfig } from '../../core/family.ts'
import { type LoadedGraph, createSession, stackOf } from '../../core/session.ts'
import type { BytePairRanks } from '../../core/tokenizer/ranks.ts'
import { ranks } from 'virtual:runtime-files'
import {
  type AddAdapterRequest,
  type AddedAdapter,
  type LoadProgress,
  type ModelInfo,
  type OpenRequest,
  PROTOCOL,
  type TaskInfo,
} from '../protocol.ts'
import { type RemoteBundle, openBundle, parseJson } from './bundle.ts'
import { type Downloads, type FileSource, openDownloads } from './downloads.ts'
import { type RuntimeOptions, checkBrowser, runtimeFiles, startRuntime, urlOf } from './graph.ts'

export interface Engine {
  info: ModelInfo
  /** With the adapters that there are now. */
  readonly classifier: Classifier
  addAdapter(request: AddAdapterRequest): Promise<AddedAdapter>
}

const siteFile = (file: { path: string; sha256: string; bytes: number }): FileSource => ({
  ...file,
  url: urlOf(file.path),
})

/** @throws GraftError what `checkBrowser`, `openBundle`, `startRuntime` and loading the graph throw */
export async function openEngine(request: OpenRequest, onProgress: (progress: LoadProgress) => void): Promise<Engine> {
  if (request.protocol !== PROTOCOL) throw otherVersion()
  await checkBrowser(request)
  const folder = new URL(request.bundle)
  const downloads = await openDownloads(folder, onProgress)
  const starting = downloads
    .get(siteFile(runtimeFiles(request.device).wasm))
    .then((wasm) => startRuntime(wasm, request))
  // Should one fail while something else is awaited, it is reported below.
  starting.catch(() => undefined)
  let gettingRanks: Promise<BytePairRanks> | undefined
  const getRanks = () => (gettingRanks ??= readRanks(downloads))
  if (request.gpt2) getRanks().catch(() => undefined)
  const { graph: bytes, ...bundle } = await openBundle(folder, downloads, getRanks)
  const { config } = bundle.base
  const encode = createEncoder(config, bundle.tokenizer)
  const [graph, { threads }] = await Promise.all([
    starting.then((runtime) => runtime.load(bytes, bundle.manifest.precision)),
    starting,
  ])
  void downloads.tidy()
  return createEngine(bundle, { device: request.device, threads }, makerOf(graph, encode, config))
}

/** GPT-2's vocabulary is a file of the site, made by vite.config.ts and checked against its hash. */
const readRanks = async (downloads: Downloads) =>
  parseJson(await downloads.get(siteFile(ranks)), ranks.path) as BytePairRanks

/** Outside of `openEngine`, whose downloaded bytes it would keep in memory. */
const makerOf = (graph: LoadedGraph, encode: Encode, config: ModelConfig) => async (model: Model) =>
  createClassifier({ session: createSession(graph, await stackOf(model, config)), encode, config, model })

async function createEngine(
  { manifest, base, model: downloaded, golden }: Omit<RemoteBundle, 'graph'>,
  { device, threads }: RuntimeOptions,
  classifierOf: (model: Model) => Promise<Classifier>,
): Promise<Engine> {
  let model = downloaded
  let classifier = await classifierOf(model)
  let adding: Promise<unknown> = Promise.resolve()

  async function addAdapter({ name, files }: AddAdapterRequest): Promise<AddedAdapter> {
    if (!('adapters' in model)) throw noAdapters()
    // Loaded by those who have one.
    const { readAdapterFiles } = await import('./adapter-files.ts')
    const example = [...model.adapters.values()][0]
    const { adapter, assumptions } = await readAdapterFiles(files, { ...base, maxLength: manifest.maxLength, example })
    const next = { ...model, adapters: new Map<string, Adapter>(model.adapters) }
    next.adapters.delete(name)
    next.adapters.set(name, adapter)
    classifier = await classifierOf(next)
    model = next
    return { adapter: name, labels: adapter.info.labels, ...aboutOf(adapter.info), assumptions }
  }

  return {
    info: {
      title: manifest.title,
      description: manifest.description,
      tasks: tasksOf(manifest, golden),
      maxLength: manifest.maxLength,
      device,
      threads,
      baseSha256: manifest.provenance.baseSha256,
    },
    get classifier() {
      return classifier
    },
    addAdapter(request) {
      // One after the other: each is added to those that are there.
      const added = adding.then(() => addAdapter(request))
      adding = added.catch(() => undefined)
      return added
    },
  }
}

/** All that is told of a task beside its labels. */
const aboutOf = (info: TaskNotes & Omit<TaskSpec, 'labels'>) => ({ ...taskFields(info), ...notesOf(info) })

/** Not one letter of another script than the probes' own sentences. */
const isLatin = (text: string) => !/[^\p{Script=Latin}\P{L}]/u.test(text)

/** The bundle's tasks; without examples of their own, with the probe texts that are not there for the edges. */
function tasksOf(manifest: Manifest, golden: readonly Probe[]): TaskInfo[] {
  const probes = new Set(golden.map(({ text }) => text))
  const examples = [...probes].filter((text) => text.length >= 10 && text.length <= 120 && isLatin(text))
  const tasks = manifest.kind === 'merged' ? [{ ...manifest, name: undefined }] : manifest.adapters
  return tasks.map((task) => ({ adapter: task.name, labels: task.labels, examples, ...aboutOf(task) }))
}

const noAdapters = () =>
  new GraftError('adapter', 'this model is merged: it takes no adapters', {
    hint: 'Export with --mode unmerged, and make the site of that bundle.',
  })

const otherVersion = () =>
  new GraftError('browser', 'the site is of another version of Graft than the library', {
    hint: 'Make the site again with `graft web`, by the version that the page imports.',
  })
