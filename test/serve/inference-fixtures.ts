/** Bundles with the same tiny base, and many versions of adapters for it whose answers are known. */
import { scoreOf } from '../fixtures/adapter.ts'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AdapterFiles, serializeAdapter } from '../../src/core/adapter.ts'
import { exportBundle } from '../../src/export/index.ts'
import { writeAdapter } from '../../src/files/adapter-folder.ts'
import { readBase, writeBase } from '../../src/files/base-folder.ts'
import { adapterIdentity } from '../../src/core/adapter/version.ts'
import { sha256 } from '../../src/files/hash.ts'
import { openBundle } from '../../src/runtime/index.ts'
import { createInference, type InferenceOptions } from '../../src/serve/inference.ts'
import type { ClassifiedText, InferenceService } from '../../src/serve/service.ts'
import { config, createAdapter, weights } from '../export/fixtures.ts'

/** Lengths from one token to more than the model's 40. */
export const texts = [
  'ok',
  'call me when you are home',
  'WINNER!! Claim your free prize now',
  'See you at the meeting tomorrow, and do not forget the slides for the second part',
  'naïve café 你好',
  'the quick brown fox jumps over the lazy dog and then '.repeat(6),
]

export interface Version {
  folder: string
  files: AdapterFiles
  /** Its version. */
  sha256: string
  /** What each of `texts` is, by this version of an adapter, in a classifier without a server. */
  expected: ClassifiedText[]
}

export interface ServeFixture {
  dir: string
  /** With the adapters `spam` (versions[0]) and `topic` (versions[1]). */
  unmerged: string
  /** Of versions[0]. */
  merged: string
  versions: Version[]
}

const labelSets = [
  ['ham', 'spam'],
  ['World', 'Sports', 'Business', 'Sci/Tech'],
  ['2', '1', '0'],
]

/** Writes a base, `count` adapters of different ranks, labels, and lengths, and the bundles. */
export async function writeServeFixture(count: number): Promise<ServeFixture> {
  const dir = await mkdtemp(join(tmpdir(), 'graft-serve-'))
  const base = join(dir, 'base')
  await writeBase(base, { config, weights }, {})
  const { sha256: baseSha256 } = await readBase(base)
  const adapters = Array.from({ length: count }, (_, seed) => {
    const labels = labelSets[seed % labelSets.length]!
    const options = { baseSha256, base, seed, rank: 1 + (seed % 4), labels, maxLength: 20 + (seed % 20) }
    const adapter = createAdapter(options)
    // Probabilities near 0 and 1 would be the same for all adapters.
    scoreOf(adapter).data = scoreOf(adapter).data.map((value) => 0.1 * value)
    return adapter
  })
  const folderOf = (version: number) => join(dir, 'adapters', `v${version}`)
  for (const [version, adapter] of adapters.entries()) await writeAdapter(folderOf(version), adapter)
  const sources = adapters.map((_, version) => ({ name: `v${version}`, dir: folderOf(version) }))
  const [all, unmerged, merged] = ['all', 'unmerged', 'merged'].map((name) => join(dir, name))
  const named = [
    { name: 'spam', dir: folderOf(0) },
    { name: 'topic', dir: folderOf(1) },
  ]
  // The server's limit is the rank of its own bundle's adapters, which the second raises.
  await exportBundle({ base, adapters: sources, mode: 'unmerged', dir: all! })
  await exportBundle({
    base,
    adapters: [...named, { name: 'wide', dir: folderOf(3) }],
    mode: 'unmerged',
    dir: unmerged!,
  })
  await exportBundle({ base, adapters: named.slice(0, 1), mode: 'merged', dir: merged! })
  const classifier = await openBundle(all!, { threads: 1 })
  const versions: Version[] = []
  for (const [version, adapter] of adapters.entries()) {
    const serialized = serializeAdapter(adapter)
    const bytes = serialized['adapter_model.safetensors']
    const files = {
      'adapter_config.json': JSON.parse(serialized['adapter_config.json']),
      'adapter_model.safetensors': bytes,
      'graft.json': JSON.parse(serialized['graft.json']),
    }
    const expected = await classifier.classify(texts, { adapter: `v${version}` })
    versions.push({
      folder: folderOf(version),
      files,
      sha256: sha256(adapterIdentity(adapter, sha256(bytes))),
      expected,
    })
  }
  await classifier.close()
  return { dir, unmerged: unmerged!, merged: merged!, versions }
}

const defaults = { workers: 2, maxQueue: 1000, maxBatchTokens: 1024, maxAdapters: 16 }

/** A server of the fixture's unmerged bundle, as the model `tiny`. */
export const serve = ({ unmerged }: ServeFixture, options: Partial<InferenceOptions> = {}): Promise<InferenceService> =>
  createInference({ bundles: [{ name: 'tiny', dir: unmerged }], ...defaults, ...options })

/** The largest difference between two answers' probabilities; infinite where anything else differs. */
export function difference(actual: ClassifiedText | undefined, expected: ClassifiedText | undefined): number {
  if (!actual || !expected) return Infinity
  const same = ['label', 'tokens', 'truncated'] as const
  if (same.some((key) => actual[key] !== expected[key])) return Infinity
  const names = (text: ClassifiedText) => text.scores.map(({ label }) => label).join('\n')
  if (names(actual) !== names(expected)) return Infinity
  return Math.max(...actual.scores.map(({ score }, id) => Math.abs(score - expected.scores[id]!.score)))
}
