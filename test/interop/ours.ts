/** What Graft writes for the Hugging Face libraries to read: adapters of every kind on the golden base. */
import type { TensorData } from '../../src/core/tensors.ts'
import { fileURLToPath } from 'node:url'
import type { Adapter, AdapterSettings } from '../../src/core/adapter.ts'
import { type Base, readBase } from '../../src/files/base-folder.ts'
import { randomAdapter } from '../fixtures/adapter.ts'

export const golden = fileURLToPath(new URL('./golden', import.meta.url))

/** The base of all adapters that the libraries wrote, and of these. */
export const goldenBase = (): Promise<Base> => readBase(`${golden}/adapters-base`)

const seven = ['anger', 'disgust', 'fear', 'joy', 'neutral', 'sadness', 'surprise']

const kinds: Record<string, Partial<AdapterSettings> & { labels?: string[] }> = {
  'rank-1': { rank: 1 },
  'rank-8-rslora': { rank: 8, scaling: 'rslora', labels: seven },
  'rank-64-alpha': { rank: 64, scaling: 'alpha', alpha: 0.5, targetModules: ['c_attn', 'mlp.c_proj'] },
  'token-embedding': { rank: 4, targetModules: ['wte', 'c_attn'] },
  'regular-expression': { rank: 2, targetModules: '.*\\.1\\.mlp\\.c_fc', labels: seven },
}

/** Of the size that trained adapters have, so that logits stay ordinary. */
export function shrink(adapter: Adapter): Adapter {
  for (const { a, b } of adapter.layers.values())
    for (const { data } of [a, b]) data.forEach((x, i) => (data[i] = 0.2 * x))
  return adapter
}

/**
 * Another rank and another scale for some layers, as merging makes them.
 * @param ranks by the ends of layers' names
 * @param alphas likewise
 */
export function withPatterns(
  adapter: Adapter,
  ranks: Readonly<Record<string, number>>,
  alphas: Readonly<Record<string, number>>,
): Adapter {
  const { r, lora_alpha: usual } = adapter.config
  const of = (pattern: Readonly<Record<string, number>>, name: string) =>
    Object.entries(pattern).find(([end]) => name.endsWith(end))?.[1]
  const layers: Adapter['layers'] = new Map()
  for (const [name, layer] of adapter.layers) {
    const rank = of(ranks, name) ?? r
    const scaling = (of(alphas, name) ?? usual) / rank
    layers.set(name, { ...layer, a: columns(layer.a, rank), b: rows(layer.b, rank), scaling })
  }
  return { ...adapter, config: { ...adapter.config, rank_pattern: { ...ranks }, alpha_pattern: { ...alphas } }, layers }
}

const rows = ({ shape, data }: TensorData, count: number) => ({
  shape: [count, shape[1] ?? 0],
  data: data.slice(0, count * (shape[1] ?? 0)),
})

const columns = ({ shape: [height = 0, width = 0], data }: TensorData, count: number) => ({
  shape: [height, count],
  data: Float32Array.from(
    { length: height * count },
    (_, at) => data[Math.floor(at / count) * width + (at % count)] ?? 0,
  ),
})

/** By name; the same in every run. */
export function ourAdapters({ config, sha256 }: Base): Map<string, Adapter> {
  const adapters = Object.entries(kinds).map(([name, settings], seed): [string, Adapter] => [
    name,
    shrink(randomAdapter({ config, baseSha256: sha256, seed, base: 'adapters-base', ...settings })),
  ])
  const patterns = withPatterns(
    shrink(randomAdapter({ config, baseSha256: sha256, seed: 9, base: 'adapters-base', rank: 4 })),
    { c_fc: 2 },
    { 'attn.c_proj': 1.5 },
  )
  return new Map([...adapters, ['patterns', patterns]])
}
