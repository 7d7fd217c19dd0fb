/** The inference graphs of bundles: the classifier traced with its weights as constants, adapters folded in or as inputs. */
import type * as tf from '@tensorflow/tfjs'
import { stackShapes } from '../core/adapter/tensors.ts'
import { modelOf } from '../core/families.ts'
import type { ModelConfig } from '../core/family.ts'
import { isHead } from '../core/layers.ts'
import type { TensorMap } from '../core/tensors.ts'
import { classify } from '../model/families.ts'
import { tokenBatch } from '../model/family.ts'
import { denseLayers, stackedLoraLayers } from '../model/layers.ts'
import { type Tensors, parameter } from '../model/parameters.ts'
import { type Graph, type InputSpec, trace } from '../onnx/index.ts'

/** Named as Hugging Face Optimum names them, so that any ONNX Runtime user can feed the graph. */
function tokenInputs(config: ModelConfig): Record<string, InputSpec> {
  const names = ['input_ids', 'attention_mask', ...(modelOf(config).tokenTypes ? ['token_type_ids'] : [])]
  return Object.fromEntries(names.map((name) => [name, { shape: ['batch', 'sequence'], dtype: 'int32' as const }]))
}

/**
 * The graph of a plain classifier: `input_ids`, `attention_mask` and, where the family has them, `token_type_ids`
 * int64 [batch, sequence] → `logits` float32 [batch, labels].
 * @param weights base and head, with an adapter merged in or without one
 */
export function traceMerged(config: ModelConfig, weights: TensorMap): Promise<Graph> {
  const logits = (tensors: Tensors) => ({
    logits: classify(config, tensors, tokenBatch(tensors), { layers: denseLayers(config, tensors) }),
  })
  return trace(logits, tokenInputs(config), { constants: weights })
}

/**
 * The graph of a base with adapters as inputs: those of `traceMerged`, `adapter_index` int64 [batch], and a stack of adapters, as
 * `stackShapes` has it, with B already scaled. The numbers of adapters, ranks and labels are free.
 * @param targets names of the layers that any adapter may have
 */
export function traceUnmerged(config: ModelConfig, weights: TensorMap, targets: ReadonlySet<string>): Promise<Graph> {
  const logits = (tensors: Tensors) => {
    const adapterIndex = parameter(tensors, 'adapter_index') as tf.Tensor1D
    const layers = stackedLoraLayers(config, tensors, targets, adapterIndex)
    return { logits: classify(config, tensors, tokenBatch(tensors), { layers }) }
  }
  const constants = new Map([...weights].filter(([name]) => !isHead(name)))
  const stack = stackShapes<string>(config, targets, { adapters: 'adapters', rank: 'rank', labels: 'labels' })
  const inputs: Record<string, InputSpec> = {
    ...tokenInputs(config),
    adapter_index: { shape: ['batch'], dtype: 'int32' },
    ...Object.fromEntries([...stack].map(([name, shape]): [string, InputSpec] => [name, { shape }])),
  }
  return trace(logits, inputs, { constants })
}
