/** A bundle read over the network: each file checked against `graft.json`. */
import type { Adapter } from '../../core/adapter.ts'
import type { BaseIdentity } from '../../core/adapter/fit.ts'
import { type Manifest, type Probe, graphPath, parseGolden, parseManifest } from '../../core/bundle.ts'
import type { Model } from '../../core/classifier.ts'
import { GraftError } from '../../core/errors.ts'
import { parseConfig } from '../../core/families.ts'
import type { ModelConfig } from '../../core/family.ts'
import type { Tokenizer } from '../../core/tokenizer.ts'
import { makeTokenizer } from '../../core/tokenizer/make.ts'
import type { BytePairRanks } from '../../core/tokenizer/ranks.ts'
import type { Downloads } from './downloads.ts'

/** A bundle, all of which is there. */
export interface RemoteBundle {
  manifest: Manifest
  /** Its base, as adapters must be of it. */
  base: BaseIdentity
  /** The ONNX file. */
  graph: Uint8Array
  /** Labels, or adapters. */
  model: Model
  golden: Probe[]
  tokenizer: Tokenizer
}

/** The value of a JSON file. */
export function parseJson(bytes: Uint8Array, file: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw new GraftError('file-format', `${file} is not JSON: ${(cause as Error).message}`, {
      hint: 'It is damaged: copy it again.',
      file,
      cause,
    })
  }
}

/**
 * Downloads a bundle whole. While the site is being replaced its files may be of two versions: then the one of the last visit
 * is used, all of which is kept, or else the server is asked once more.
 * @param getRanks GPT-2's vocabulary, which is no bundle's file
 * @throws GraftError what `Downloads` throws; `bundle`, `config`, `adapter`, `adapter-base`, `safetensors`
 */
export async function openBundle(folder: URL, downloads: Downloads, getRanks: GetRanks): Promise<RemoteBundle> {
  const url = new URL('graft.json', folder)
  const open = async (bytes: Uint8Array<ArrayBuffer>) => {
    const manifest = parseManifest(parseJson(bytes, url.href), url.href)
    const bundle = await readBundle(manifest, { folder, downloads, getRanks })
    downloads.keep(url, bytes)
    return bundle
  }
  try {
    return await open(await downloads.latest(url))
  } catch (error) {
    if (!isMixed(error)) throw error
    const kept = await downloads.kept(url)
    if (!kept) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    try {
      return await open(await downloads.latest(url, true))
    } catch {
      if (!kept) throw error
      return open(kept)
    }
  }
}

/** For a server in the midst of an exchange. */
const PAUSE_MS = 1000

/** Whether another version of the files may help. */
const isMixed = (error: unknown) => error instanceof GraftError && error.code !== 'memory'

type GetRanks = () => Promise<BytePairRanks>

interface Sources {
  folder: URL
  downloads: Downloads
  getRanks: GetRanks
}

/** All files are asked for at once. */
async function readBundle(manifest: Manifest, { folder, downloads, getRanks }: Sources): Promise<RemoteBundle> {
  const sha256Of = (path: string) => manifest.files[path] ?? '' // the schema requires those that are asked for
  const get = (path: string) => downloads.get({ url: new URL(path, folder), sha256: sha256Of(path) })
  const getJson = async (path: string) => parseJson(await get(path), path)
  const gettingBase = getJson('config.json').then((json) => baseOf(manifest, parseConfig(json)))

  /** Of two of its files; the others are for other programs. */
  async function getTokenizer(): Promise<Tokenizer> {
    if (manifest.tokenizer === 'gpt2') return makeTokenizer('gpt2', await getRanks())
    const path = manifest.tokenizer
    const names = [path, 'tokenizer_config.json'].filter((name) => name in manifest.files)
    const getText = async (name: string) => [name, new TextDecoder().decode(await get(name))] as const
    const files = Object.fromEntries(await Promise.all(names.map(getText)))
    return makeTokenizer({ files, path, sha256: sha256Of(path) }, undefined)
  }

  async function getAdapter(name: string): Promise<[string, Adapter]> {
    const dir = `adapters/${name}`
    const [adapterConfig, weights, info, { readAdapter }, base] = await Promise.all([
      getJson(`${dir}/adapter_config.json`),
      get(`${dir}/adapter_model.safetensors`),
      getJson(`${dir}/graft.json`),
      import('./adapter.ts'),
      gettingBase,
    ])
    const files = { 'adapter_config.json': adapterConfig, 'adapter_model.safetensors': weights, 'graft.json': info }
    return [name, await readAdapter(files, base, dir)]
  }

  async function getModel(): Promise<Model> {
    if (manifest.kind === 'merged') return manifest
    const [adapters] = await Promise.all([
      Promise.all(manifest.adapters.map(({ name }) => getAdapter(name))),
      import('../../core/bundle/stack.ts'), // Needed next, and comes meanwhile.
    ])
    return { adapters: new Map(adapters), targets: manifest.targets }
  }

  const [base, tokenizer, graph, model, golden] = await Promise.all([
    gettingBase,
    getTokenizer(),
    get(graphPath),
    getModel(),
    getJson('golden.json'),
  ])
  return { manifest, base, tokenizer, graph, model, golden: parseGolden(golden, manifest, 'golden.json') }
}

/** What tells a bundle's base from others. */
const baseOf = ({ tokenizer, files, provenance }: Manifest, config: ModelConfig): BaseIdentity => ({
  config,
  sha256: provenance.baseSha256,
  tokenizer: tokenizer === 'gpt2' ? tokenizer : (files[tokenizer] ?? ''),
})
