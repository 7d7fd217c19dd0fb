/** The merged bundle: one classifier, its adapter folded into the weights, or fine-tuned in full. */
import { notesOf } from '../core/adapter/info.ts'
import { GraftError } from '../core/errors.ts'
import { modelOf } from '../core/families.ts'
import { classifierConfig, labelsOfConfig, problemTypeOf } from '../core/labels.ts'
import { labelCount } from '../core/layers.ts'
import { mergeInPlace } from '../core/lora.ts'
import type { Base } from '../files/base-folder.ts'
import { type TaskSpec, taskFields } from '../core/task.ts'
import { traceMerged } from './graph.ts'
import type { ExportInputs } from './inputs.ts'
import type { Plan } from './plan.ts'

/**
 * @throws GraftError `usage` for several adapters, `config` for a base that is no classifier and has no adapter
 */
export function planMerged({ base, tokenizer, adapters }: ExportInputs): Plan {
  if (adapters.length > 1) {
    throw new GraftError('usage', `${adapters.length} adapters cannot be merged into one model`, {
      hint: 'Give one adapter, or export with --mode unmerged.',
    })
  }
  const adapter = adapters[0]?.adapter
  const { info } = adapter ?? base
  const task = adapter?.info ?? {
    ...taskOf(base),
    ...(info && 'thresholds' in info && { thresholds: info.thresholds }),
  }
  const { labels, problemType, thresholds } = task
  const maxLength = info && 'maxLength' in info ? info.maxLength : modelOf(base.config).sizes.positions
  const temperature = info?.metrics['temperature']
  const config = classifierConfig(base.config, task)
  return {
    config,
    tokenizer,
    fields: {
      kind: 'merged',
      labels,
      ...taskFields(task),
      ...(info && 'labels' in info && notesOf(info)),
      ...(temperature !== undefined && { temperature }),
    },
    maxLength,
    model: { labels, problemType, thresholds, maxLength },
    references: [{ config, weights: base.weights, adapter, maxLength }],
    trace: () => traceMerged(config, adapter ? mergeInPlace(base.weights, adapter, config) : base.weights),
  }
}

/** The task of a base that was fine-tuned in full. */
function taskOf({ config, weights, dir }: Base): TaskSpec {
  const labels = labelsOfConfig(config, dir) ?? []
  const count = labelCount(weights, config)
  if (count !== undefined && labels.length === count) return { labels, problemType: problemTypeOf(config) }
  const problem = count === undefined ? 'has no classification head' : `names ${labels.length} of ${count} labels`
  throw new GraftError('config', `${dir} ${problem}`, {
    hint: 'Give an adapter with --adapter, or a base trained with `graft train --method full`.',
    file: dir,
  })
}
