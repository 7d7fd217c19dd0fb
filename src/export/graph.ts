/** The inference graphs of bundles: the classifier traced with its weights as constants, adapters folded in or as inputs. */
import * as tf from '@tensorflow/tfjs'
import type { GPT2Config } from '../core/config.ts'
import { adaptableLayers } from '../core/layers.ts'
import { isHead } from '../core/lora.ts'
import type { TensorMap } from '../core/tensors.ts'
import { type TokenBatch, classify } from '../model/gpt2.ts'
import { denseLayers, stackedLoraLayers } from '../model/layers.ts'
import { type Tensors, parameter } from '../model/parameters.ts'
import { type Graph, type InputSpec, trace } from '../onnx/index.ts'

const SCORE = 'score.weight'

/** Named as Hugging Face Optimum names them, so that any ONNX Runtime user can feed the graph. */
const TOKENS: Record<string, InputSpec> = {
  input_ids: { shape: ['batch', 'sequence'], dtype: 'int32' },
  attention_mask: { shape: ['batch', 'sequence'], dtype: 'int32' },
}

/**
 * The graph of a plain classifier: `input_ids`, `attention_mask` int64 [batch, sequence] → `logits` float32 [batch, labels].
 * @param weights base and `score.weight`, with an adapter merged in or without one
 */
export function traceMerged(config: GPT2Config, weights: TensorMap): Promise<Graph> {
  const logits = (tensors: Tensors) => ({
    logits: classify(config, tensors, tokens(tensors), parameter(tensors, SCORE), { layers: denseLayers(tensors) }),
  })
  return trace(logits, TOKENS, { constants: weights })
}

/**
 * The graph of a base with adapters as inputs: those of `traceMerged`, `adapter_index` int64 [batch], and a stack of
 * adapters: `<layer>.lora_A` [adapters, in, rank] and `<layer>.lora_B` [adapters, rank, out] (already scaled) of each target,
 * and `score.weight` [adapters, labels, n_embd]. The numbers of adapters, ranks and labels are free.
 * @param targets names of the layers that any adapter may have
 */
export function traceUnmerged(config: GPT2Config, weights: TensorMap, targets: ReadonlySet<string>): Promise<Graph> {
  const logits = (tensors: Tensors) => {
    const adapterIndex = parameter(tensors, 'adapter_index') as tf.Tensor1D
    const score = tf.gather(parameter(tensors, SCORE), adapterIndex) // [B, labels, C]
    const layers = stackedLoraLayers(tensors, targets, adapterIndex)
    return { logits: classify(config, tensors, tokens(tensors), score, { layers }) }
  }
  const constants = new Map([...weights].filter(([name]) => !isHead(name)))
  return trace(logits, { ...TOKENS, ...stackInputs(config, targets) }, { constants })
}

function stackInputs(config: GPT2Config, targets: ReadonlySet<string>): Record<string, InputSpec> {
  const layers = adaptableLayers(config).filter(({ name }) => targets.has(name))
  return {
    adapter_index: { shape: ['batch'], dtype: 'int32' },
    ...Object.fromEntries(
      layers.flatMap(({ name, in: input, out }): [string, InputSpec][] => [
        [`${name}.lora_A`, { shape: ['adapters', input, 'rank'] }],
        [`${name}.lora_B`, { shape: ['adapters', 'rank', out] }],
      ]),
    ),
    [SCORE]: { shape: ['adapters', 'labels', config.n_embd] },
  }
}

const tokens = (tensors: Tensors): TokenBatch => ({
  inputIds: parameter(tensors, 'input_ids') as tf.Tensor2D,
  attentionMask: parameter(tensors, 'attention_mask') as tf.Tensor2D,
})
