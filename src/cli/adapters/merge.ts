/** `graft adapters merge`. */
import { type TaskSpec, taskFields } from '../../core/task.ts'
import { createTask } from '../../core/tasks.ts'
import type { Adapter, PeftAdapter } from '../../core/adapter.ts'
import { type CombineMethod, combineAdapters } from '../../core/adapter/combine.ts'
import { differingField } from '../../core/adapter/base-config.ts'
import { GraftError } from '../../core/errors.ts'
import { largestRank } from '../../core/lora.ts'
import { readAnyAdapter, writeAdapter } from '../../files/adapter-folder.ts'
import { type OutputFolder, withOutput } from '../../files/output.ts'
import { createUi } from '../ui.ts'

interface Options {
  out: string
  method: CombineMethod
  weights?: number[]
  rank?: number
  force?: boolean
  json?: boolean
}

interface Named {
  name: string
  adapter: Adapter | PeftAdapter
}

/** The thresholds that all have. Where they differ, each were fitted to the scores of one adapter, which the merged one does not give. */
function commonThresholds(infos: readonly TaskSpec[]): TaskSpec['thresholds'] {
  const [first, ...others] = infos.map((info) => createTask(info).thresholds?.join())
  return others.every((each) => each === first) ? infos[0]?.thresholds : undefined
}

/** What all say must be the same: one base, and one task. */
function commonInfo(adapters: readonly Named[], options: Options, weights: number[]): Adapter['info'] | undefined {
  const infos = adapters.flatMap(({ adapter, name }) => ('info' in adapter ? [{ ...adapter.info, name }] : []))
  const [first] = infos
  if (!first || infos.length < adapters.length) return undefined
  for (const info of infos) {
    const differs = differingField(info.baseConfig ?? {}, first.baseConfig ?? {}) !== undefined
    if (info.baseSha256 !== first.baseSha256 || differs) {
      throw new GraftError('adapter-base', `${info.name} was trained on another base than ${first.name}`, {
        hint: 'Merge adapters of one base.',
        value: info.baseSha256,
      })
    }
    if (info.labels.join('\n') === first.labels.join('\n') && info.problemType === first.problemType) continue
    throw new GraftError(
      'adapter',
      `${info.name} has the labels ${info.labels.join(', ')}, ${first.name} ${first.labels.join(', ')}`,
      {
        hint: 'Merge adapters for the same labels; adapters for several tasks go into one unmerged bundle.',
        value: info.labels,
      },
    )
  }
  return {
    formatVersion: 1,
    kind: 'adapter',
    labels: first.labels,
    ...taskFields({ problemType: first.problemType, thresholds: commonThresholds(infos) }),
    baseSha256: first.baseSha256,
    ...(first.baseConfig && { baseConfig: first.baseConfig }),
    maxLength: Math.max(...infos.map(({ maxLength }) => maxLength)),
    hyperparameters: { merged: adapters.map(({ name }) => name), method: options.method, weights },
    metrics: {},
  }
}

/** Merges adapters and writes the result; with `graft.json` where all have it. */
export async function mergeAdapters(dirs: string[], options: Options): Promise<void> {
  const { out, method, rank, force, weights = dirs.map(() => 1 / dirs.length) } = options
  const problem =
    (dirs.length < 2 && 'merging takes two adapters or more') ||
    (weights.length !== dirs.length && `there are ${weights.length} weights for ${dirs.length} adapters`) ||
    (rank !== undefined && method !== 'svd' && '--rank is for --method svd')
  if (problem) throw new GraftError('usage', problem, { hint: 'See `graft adapters merge --help`.' })
  const ui = createUi(options)
  const { merged, info, dropsThresholds } = await withOutput(out, { kind: 'model', force, inputs: dirs }, (output) =>
    mergeInto(output, dirs, { ...options, weights }),
  )
  ui.line(
    `Wrote ${out}: ${method} of ${dirs.length} adapters, rank ${largestRank(merged)}, ${merged.layers.size} layers`,
  )
  if (dropsThresholds)
    ui.line(
      'The adapters have different thresholds, so the result has none: one half for each label. Set "thresholds" in its graft.json to change them.',
    )
  const { labels, thresholds } = info ?? {}
  ui.result({
    out,
    method,
    weights,
    rank: largestRank(merged),
    layers: merged.layers.size,
    labels,
    thresholds,
    dropsThresholds,
  })
}

async function mergeInto(output: OutputFolder, dirs: string[], options: Options & { weights: number[] }) {
  const { method, rank, weights } = options
  const adapters: Named[] = []
  for (const name of dirs) adapters.push({ name, adapter: await readAnyAdapter(name) })
  const info = commonInfo(adapters, options, weights)
  const weighted = adapters.map((each, at) => ({ ...each, weight: weights[at] ?? 0 }))
  const merged = combineAdapters(weighted, { method, rank })
  await writeAdapter(output, info && merged.head.size > 0 ? { ...merged, info } : merged)
  const had = adapters.some(({ adapter }) => 'info' in adapter && adapter.info.thresholds)
  return { merged, info, dropsThresholds: had && info !== undefined && !info.thresholds }
}
