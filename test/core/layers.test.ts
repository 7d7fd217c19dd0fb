/** Names and shapes are those of Hugging Face's GPT-2. */
import { expect, it } from 'vitest'
import { createConfig } from '../../src/core/families/gpt2.ts'
import { linearLayers, parameterShapes } from '../../src/core/layers.ts'
import { sizeOf } from '../../src/core/tensors.ts'

const gpt2 = createConfig({ n_positions: 1024, n_embd: 768, n_layer: 12, n_head: 12, n_inner: null })

it('lists the linear layers of each block in model order', () => {
  expect(linearLayers(gpt2)).toHaveLength(48)
  expect(linearLayers(gpt2).slice(4, 8)).toEqual([
    { name: 'transformer.h.1.attn.c_attn', in: 768, out: 2304, kind: 'linear', layout: 'in-out' },
    { name: 'transformer.h.1.attn.c_proj', in: 768, out: 768, kind: 'linear', layout: 'in-out' },
    { name: 'transformer.h.1.mlp.c_fc', in: 768, out: 3072, kind: 'linear', layout: 'in-out' },
    { name: 'transformer.h.1.mlp.c_proj', in: 3072, out: 768, kind: 'linear', layout: 'in-out' },
  ])
})

it("has GPT-2 small's 124,439,808 parameters in 148 tensors", () => {
  const shapes = [...parameterShapes(gpt2).values()]
  expect(shapes).toHaveLength(148)
  expect(shapes.reduce((sum, shape) => sum + sizeOf(shape), 0)).toBe(124_439_808)
})

it('has the head only for a number of labels', () => {
  expect(parameterShapes(gpt2).has('score.weight')).toBe(false)
  expect(parameterShapes(gpt2, 6).get('score.weight')).toEqual([6, 768])
})
