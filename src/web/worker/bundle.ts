/** A bundle read over the network: each file checked against `graft.json`. */
import { type Adapter, parseAdapter } from '../../core/adapter.ts'
import { checkAdapter } from '../../core/adapter/fit.ts'
import { type Manifest, type Probe, graphPath, parseGolden, parseManifest } from '../../core/bundle.ts'
import type { Model } from '../../core/classifier.ts'
import { GraftError } from '../../core/errors.ts'
import { parseConfig } from '../../core/families.ts'
import type { ModelConfig } from '../../core/family.ts'
import { type OwnTokenizer, type TokenizerSource, tokenizerIdentity } from '../../core/tokenizer.ts'
import type { Downloads } from './downloads.ts'

/** A bundle, all of which is there. */
export interface RemoteBundle {
  manifest: Manifest
  config: ModelConfig
  /** The ONNX file. */
  graph: Uint8Array
  /** Labels, or adapters. */
  model: Model
  golden: Probe[]
  tokenizer: TokenizerSource
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
 * @throws GraftError what `Downloads` throws; `bundle`, `config`, `adapter`, `adapter-base`, `safetensors`
 */
export async function openBundle(folder: URL, downloads: Downloads): Promise<RemoteBundle> {
  const url = new URL('graft.json', folder)
  const open = async (bytes: Uint8Array<ArrayBuffer>) => {
    const bundle = await readBundle(parseManifest(parseJson(bytes, url.href), url.href), folder, downloads)
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

async function readBundle(manifest: Manifest, folder: URL, downloads: Downloads): Promise<RemoteBundle> {
  const get = (path: string) => {
    const sha256 = manifest.files[path] ?? '' // the schema requires those that are asked for
    return downloads.get({ url: new URL(path, folder), sha256 })
  }
  const getJson = async (path: string) => parseJson(await get(path), path)
  const config = parseConfig(await getJson('config.json'))
  const tokenizer = manifest.tokenizer === 'gpt2' ? 'gpt2' : await getTokenizer()
  const base = { config, sha256: manifest.provenance.baseSha256, tokenizer: tokenizerIdentity(tokenizer) }

  /** What makes the tokenizer; its other files are for others. */
  async function getTokenizer(): Promise<OwnTokenizer> {
    const names = ['tokenizer.json', 'tokenizer_config.json'].filter((name) => name in manifest.files)
    const texts = await Promise.all(names.map(async (name) => new TextDecoder().decode(await get(name))))
    const files = Object.fromEntries(names.map((name, at) => [name, texts[at] ?? '']))
    return { files, path: 'tokenizer.json', sha256: manifest.files['tokenizer.json'] ?? '' }
  }

  async function getAdapter(name: string): Promise<[string, Adapter]> {
    const dir = `adapters/${name}`
    const [adapterConfig, weights, info] = await Promise.all([
      getJson(`${dir}/adapter_config.json`),
      get(`${dir}/adapter_model.safetensors`),
      getJson(`${dir}/graft.json`),
    ])
    const files = { 'adapter_config.json': adapterConfig, 'adapter_model.safetensors': weights, 'graft.json': info }
    const adapter = await parseAdapter(files, dir)
    return [name, await checkAdapter(adapter, base, dir)]
  }

  async function getModel(): Promise<Model> {
    if (manifest.kind === 'merged') return manifest
    const adapters = await Promise.all(manifest.adapters.map(({ name }) => getAdapter(name)))
    return { adapters: new Map(adapters), targets: manifest.targets }
  }

  const [graph, model, golden] = await Promise.all([get(graphPath), getModel(), getJson('golden.json')])
  return { manifest, config, tokenizer, graph, model, golden: parseGolden(golden, manifest, 'golden.json') }
}
