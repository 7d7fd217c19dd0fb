/** The models behind a server: what workers open, and which version of what answers a request. */
import { taskFields } from '../core/task.ts'
import { join } from 'node:path'
import { graphDataFile, graphPath, type Manifest } from '../core/bundle.ts'
import { GraftError } from '../core/errors.ts'
import { modelOf } from '../core/families.ts'
import type { ModelConfig } from '../core/family.ts'
import { tokenizerIdentity } from '../core/tokenizer.ts'
import { type Bundle, readBundle } from '../files/bundle-folder.ts'
import { readBytes } from '../files/read.ts'
import { slotShapes, slotSize } from './pack.ts'
import { type AdapterRequirements, prepareAdapter, type PreparedAdapter } from './prepare.ts'
import { probe, type ProbeSubject } from './probe.ts'
import {
  type Answer,
  type PrepareMessage,
  type RunMessage,
  shareBytes,
  type SlotMessage,
  type WorkerModel,
} from './protocol.ts'
import { createRegistry, type Lease, type Registry } from './registry.ts'
import { createSlots } from './slots.ts'
import type { Uploads } from './uploads.ts'

export interface ServedModel {
  name: string
  manifest: Manifest
  config: ModelConfig
  /** None if merged. */
  registry?: Registry
  /** What a worker that starts now has to know. */
  forWorker(): WorkerModel
  /** @throws GraftError `serve-adapter`, `usage` */
  resolve(adapter: string | undefined): Promise<Lease>
  /** Runs what is in memory. @throws GraftError `adapter` where an answer is no number */
  probe(): Promise<void>
}

export interface ModelOptions {
  /** Whether to check the files' hashes. */
  verify?: boolean | undefined
  /** Most adapters in memory, besides those that requests still use. */
  maxAdapters: number
  /** Largest rank of an adapter; the largest of the bundle's own by default. */
  maxRank?: number | undefined
  /** Tells the workers what is in a slot. */
  onFill(message: SlotMessage): void
  /** Has a worker prepare an adapter; undefined before there are any, when nobody minds that this thread does. */
  prepare(message: PrepareMessage): Promise<PreparedAdapter> | undefined
  /** Has a worker run texts; undefined before there are any. */
  run(message: RunMessage): Promise<Answer> | undefined
  /** Milliseconds after which a change of an adapter is given up. */
  changeTimeoutMs: number
  /** Where the model's uploads are kept; nowhere but in memory without. */
  uploads(): Uploads | undefined
}

/** Slots for adapters that were replaced or evicted while requests still use them; a load beyond these waits. */
const SPARE_SLOTS = 4
/** Labels that an adapter may have at least: a label costs one row of the head only. */
const MIN_LABEL_LIMIT = 64
/** Texts that an adapter is tried with. */
const PROBE_TEXTS = 4

/** @throws GraftError what `readBundle` throws, and `adapter`, `file-read` */
export async function openModel(name: string, dir: string, options: ModelOptions): Promise<ServedModel> {
  const bundle = await readBundle(dir, { verify: options.verify })
  const path = join(dir, graphPath)
  // Weights beside the graph are found by its path, and mapped into memory once for all workers.
  const graph = `onnx/${graphDataFile}` in bundle.manifest.files ? path : shareBytes(await readBytes(path))
  return bundle.manifest.kind === 'merged'
    ? mergedModel(name, graph, bundle, bundle.manifest, options)
    : unmergedModel(name, graph, bundle, bundle.manifest, options)
}

type ManifestOf<Kind> = Extract<Manifest, { kind: Kind }>

function mergedModel(
  name: string,
  graph: WorkerModel['graph'],
  bundle: Bundle,
  manifest: ManifestOf<'merged'>,
  options: ModelOptions,
): ServedModel {
  const { config } = bundle
  const { labels, maxLength } = manifest
  const task = { labels, ...taskFields(manifest) }
  const version = manifest.files[graphPath] ?? '' // a manifest that lists no graph is refused
  return {
    name,
    manifest,
    config,
    forWorker: () => ({ name, graph, config, tokenizer: bundle.tokenizer, labels: labels.length, slots: new Map() }),
    async resolve(adapter) {
      if (adapter === undefined) return { version, ...task, maxLength, slot: 0, release() {} }
      throw new GraftError('serve-adapter', `model ${name} is merged and has no adapter ${JSON.stringify(adapter)}`, {
        hint: 'Leave the adapter out.',
        value: adapter,
      })
    },
    probe: () => proberOf(name, bundle, options)([{ name: bundle.dir, slot: 0, labels, maxLength }]),
  }
}

/** Tries what is served with texts of the bundle's own probes. */
function proberOf(model: string, { golden, config }: Bundle, { run }: Pick<ModelOptions, 'run'>) {
  const texts = [...new Set(golden.map(({ text }) => text))].slice(0, PROBE_TEXTS)
  return async (subjects: readonly ProbeSubject[]) => {
    const cut = subjects.map((each) => ({
      ...each,
      maxLength: Math.min(each.maxLength, modelOf(config).sizes.positions),
    }))
    await probe(cut, { model, texts, run })
  }
}

async function unmergedModel(
  name: string,
  graph: WorkerModel['graph'],
  bundle: Bundle,
  manifest: ManifestOf<'unmerged'>,
  options: ModelOptions,
): Promise<ServedModel> {
  const { config, dir } = bundle
  const { maxAdapters, maxRank = manifest.rank, onFill, prepare, changeTimeoutMs, uploads } = options
  const tryOut = proberOf(name, bundle, options)
  const labels = Math.max(MIN_LABEL_LIMIT, ...manifest.adapters.map((adapter) => adapter.labels.length))
  const requirements: AdapterRequirements = {
    config,
    targets: manifest.targets,
    limits: { rank: maxRank, labels },
    sha256: manifest.provenance.baseSha256,
    tokenizer: tokenizerIdentity(bundle.tokenizer),
  }
  const capacity = maxAdapters + SPARE_SLOTS
  const slots = createSlots({
    capacity,
    size: slotSize(requirements),
    onFill: (slot, memory) => onFill({ type: 'slot', model: name, slot, memory }),
  })
  const registry = createRegistry({
    maxAdapters,
    slots,
    prepare: async (adapter) =>
      prepare({ type: 'prepare', model: name, ...adapter }) ?? prepareAdapter(adapter, requirements),
    probe: (adapter) => tryOut([adapter]),
    changeTimeoutMs,
    uploads,
  })
  for (const adapter of manifest.adapters) {
    await registry.load(adapter.name, { folder: join(dir, 'adapters', adapter.name) })
  }
  const stack = slotShapes(requirements, capacity)
  return {
    name,
    manifest,
    config,
    registry,
    forWorker: () => ({
      name,
      graph,
      config,
      tokenizer: bundle.tokenizer,
      labels,
      stack,
      slots: slots.contents,
      requirements,
    }),
    resolve: registry.resolve,
    probe: () => tryOut(registry.resident()),
  }
}
