/** The texts on which a bundle must reproduce TF.js' logits. */
import type { GPT2Config } from '../core/config.ts'
import { linearLayers } from '../core/layers.ts'
import type { Tokenizer } from '../core/tokenizer.ts'

/** Of varied length and script, shortest first: one character up to about 60 tokens. */
const TEXTS: readonly string[] = [
  ' ',
  'ok',
  'URGENT!!! Reply now',
  'Terrible service, and the food was cold.',
  'Grüße aus 東京 — с приветом 🎉',
  'Can you move my appointment from Tuesday to next Friday morning, please?',
  'Congratulations! Your number was drawn: call 0800 555 0199 before midnight to collect £500 and a free phone.',
  'I watched this film with my parents on a rainy Sunday. We laughed a lot at first; then the story lost itself in ' +
    'speeches that nobody would make,\nand by the end even the dog had left the room. Still, the music is lovely, and so are the pictures.',
]

/** Multiplications that TF.js' cpu backend does in about three seconds. */
const BUDGET = 1e9

/**
 * As many probe texts as TF.js' cpu backend computes in seconds: all for a small model, the shortest for a large one.
 */
export function chooseProbes(config: GPT2Config, tokenizer: Tokenizer): string[] {
  const weights = linearLayers(config).reduce((total, { in: input, out }) => total + input * out, 0)
  let cost = 0
  return TEXTS.filter((text, at) => {
    cost += weights * tokenizer.encode(text, { maxLength: config.n_positions }).length
    return at === 0 || cost <= BUDGET
  })
}
