/** GPT-2 with a classification head in plain loops and double precision: slow, and independent of all that it is compared with. */
import { type GPT2Config, innerSize } from '../../src/core/families/gpt2.ts'
import type { TensorMap } from '../../src/core/tensors.ts'

type Vector = number[]

const dot = (a: Vector, b: Vector) => a.reduce((sum, value, i) => sum + value * b[i]!, 0)
const add = (a: Vector, b: Vector) => a.map((value, i) => value + b[i]!)
const gelu = (x: number) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))

function normalize(x: Vector, scale: Vector, bias: Vector, epsilon: number): Vector {
  const mean = dot(
    x,
    x.map(() => 1 / x.length),
  )
  const centred = x.map((value) => value - mean)
  const deviation = Math.sqrt(dot(centred, centred) / x.length + epsilon)
  return centred.map((value, i) => (value / deviation) * scale[i]! + bias[i]!)
}

function softmax(scores: Vector): Vector {
  const powers = scores.map((score) => Math.exp(score - Math.max(...scores)))
  return powers.map((power) => power / powers.reduce((a, b) => a + b))
}

/**
 * As transformers' GPT2ForSequenceClassification: positions 0, 1, 2, … whatever the mask, masked tokens attended to by
 * none, and the rightmost real token classified.
 * @returns logits [labels]
 */
export function naiveLogits(config: GPT2Config, weights: TensorMap, ids: number[], mask: number[]): Vector {
  const values = (name: string): Vector => [...weights.get(name)!.data]
  const row = (name: string, at: number, size: number) => values(name).slice(at * size, (at + 1) * size)
  const norm = (name: string, x: Vector) =>
    normalize(x, values(`${name}.weight`), values(`${name}.bias`), config.layer_norm_epsilon)
  const linear = (name: string, x: Vector, out: number): Vector => {
    const weight = values(`${name}.weight`)
    return values(`${name}.bias`).map(
      (bias, j) => bias + x.reduce((sum, value, i) => sum + value * weight[i * out + j]!, 0),
    )
  }
  const { n_embd: width, n_head: heads } = config
  const size = width / heads

  function attend(qkv: Vector[], query: number): Vector {
    const keys = [...qkv.keys()].filter((key) => key <= query && mask[key] === 1)
    return Array.from({ length: heads }, (_, head) => {
      const part = (token: number, which: number) => qkv[token]!.slice(which * width + head * size).slice(0, size)
      const shares = softmax(keys.map((key) => dot(part(query, 0), part(key, 1)) / Math.sqrt(size)))
      return keys.map((key, at) => part(key, 2).map((value) => value * shares[at]!)).reduce(add, Array(size).fill(0))
    }).flat()
  }

  const wte = weights.get('transformer.wte.weight')!.data
  let hidden = ids.map((id, at) =>
    add([...wte.subarray(id * width, (id + 1) * width)], row('transformer.wpe.weight', at, width)),
  )
  for (let layer = 0; layer < config.n_layer; layer++) {
    const block = `transformer.h.${layer}`
    const qkv = hidden.map((x) => linear(`${block}.attn.c_attn`, norm(`${block}.ln_1`, x), 3 * width))
    hidden = hidden.map((x, at) => add(x, linear(`${block}.attn.c_proj`, attend(qkv, at), width)))
    hidden = hidden.map((x) => {
      const inner = linear(`${block}.mlp.c_fc`, norm(`${block}.ln_2`, x), innerSize(config)).map(gelu)
      return add(x, linear(`${block}.mlp.c_proj`, inner, width))
    })
  }
  const pooled = norm('transformer.ln_f', hidden[mask.lastIndexOf(1)]!)
  const labels = weights.get('score.weight')!.shape[0]!
  return Array.from({ length: labels }, (_, label) => dot(row('score.weight', label, width), pooled))
}
