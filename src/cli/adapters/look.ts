/** `graft adapters list | inspect | diff`. */
import { existsSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Adapter, PeftAdapter } from '../../core/adapter.ts'
import { deltaNorm, deltaProduct, norm } from '../../core/adapter/products.ts'
import { GraftError } from '../../core/errors.ts'
import { largestRank, rankOf } from '../../core/lora.ts'
import { readAnyAdapter } from '../../files/adapter-folder.ts'
import { readError } from '../../files/read.ts'
import { count } from '../format.ts'
import { createUi } from '../ui.ts'

interface Options {
  json?: boolean
}

const CONFIG = 'adapter_config.json'

const kilobytes = (bytes: number) => `${count(Math.round(bytes / 1000))} kB`

const sizeOfFile = async (dir: string) => (await stat(join(dir, 'adapter_model.safetensors'))).size

const labelsOf = (adapter: Adapter | PeftAdapter): string[] | undefined =>
  'info' in adapter ? adapter.info.labels : undefined

/** Last names of the layers, such as c_attn. */
const targetsOf = ({ layers }: PeftAdapter): string[] => [
  ...new Set([...layers.keys()].map((name) => name.split('.').slice(-2).join('.'))),
]

async function adapterFolders(dir: string): Promise<string[]> {
  const root = existsSync(join(dir, 'adapters')) ? join(dir, 'adapters') : dir
  const names = await readdir(root).catch((error: unknown) => {
    throw readError(error, dir)
  })
  const folders = [root, ...names.toSorted().map((name) => join(root, name))].filter((each) =>
    existsSync(join(each, CONFIG)),
  )
  if (folders.length > 0) return folders
  throw new GraftError('file-not-found', `there is no adapter in ${dir}: no ${CONFIG} in it or in a folder of it`, {
    hint: 'Give a folder of adapter folders, or a bundle with adapters.',
    file: dir,
  })
}

/** The adapters in a folder, or in a bundle. One that cannot be read is listed with the reason. */
export async function listAdapters(dir: string, options: Options): Promise<void> {
  const ui = createUi(options)
  const found = []
  for (const folder of await adapterFolders(dir)) {
    try {
      const adapter = await readAnyAdapter(folder)
      const { config } = adapter
      const base = config.base_model_name_or_path
      found.push({
        folder,
        rank: largestRank(adapter),
        layers: adapter.layers.size,
        targets: targetsOf(adapter),
        labels: labelsOf(adapter),
        bytes: await sizeOfFile(folder),
        base,
      })
    } catch (error) {
      if (!(error instanceof GraftError)) throw error
      found.push({ folder, problem: error.message })
    }
  }
  ui.table(
    ['adapter', 'rank', 'layers', 'targets', 'labels', 'size'],
    found.map((each) =>
      'problem' in each
        ? [each.folder, '', '', each.problem ?? '', '', '']
        : [
            each.folder,
            each.rank,
            each.layers,
            each.targets.join(', '),
            each.labels?.join(', ') ?? '',
            kilobytes(each.bytes),
          ],
    ),
  )
  ui.result({ dir, adapters: found })
}

/** One adapter: what it changes, and by how much. */
export async function inspectAdapter(dir: string, options: Options): Promise<void> {
  const ui = createUi(options)
  const adapter = await readAnyAdapter(dir)
  const { config, head, saved } = adapter
  const layers = [...adapter.layers].map(([name, layer]) => ({
    name,
    rank: rankOf(layer),
    scaling: layer.scaling,
    in: layer.a.shape[0] ?? 0,
    out: layer.b.shape[1] ?? 0,
    normA: norm(layer.a),
    normB: norm(layer.b),
    normDelta: deltaNorm(layer),
  }))
  const tensors = [...[...adapter.layers.values()].flatMap(({ a, b }) => [a, b]), ...head.values(), ...saved.values()]
  const parameters = tensors.reduce((sum, { data }) => sum + data.length, 0)
  const bytes = await sizeOfFile(dir)
  const labels = labelsOf(adapter)
  ui.line(
    `${dir}: ${config.task_type ?? 'no task'}, rank ${largestRank(adapter)}, ${layers.length} layers (${targetsOf(adapter).join(', ')})`,
  )
  ui.line(
    `${count(parameters)} parameters, ${kilobytes(bytes)}; base: ${config.base_model_name_or_path ?? 'not named'}`,
  )
  ui.line(
    labels
      ? `Labels: ${labels.join(', ')}`
      : 'No graft.json: `graft import` adds labels and the base that it belongs to.',
  )
  for (const [name, tensor] of head)
    ui.line(`Head: ${name} [${tensor.shape.join(', ')}], norm ${norm(tensor).toPrecision(3)}`)
  if (head.size === 0) ui.line('No classification head')
  for (const [name, { shape }] of saved) ui.line(`Replaced whole: ${name} [${shape.join(', ')}]`)
  ui.line()
  ui.table(
    ['layer', 'rank', 'scale', 'in', 'out', '‖A‖', '‖B‖', '‖ΔW‖'],
    layers.map((each) => [
      each.name,
      each.rank,
      each.scaling.toPrecision(3),
      each.in,
      each.out,
      ...[each.normA, each.normB, each.normDelta].map((value) => value.toPrecision(3)),
    ]),
  )
  const heads = {
    head: Object.fromEntries([...head].map(([name, { shape }]) => [name, shape])),
    saved: [...saved.keys()],
  }
  ui.result({ adapter: dir, parameters, bytes, labels, ...heads, layers, config })
}

/** The settings that differ. */
function changedSettings(a: PeftAdapter, b: PeftAdapter): string[] {
  const [left, right]: Record<string, unknown>[] = [a.config, b.config]
  const keys = new Set([...Object.keys(left!), ...Object.keys(right!)]) // two are given
  return [...keys].filter((key) => JSON.stringify(left![key] ?? null) !== JSON.stringify(right![key] ?? null))
}

/** Two adapters: ‖ΔW' - ΔW‖ against ‖ΔW‖, and the cosine between them, of each layer. */
export async function diffAdapters(dirA: string, dirB: string, options: Options): Promise<void> {
  const ui = createUi(options)
  const [a, b] = [await readAnyAdapter(dirA), await readAnyAdapter(dirB)]
  const names = [...new Set([...a.layers.keys(), ...b.layers.keys()])]
  const layers = names.map((name) => {
    const [x, y] = [a.layers.get(name), b.layers.get(name)]
    const [normA, normB] = [x ? deltaNorm(x) : 0, y ? deltaNorm(y) : 0]
    if (x && y && (x.a.shape[0] !== y.a.shape[0] || x.b.shape[1] !== y.b.shape[1])) {
      throw new GraftError('adapter', `${name} has other sizes in ${dirB} than in ${dirA}`, {
        hint: 'Compare adapters of the same base.',
        value: name,
      })
    }
    const product = x && y ? deltaProduct(x, y) : 0
    const distance = Math.sqrt(Math.max(0, normA ** 2 + normB ** 2 - 2 * product))
    return { name, normA, normB, distance, cosine: normA * normB > 0 ? product / (normA * normB) : 0 }
  })
  const settings = changedSettings(a, b)
  for (const key of settings) {
    const value = ({ config }: PeftAdapter) => JSON.stringify((config as Record<string, unknown>)[key] ?? null)
    ui.line(`${key}: ${value(a)} → ${value(b)}`)
  }
  ui.table(
    ['layer', '‖ΔW‖ a', '‖ΔW‖ b', '‖difference‖', 'cosine'],
    layers.map(({ name, normA, normB, distance, cosine }) => [
      name,
      ...[normA, normB, distance].map((value) => value.toPrecision(3)),
      cosine.toFixed(3),
    ]),
  )
  ui.result({ a: dirA, b: dirB, settings, layers })
}
