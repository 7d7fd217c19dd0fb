/** Inference rules of convolution and pooling: images are [batch, channels, height, width]. */
import type { Dim } from '../dims.ts'
import type { Rule, RuleContext } from '../infer.ts'

/** Sizes behind a window of `kernel` that moves over the last two axes. */
function windows({ input, integers, fail }: RuleContext, kernel: readonly number[]): Dim[] {
  const [strides, dilations, pads] = [integers('strides'), integers('dilations'), integers('pads')]
  return input(0)
    .shape.slice(2)
    .map((dim, axis): Dim => {
      const [size = 1, stride = 1, dilation = 1] = [kernel[axis], strides[axis], dilations[axis]]
      const change = (pads[axis] ?? 0) + (pads[axis + 2] ?? 0) - (size - 1) * dilation
      if (typeof dim === 'number') return Math.floor((dim - 1 + change) / stride) + 1
      return change === 0 && stride === 1 ? dim : fail(`a window changes the symbolic size ${dim}`)
    })
}

/** Weights are [out, in / group, height, width]. */
const conv: Rule = (context) => {
  const { input, integer, fail } = context
  const [{ type, shape }, weights] = [input(0), input(1)]
  const [out = 1, inner = 1, ...kernel] = weights.shape
  if (shape[1] !== Number(inner) * integer('group', 1)) fail('the weights do not fit the channels')
  return { type, shape: [shape[0] ?? 1, out, ...windows(context, kernel.map(Number))] }
}

const pool: Rule = (context) => {
  const { type, shape } = context.input(0)
  return { type, shape: [...shape.slice(0, 2), ...windows(context, context.integers('kernel_shape'))] }
}

export const convolution = {
  AveragePool: pool,
  Conv: conv,
  MaxPool: pool,
} satisfies Record<string, Rule>
