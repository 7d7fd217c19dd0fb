/** Removes texts that occur more than once: a split would put copies on both sides, and the test would flatter. */
import type { LabelledExample } from '../dataset.ts'

export interface WithoutRepeats {
  /** The first row of each text, in file order. */
  kept: LabelledExample[]
  /** Rows dropped as exact copies of an earlier text. */
  repeats: number
  /** Rows dropped as copies but for white space. */
  respaced: number
  /** Rows dropped since the same text also stands under another label; which one is right cannot be known. */
  conflicts: number
}

/** A text without what is no difference: white space at the ends, and of which kind and length it is inside. */
const keyOf = ({ text }: LabelledExample): string => text.trim().replace(/\s+/g, ' ')

export function dropRepeats(examples: readonly LabelledExample[]): WithoutRepeats {
  const groups = new Map<string, [LabelledExample, ...LabelledExample[]]>()
  for (const example of examples) {
    const group = groups.get(keyOf(example))
    if (group) group.push(example)
    else groups.set(keyOf(example), [example])
  }
  const result: WithoutRepeats = { kept: [], repeats: 0, respaced: 0, conflicts: 0 }
  for (const group of groups.values()) {
    if (group.some(({ label }) => label !== group[0].label)) {
      result.conflicts += group.length
      continue
    }
    const spellings = new Set(group.map(({ text }) => text)).size
    result.kept.push(group[0])
    result.repeats += group.length - spellings
    result.respaced += spellings - 1
  }
  return result
}

/** The examples whose text is not among `others`. */
export function withoutTextsOf(
  others: readonly LabelledExample[],
  examples: readonly LabelledExample[],
): LabelledExample[] {
  const texts = new Set(others.map(keyOf))
  return examples.filter((example) => !texts.has(keyOf(example)))
}
