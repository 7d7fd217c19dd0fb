/** New bases: of the tutorial's sizes where nothing else is said, the same for the same seed, of every family. */
import { describe, expect, it } from 'vitest'
import { modelOf, modelTypes } from '../../src/core/families.ts'
import { createConfig } from '../../src/core/families/gpt2.ts'
import { createBase } from '../../src/train/base.ts'

const sizes = { width: 8, layers: 1, heads: 2, inner: 12, positions: 10, vocabulary: 300 }

describe('createBase', () => {
  it("makes the tutorial's GPT-2, or one of the sizes that are given", () => {
    expect(createBase({ vocabulary: 300 }, 1).config).toEqual(createConfig({ vocab_size: 300 }))
    const { config, weights } = createBase({ ...sizes, layers: 3 }, 1)
    expect(config).toMatchObject({ model_type: 'gpt2', architectures: ['GPT2Model'], n_layer: 3, n_inner: 12 })
    expect(weights.get('transformer.wte.weight')?.shape).toEqual([300, 8])
  })

  it.each(modelTypes)('makes a %s of these sizes, the same for the same seed', (family) => {
    const made = createBase({ family, ...sizes }, 1)
    const { inner: _, ...others } = sizes
    expect(modelOf(made.config).sizes).toMatchObject(others)
    expect(made.config.model_type).toBe(family)
    expect(createBase({ family, ...sizes }, 1)).toEqual(made)
    expect(createBase({ family, ...sizes }, 2)).not.toEqual(made)
  })

  it('refuses a family that there is not, and heads that do not share the width', () => {
    expect(() => createBase({ family: 'mamba' }, 1)).toThrow('there is no family "mamba"; there are gpt2, bert')
    expect(() => createBase({ ...sizes, heads: 3 }, 1)).toThrow(/config\.json/)
  })
})
