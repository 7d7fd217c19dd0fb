/** Names and shapes of GPT-2's tensors, as Hugging Face's checkpoints have them. */
import { type GPT2Config, innerSize } from './config.ts'

export interface LinearLayer {
  /** Such as `transformer.h.0.attn.c_attn`. */
  name: string
  in: number
  out: number
}

/** The linear layers in the order in which the model applies them; their weights are [in, out]. */
export function linearLayers(config: GPT2Config): LinearLayer[] {
  const { n_embd: width, n_layer: layers } = config
  const inner = innerSize(config)
  return Array.from({ length: layers }, (_, layer) => `transformer.h.${layer}`).flatMap((block) => [
    { name: `${block}.attn.c_attn`, in: width, out: 3 * width },
    { name: `${block}.attn.c_proj`, in: width, out: width },
    { name: `${block}.mlp.c_fc`, in: width, out: inner },
    { name: `${block}.mlp.c_proj`, in: inner, out: width },
  ])
}

/**
 * Shapes of all tensors of a checkpoint by name.
 * @param labels number of classes; with it the head `score.weight` [labels, n_embd] is included
 */
export function parameterShapes(config: GPT2Config, labels?: number): Map<string, number[]> {
  const { n_embd: width } = config
  const shapes = new Map<string, number[]>([
    ['transformer.wte.weight', [config.vocab_size, width]],
    ['transformer.wpe.weight', [config.n_positions, width]],
  ])
  const normalization = (name: string) => shapes.set(`${name}.weight`, [width]).set(`${name}.bias`, [width])
  const linear = linearLayers(config)
  for (let layer = 0; layer < config.n_layer; layer++) {
    const block = `transformer.h.${layer}`
    normalization(`${block}.ln_1`)
    normalization(`${block}.ln_2`)
    for (const { name, in: input, out } of linear.slice(4 * layer, 4 * layer + 4)) {
      shapes.set(`${name}.weight`, [input, out]).set(`${name}.bias`, [out])
    }
  }
  normalization('transformer.ln_f')
  if (labels !== undefined) shapes.set('score.weight', [labels, width])
  return shapes
}
