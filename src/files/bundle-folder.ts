/** A bundle folder, read for `serve` and `classify`. */
import { join } from 'node:path'
import type { Adapter } from '../core/adapter.ts'
import { type BaseIdentity, checkAdapter } from '../core/adapter/fit.ts'
import { type Manifest, parseGolden, parseManifest, type Probe } from '../core/bundle.ts'
import { GraftError } from '../core/errors.ts'
import { parseConfig } from '../core/families.ts'
import type { ModelConfig } from '../core/family.ts'
import { type TokenizerSource, tokenizerIdentity } from '../core/tokenizer.ts'
import { readAdapter } from './adapter-folder.ts'
import { sha256File } from './hash.ts'
import { readJson } from './read.ts'
import { readTokenizer } from './tokenizer-files.ts'

export interface Bundle {
  dir: string
  manifest: Manifest
  config: ModelConfig
  golden: Probe[]
  tokenizer: TokenizerSource
  /** By name, in the order of `adapter_index`; none if merged. */
  adapters: Map<string, Adapter>
}

const makeBundle = 'A bundle is what `graft export` makes of an adapter or a model: give that folder.'

async function readAdapters(dir: string, manifest: Manifest, base: BaseIdentity): Promise<Bundle['adapters']> {
  const adapters: Bundle['adapters'] = new Map()
  if (manifest.kind === 'merged') return adapters
  for (const { name, labels } of manifest.adapters) {
    const folder = join(dir, 'adapters', name)
    const adapter = await readAdapter(folder)
    if (adapter.info.labels.join('\n') !== labels.join('\n')) {
      throw new GraftError(
        'bundle',
        `${folder} has the labels ${adapter.info.labels.join(', ')}, not ${labels.join(', ')}`,
        {
          hint: 'The adapter was exchanged after the export: export again.',
          file: folder,
        },
      )
    }
    adapters.set(name, await checkAdapter(adapter, base, folder))
  }
  return adapters
}

/**
 * Checks one file of a bundle.
 * @param expected its SHA-256
 * @throws GraftError `bundle` for another content, `file-not-found`, `file-read`
 */
export async function checkHash(dir: string, path: string, expected: string): Promise<void> {
  const found = await sha256File(join(dir, path))
  if (found === expected) return
  const file = join(dir, path)
  throw new GraftError(
    'bundle',
    `${file} is damaged or was changed: its SHA-256 is ${found}, and graft.json says ${expected}`,
    {
      hint: 'Copy the bundle again, or make it again with `graft export`.',
      file,
    },
  )
}

export interface ReadBundleOptions {
  /** Whether to check the files' hashes, which is the default: 60 MB take about 0.08 s. */
  verify?: boolean | undefined
}

/**
 * Reads all of a bundle but the graph, and checks that no file was changed and that the parts fit together.
 * @throws GraftError `file-not-found`, `file-format`, `bundle`, `config`, and what `readAdapter` and `checkAdapter` throw
 */
export async function readBundle(dir: string, { verify = true }: ReadBundleOptions = {}): Promise<Bundle> {
  const manifestFile = join(dir, 'graft.json')
  const manifest = parseManifest(await readJson(manifestFile, makeBundle), manifestFile)
  if (verify) for (const [path, hash] of Object.entries(manifest.files)) await checkHash(dir, path, hash)
  const configFile = join(dir, 'config.json')
  const config = parseConfig(await readJson(configFile, makeBundle), configFile)
  const goldenFile = join(dir, 'golden.json')
  const golden = parseGolden(await readJson(goldenFile, makeBundle), manifest, goldenFile)
  const tokenizer = manifest.tokenizer === 'gpt2' ? 'gpt2' : await readTokenizer(dir, config)
  const base = { config, sha256: manifest.provenance.baseSha256, tokenizer: tokenizerIdentity(tokenizer) }
  return { dir, manifest, config, golden, tokenizer, adapters: await readAdapters(dir, manifest, base) }
}
