/** The probes of `golden.json`: texts, and the logits that TF.js gives for them. */
import type { Probe } from '../core/bundle.ts'
import { modelOf } from '../core/families.ts'
import type { ModelConfig } from '../core/family.ts'
import { linearLayers } from '../core/layers.ts'
import { type Encode, createEncoder } from '../runtime/encoder.ts'
import type { NamedReference, Plan } from './plan.ts'
import { referenceLogits } from './reference.ts'

/** Of varied length and script, shortest first: a single space up to about 60 tokens. */
const TEXTS: readonly string[] = [
  ' ',
  'ok',
  'URGENT!!! Reply now',
  'Terrible service, and the food was cold.',
  'Grüße aus 東京 — с приветом 🎉',
  'Can you move my appointment from Tuesday to next Friday morning, please?',
  'Congratulations! Your number was drawn: call 0800 555 0199 before midnight to collect £500 and a free phone.',
  'I watched this film with my parents on a rainy Sunday. We laughed a lot at first; then the story lost itself in ' +
    'speeches that nobody would make,\nand by the end even the dog had left. Still, the music is lovely.',
]

/** Multiplications that TF.js' cpu backend does in about three seconds. */
const BUDGET = 1e9

/** As many of our texts as TF.js' cpu backend computes in seconds. */
export async function probesFor({ config, tokenizer }: Plan): Promise<string[]> {
  return affordable(config, await createEncoder(config, tokenizer))
}

/** The logits that TF.js gives for each probe with each adapter. */
export async function computeGolden(
  { config, tokenizer, references }: Plan,
  probes: readonly string[],
): Promise<Probe[]> {
  const encode = await createEncoder(config, tokenizer)
  const golden: Probe[] = []
  for (const reference of references) golden.push(...(await computeProbes(reference, probes, encode)))
  return golden
}

async function computeProbes(reference: NamedReference, texts: readonly string[], encode: Encode): Promise<Probe[]> {
  const { name, maxLength } = reference
  const logits = await referenceLogits(
    reference,
    texts.map((text) => encode(text, maxLength).ids),
  )
  const adapter = name === undefined ? {} : { adapter: name }
  return texts.map((text, at) => ({ text, ...adapter, logits: logits[at] ?? [] }))
}

/** All texts for a small model, the shortest for a large one. */
function affordable(config: ModelConfig, encode: Encode): string[] {
  const weights = linearLayers(config).reduce((total, { in: input, out }) => total + input * out, 0)
  let cost = 0
  return TEXTS.filter((text, at) => {
    cost += weights * encode(text, modelOf(config).sizes.positions).ids.length
    return at === 0 || cost <= BUDGET
  })
}
