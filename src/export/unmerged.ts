/** The unmerged bundle: one base, and any number of adapters that the graph takes as inputs. */
import { taskFields } from '../core/task.ts'
import { notesOf } from '../core/adapter/info.ts'
import { checkStackable } from '../core/bundle/stack.ts'
import { GraftError } from '../core/errors.ts'
import { adaptableLayers } from '../core/layers.ts'
import { largestRank } from '../core/lora.ts'
import { traceUnmerged } from './graph.ts'
import type { ExportInputs } from './inputs.ts'
import type { Plan } from './plan.ts'

/** @throws GraftError `usage` without an adapter, `adapter` for one that replaces tensors of the base */
export function planUnmerged({ base, tokenizer, adapters }: ExportInputs): Plan {
  if (adapters.length === 0) {
    throw new GraftError('usage', 'an unmerged bundle needs an adapter', {
      hint: 'Give adapters with --adapter, or export with --mode merged.',
    })
  }
  const { id2label: _, label2id: __, problem_type: ___, ...config } = base.config // each adapter has its own labels
  const adapted = new Set(adapters.flatMap(({ adapter }) => [...adapter.layers.keys()]))
  const targets = adaptableLayers(config).flatMap(({ name }) => (adapted.has(name) ? [name] : []))
  for (const { name, adapter } of adapters) checkStackable(adapter, config, targets, `adapter ${name}`)
  return {
    config,
    tokenizer,
    fields: {
      kind: 'unmerged',
      adapters: adapters.map(({ name, adapter: { info } }) => ({
        name,
        labels: info.labels,
        ...taskFields(info),
        ...notesOf(info),
      })),
      rank: Math.max(...adapters.map(({ adapter }) => largestRank(adapter))),
      targets,
    },
    maxLength: Math.max(...adapters.map(({ adapter }) => adapter.info.maxLength)),
    model: { adapters: new Map(adapters.map(({ name, adapter }) => [name, adapter])), targets },
    references: adapters.map(({ name, adapter }) => ({
      name,
      config,
      weights: base.weights,
      adapter,
      maxLength: adapter.info.maxLength,
    })),
    trace: () => traceUnmerged(config, base.weights, adapted),
  }
}
