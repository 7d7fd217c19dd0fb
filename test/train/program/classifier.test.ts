/** What each method trains: which layers and tensors, from what starting values, and what is decayed. */
import { describe, expect, it } from 'vitest'
import { linearLayers, parameterShapes } from '../../../src/core/layers.ts'
import { matchTargetModules } from '../../../src/core/lora.ts'
import { createRandom } from '../../../src/core/random.ts'
import { fullProgram } from '../../../src/train/program/classifier.ts'
import { config, weights } from '../../model/fixtures.ts'
import { full, lora } from '../programs.ts'

const layers = linearLayers(config)
const names = layers.map(({ name }) => name)
const pairs = (targets: string[]) => targets.flatMap((name) => [`${name}.lora_A`, `${name}.lora_B`])
const shapesOf = (program: ReturnType<typeof lora>) =>
  Object.fromEntries([...program.initial].map(([name, { shape }]) => [name, shape]))

describe('loraProgram', () => {
  it('gives all 4 · n_layer linear layers a pair, and trains nothing else but the head', () => {
    const program = lora({ rank: 3 })
    const expected = layers.flatMap((layer) => [
      [`${layer.name}.lora_A`, [layer.in, 3]],
      [`${layer.name}.lora_B`, [3, layer.out]],
    ])
    expect(expected).toHaveLength(2 * 4 * config.n_layer)
    expect(shapesOf(program)).toEqual(Object.fromEntries([...expected, ['score.weight', [3, config.n_embd]]]))
    expect([...program.frozen.keys()]).toEqual([...parameterShapes(config).keys()])
    const trained = program.groups.flatMap(({ parameters }) => parameters.map(({ name }) => name))
    expect(trained).toEqual([...program.initial.keys()])
  })

  it.each<[string, string | string[], string[]]>([
    ['a list', ['c_attn', 'mlp.c_proj'], names.filter((name) => /c_attn|mlp\.c_proj/.test(name))],
    ['a regular expression', '.*\\.1\\.(attn|mlp)\\.c_proj', ['attn', 'mlp'].map((x) => `transformer.h.1.${x}.c_proj`)],
  ])('gives a pair to the layers of %s only', async (_, spec, expected) => {
    const { initial } = lora({ targets: await matchTargetModules(layers, spec) })
    expect([...initial.keys()]).toEqual([...pairs(expected), 'score.weight'])
  })

  it('starts A at N(0, 0.01²) or within ±1/√in, and B at 0', () => {
    const { initial } = lora({ rank: 64, initialization: 'normal' })
    const a = initial.get('transformer.h.0.mlp.c_proj.lora_A')!.data
    const deviation = Math.sqrt(a.reduce((sum, x) => sum + x * x, 0) / a.length)
    expect(deviation / 0.01).toBeGreaterThan(0.9)
    expect(deviation / 0.01).toBeLessThan(1.1)
    const kaiming = lora({ rank: 64 }).initial.get('transformer.h.0.mlp.c_proj.lora_A')!.data
    expect(Math.max(...kaiming)).toBeLessThanOrEqual(1 / Math.sqrt(12))
    expect(Math.max(...kaiming)).toBeGreaterThan(0.95 / Math.sqrt(12))
    expect(Math.min(...kaiming)).toBeLessThan(-0.95 / Math.sqrt(12))
    for (const name of names) expect(new Set(initial.get(`${name}.lora_B`)!.data)).toEqual(new Set([0]))
  })

  it('starts the embedding as PEFT does: A at 0, B at N(0, 1)', () => {
    const { initial } = lora({ targets: ['transformer.wte'], rank: 64 })
    expect([...initial.keys()]).toEqual([...pairs(['transformer.wte']), 'score.weight'])
    expect(initial.get('transformer.wte.lora_A')).toEqual({
      shape: [config.vocab_size, 64],
      data: new Float32Array(64 * config.vocab_size),
    })
    const b = initial.get('transformer.wte.lora_B')!.data
    const deviation = Math.sqrt(b.reduce((sum, x) => sum + x * x, 0) / b.length)
    expect(deviation).toBeGreaterThan(0.9)
    expect(deviation).toBeLessThan(1.1)
  })

  it('starts a layer at the same values whatever the other targets are', () => {
    const [name] = names.slice(3)
    expect(lora({ targets: [name!] }).initial.get(`${name}.lora_A`)).toEqual(lora().initial.get(`${name}.lora_A`))
  })
})

describe('fullProgram', () => {
  it('trains everything, and decays the matrices of the linear layers only', () => {
    const { groups, frozen, initial } = full()
    expect(frozen.size).toBe(0)
    const [decayed, undecayed] = groups.map(({ parameters }) => parameters.map(({ name }) => name))
    expect(decayed).toEqual([...names.map((name) => `${name}.weight`), 'score.weight'])
    expect([...decayed!, ...undecayed!].toSorted()).toEqual([...parameterShapes(config, 3).keys()].toSorted())
    expect(groups.map(({ weightDecay }) => weightDecay)).toEqual([0.01, 0])
    expect(initial.get('transformer.wte.weight')).toBe(weights.get('transformer.wte.weight'))
  })

  it("goes on with the base's head where it has as many labels, and makes a new one otherwise", () => {
    const scoreWith = (labels: number) =>
      fullProgram({ config, weights, labels, weightDecay: 0, random: createRandom(1) }).initial.get('score.weight')
    expect(scoreWith(3)).toBe(weights.get('score.weight'))
    expect(scoreWith(5)?.shape).toEqual([5, config.n_embd])
  })
})
