/** A model in the worker: its graph loaded once, its adapters exchanged as inputs. */
import type { Adapter } from '../../core/adapter.ts'
import type { Probe } from '../../core/bundle.ts'
import { type Classifier, type Model, createClassifier } from '../../core/classifier.ts'
import { createEncoder } from '../../core/encoder.ts'
import { GraftError } from '../../core/errors.ts'
import { createSession, stackOf } from '../../core/session.ts'
import type { BytePairRanks } from '../../core/tokenizer.ts'
import { ranks } from 'virtual:runtime-files'
import type { AddAdapterRequest, AddedAdapter, LoadProgress, ModelInfo, OpenRequest, TaskInfo } from '../protocol.ts'
import { readAdapterFiles } from './adapter-files.ts'
import { type RemoteBundle, openBundle, parseJson } from './bundle.ts'
import { type FileSource, openDownloads } from './downloads.ts'
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
  await checkBrowser(request)
  const folder = new URL(request.bundle)
  const downloads = await openDownloads(folder, onProgress)
  const starting = downloads
    .get(siteFile(runtimeFiles(request.device).wasm))
    .then((wasm) => startRuntime(wasm, request))
  const vocabulary = downloads.get(siteFile(ranks))
  // One that fails while another is awaited is reported below.
  for (const each of [starting, vocabulary]) each.catch(() => undefined)
  const bundle = await openBundle(folder, downloads)
  const [graph, { threads }, encode, model, golden] = await Promise.all([
    Promise.all([bundle.graph(), starting]).then(([bytes, runtime]) => runtime.load(bytes)),
    starting,
    // Made by vite.config.ts, and checked against its hash.
    vocabulary.then((json) => createEncoder(bundle.config, parseJson(json, ranks.path) as BytePairRanks)),
    bundle.model(),
    bundle.golden(),
  ])
  void downloads.tidy()
  const classifierOf = (model: Model) => {
    const session = createSession(graph, stackOf(model, bundle.config))
    return createClassifier({ session, encode, config: bundle.config, model })
  }
  return createEngine(bundle, model, golden, { device: request.device, threads }, classifierOf)
}

function createEngine(
  { manifest, config }: RemoteBundle,
  downloaded: Model,
  golden: readonly Probe[],
  { device, threads }: RuntimeOptions,
  classifierOf: (model: Model) => Classifier,
): Engine {
  let model = downloaded
  let classifier = classifierOf(model)

  async function addAdapter({ name, files }: AddAdapterRequest): Promise<AddedAdapter> {
    if (!('adapters' in model)) throw noAdapters()
    const base = { config, sha256: manifest.provenance.baseSha256, maxLength: manifest.maxLength }
    const { adapter, assumptions } = await readAdapterFiles(files, {
      ...base,
      example: [...model.adapters.values()][0],
    })
    const next = { ...model, adapters: new Map<string, Adapter>(model.adapters) }
    next.adapters.delete(name)
    next.adapters.set(name, adapter)
    classifier = classifierOf(next)
    model = next
    return { adapter: name, labels: adapter.info.labels, assumptions }
  }

  return {
    info: {
      tasks: tasksOf(model),
      maxLength: manifest.maxLength,
      device,
      threads,
      probes: [...new Set(golden.map(({ text }) => text))],
      baseSha256: manifest.provenance.baseSha256,
    },
    get classifier() {
      return classifier
    },
    addAdapter,
  }
}

const tasksOf = (model: Model): TaskInfo[] =>
  'adapters' in model
    ? [...model.adapters].map(([adapter, { info }]) => ({ adapter, labels: info.labels }))
    : [{ adapter: undefined, labels: model.labels }]

const noAdapters = () =>
  new GraftError('adapter', 'this model is merged: it takes no adapters', {
    hint: 'Export with --mode unmerged, and make the site of that bundle.',
  })
