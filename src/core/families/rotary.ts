/** Rotary positions (Su et al. 2021, arXiv:2104.09864) as a configuration asks for them. */
import * as z from 'zod/mini'
import { positive, refused, size } from './parts.ts'

const kind = z.optional(
  z.enum(['default', 'llama3'], {
    error: ({ input }) => `${JSON.stringify(input)} is not supported, only default and llama3`,
  }),
)

const settings = z.looseObject({
  rope_type: kind,
  /** As older configurations name it. */
  type: kind,
  rope_theta: z.optional(positive),
  partial_rotary_factor: refused(1),
  factor: z.optional(positive),
  low_freq_factor: z.optional(positive),
  high_freq_factor: z.optional(positive),
  original_max_position_embeddings: z.optional(size),
})

type Settings = z.infer<typeof settings>

/** How Llama 3.1 and later stretch angles to longer texts than were first trained on. */
interface Stretch {
  factor: number
  lowFactor: number
  highFactor: number
  positions: number
}

function stretchOf(given: Settings): Stretch | undefined {
  const { factor, low_freq_factor: lowFactor, high_freq_factor: highFactor } = given
  const positions = given.original_max_position_embeddings
  const all = factor && lowFactor && highFactor && positions
  return all ? { factor, lowFactor, highFactor, positions } : undefined
}

const kindOf = ({ rope_type: kind, type }: Settings) => kind ?? type ?? 'default'

const checked = settings.check(
  z.refine((given) => kindOf(given) === 'default' || stretchOf(given) !== undefined, {
    error:
      'llama3 needs factor, low_freq_factor, high_freq_factor and original_max_position_embeddings, each greater than 0',
  }),
)

/** Fields of decoders with rotary positions. */
export const rotaryFields = {
  rope_theta: z._default(positive, 10_000),
  rope_scaling: z.nullish(checked),
  /** All of it, as transformers 5 writes it. */
  rope_parameters: z.nullish(checked),
  partial_rotary_factor: refused(1),
}

const rotarySchema = z.looseObject(rotaryFields)
type RotaryConfig = z.infer<typeof rotarySchema>

/** What of the fields counts. */
function rotaryOf({ rope_theta, rope_scaling, rope_parameters }: RotaryConfig): {
  theta: number
  stretch: Stretch | undefined
} {
  const given = rope_parameters ?? rope_scaling ?? {}
  return {
    theta: rope_parameters?.rope_theta ?? rope_theta,
    stretch: kindOf(given) === 'llama3' ? stretchOf(given) : undefined,
  }
}

/** What of it cannot be seen in the weights. */
export function rotaryIdentity(config: RotaryConfig): Record<string, string | number> {
  const { theta, stretch } = rotaryOf(config)
  return { rope_theta: theta, rope_scaling: stretch ? `llama3 ${Object.values(stretch).join(' ')}` : 'default' }
}

/**
 * Radians a position of each pair of channels: θ^(-2i / size), for some stretched. In float32 throughout, as transformers computes
 * them: at the thousandth position, a last bit is a ten-thousandth of a radian.
 * @param headSize channels of a head
 * @returns [headSize / 2]
 */
export function rotaryFrequencies(config: RotaryConfig, headSize: number): number[] {
  const { theta, stretch } = rotaryOf(config)
  const round = Math.fround
  const plain = Array.from({ length: headSize / 2 }, (_, pair) =>
    round(1 / round(theta ** round((2 * pair) / headSize))),
  )
  return stretch ? plain.map((frequency) => round(stretched(frequency, stretch))) : plain
}

/** Slow turns are slowed down by the factor, fast ones are left, and what lies between is between (Llama 3.1). */
function stretched(frequency: number, { factor, lowFactor, highFactor, positions }: Stretch): number {
  const turns = (positions * frequency) / (2 * Math.PI)
  if (turns < lowFactor) return frequency / factor
  if (turns > highFactor) return frequency
  const share = (turns - lowFactor) / (highFactor - lowFactor)
  return ((1 - share) * frequency) / factor + share * frequency
}
