/** A bundle read over the network: each file checked against `graft.json`. */
import { type Adapter, checkAdapter, parseAdapter } from '../../core/adapter.ts'
import { type Manifest, type Probe, graphPath, parseGolden, parseManifest } from '../../core/bundle.ts'
import type { Model } from '../../core/classifier.ts'
import { type GPT2Config, parseConfig } from '../../core/config.ts'
import { GraftError } from '../../core/errors.ts'
import type { Downloads } from './downloads.ts'

/** A bundle whose parts are downloaded as they are asked for. */
export interface RemoteBundle {
  manifest: Manifest
  config: GPT2Config
  /** The ONNX file. */
  graph(): Promise<Uint8Array>
  /** Labels, or adapters. */
  model(): Promise<Model>
  golden(): Promise<Probe[]>
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

/** @throws GraftError what `Downloads` throws; `bundle`, `config`, and for the parts `adapter`, `adapter-base`, `safetensors` */
export async function openBundle(folder: URL, downloads: Downloads): Promise<RemoteBundle> {
  const manifestUrl = new URL('graft.json', folder)
  const manifest = parseManifest(parseJson(await downloads.latest(manifestUrl), manifestUrl.href), manifestUrl.href)
  const get = (path: string) => {
    const sha256 = manifest.files[path] ?? '' // the schema requires those that are asked for
    return downloads.get({ url: new URL(path, folder), sha256 })
  }
  const getJson = async (path: string) => parseJson(await get(path), path)
  const config = parseConfig(await getJson('config.json'))

  async function getAdapter(name: string): Promise<[string, Adapter]> {
    const dir = `adapters/${name}`
    const [adapterConfig, weights, info] = await Promise.all([
      getJson(`${dir}/adapter_config.json`),
      get(`${dir}/adapter_model.safetensors`),
      getJson(`${dir}/graft.json`),
    ])
    const files = { 'adapter_config.json': adapterConfig, 'adapter_model.safetensors': weights, 'graft.json': info }
    const adapter = await parseAdapter(files, dir)
    await checkAdapter(adapter, config, manifest.provenance.baseSha256, dir)
    return [name, adapter]
  }

  return {
    manifest,
    config,
    graph: () => get(graphPath),
    async model() {
      if (manifest.kind === 'merged') return manifest
      const adapters = await Promise.all(manifest.adapters.map(({ name }) => getAdapter(name)))
      return { adapters: new Map(adapters), targets: manifest.targets }
    },
    golden: async () => parseGolden(await getJson('golden.json'), manifest, 'golden.json'),
  }
}
