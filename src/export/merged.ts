/** The merged bundle: one classifier, its adapter folded into the weights, or fine-tuned in full. */
import { notesOf } from '../core/adapter/info.ts'
import type { GPT2Config } from '../core/config.ts'
import { GraftError } from '../core/errors.ts'
import { labelFields, labelsOfConfig } from '../core/labels.ts'
import { mergeInPlace } from '../core/lora.ts'
import type { Base } from '../files/base-folder.ts'
import { traceMerged } from './graph.ts'
import type { ExportInputs } from './inputs.ts'
import type { Plan } from './plan.ts'

/**
 * @throws GraftError `usage` for several adapters, `config` for a base that is no classifier and has no adapter
 */
export function planMerged({ base, adapters }: ExportInputs): Plan {
  if (adapters.length > 1) {
    throw new GraftError('usage', `${adapters.length} adapters cannot be merged into one model`, {
      hint: 'Give one adapter, or export with --mode unmerged.',
    })
  }
  const adapter = adapters[0]?.adapter
  const labels = adapter?.info.labels ?? labelsOf(base)
  const { info } = adapter ?? base
  const maxLength = info && 'maxLength' in info ? info.maxLength : base.config.n_positions
  const temperature = info?.metrics['temperature']
  const config = classifierConfig(base.config, labels)
  return {
    config,
    fields: {
      kind: 'merged',
      labels,
      ...(info && 'labels' in info && notesOf(info)),
      ...(temperature !== undefined && { temperature }),
    },
    maxLength,
    model: { labels, maxLength },
    references: [{ config, weights: base.weights, adapter, maxLength }],
    trace: () => traceMerged(config, adapter ? mergeInPlace(base.weights, adapter) : base.weights),
  }
}

/** The labels of a base that was fine-tuned in full, by id. */
function labelsOf({ config, weights, dir }: Base): string[] {
  const labels = labelsOfConfig(config, dir) ?? []
  const count = weights.get('score.weight')?.shape[0]
  if (count !== undefined && labels.length === count) return labels
  const problem = count === undefined ? 'has no classification head' : `names ${labels.length} of ${count} labels`
  throw new GraftError('config', `${dir} ${problem}`, {
    hint: 'Give an adapter with --adapter, or a base trained with `graft train --method full`.',
    file: dir,
  })
}

/** As transformers' GPT2ForSequenceClassification has it. */
const classifierConfig = (config: GPT2Config, labels: readonly string[]): GPT2Config => ({
  ...config,
  architectures: ['GPT2ForSequenceClassification'],
  ...labelFields(labels),
})
