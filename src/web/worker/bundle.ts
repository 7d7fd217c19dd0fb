/** A bundle read over the network: each file checked against `graft.json`. */
import { type Adapter, type AdapterFiles, checkAdapter, parseAdapter } from '../../core/adapter.ts'
import { type Manifest, type Probe, graphPath, parseGolden, parseManifest } from '../../core/bundle.ts'
import type { Model } from '../../core/classifier.ts'
import { type GPT2Config, parseConfig } from '../../core/config.ts'
import { GraftError } from '../../core/errors.ts'
import type { Downloads } from './downloads.ts'

export interface DownloadedBundle {
  manifest: Manifest
  config: GPT2Config
  model: Model
  golden: Probe[]
  graph: Uint8Array
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

/** @throws GraftError what `Downloads` throws; `bundle`, `config`, `adapter`, `adapter-base`, `safetensors` */
export async function downloadBundle(folder: URL, downloads: Downloads): Promise<DownloadedBundle> {
  const manifestUrl = new URL('graft.json', folder)
  const manifest = parseManifest(parseJson(await downloads.latest(manifestUrl), manifestUrl.href), manifestUrl.href)
  const get = (path: string) => {
    const sha256 = manifest.files[path] ?? '' // the schema requires those that are asked for
    return downloads.get({ url: new URL(path, folder), sha256 })
  }
  const getJson = async (path: string) => parseJson(await get(path), path)

  async function getModel(config: GPT2Config): Promise<Model> {
    if (manifest.kind === 'merged') return manifest
    const adapters = await Promise.all(
      manifest.adapters.map(async ({ name }) => [name, await getAdapter(name, config)] as const),
    )
    return { adapters: new Map(adapters), targets: manifest.targets }
  }

  async function getAdapter(name: string, config: GPT2Config): Promise<Adapter> {
    const dir = `adapters/${name}`
    const [adapterConfig, weights, info] = await Promise.all([
      getJson(`${dir}/adapter_config.json`),
      get(`${dir}/adapter_model.safetensors`),
      getJson(`${dir}/graft.json`),
    ])
    const files: AdapterFiles = {
      'adapter_config.json': adapterConfig,
      'adapter_model.safetensors': weights,
      'graft.json': info,
    }
    const adapter = parseAdapter(files, dir)
    checkAdapter(adapter, config, manifest.provenance.baseSha256, dir)
    return adapter
  }

  const [[config, model], golden, graph] = await Promise.all([
    getJson('config.json').then(async (json) => {
      const config = parseConfig(json)
      return [config, await getModel(config)] as const
    }),
    getJson('golden.json').then((json) => parseGolden(json, manifest, 'golden.json')),
    get(graphPath),
  ])
  return { manifest, config, model, golden, graph }
}
