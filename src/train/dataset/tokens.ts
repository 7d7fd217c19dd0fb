/** How long the texts of a data set are in tokens. */
import ranks from 'js-tiktoken/ranks/gpt2'
import { createGpt2Tokenizer } from '../../core/tokenizer/gpt2.ts'
import type { LabelledExample } from '../dataset.ts'
import type { DatasetSummary } from './summary.ts'

/** Percentiles of the texts' token counts, and how many texts a maximum length cuts off. */
export function measureTokens(
  examples: readonly LabelledExample[],
  maxLength?: number,
): Pick<DatasetSummary, 'tokens' | 'truncation'> {
  const tokenizer = createGpt2Tokenizer(ranks)
  const lengths = examples.map(({ text }) => tokenizer.encode(text).ids.length).sort((a, b) => a - b)
  // The nearest rank: a length that really occurs.
  const percentile = (share: number) => lengths[Math.ceil(share * lengths.length) - 1] ?? 0
  const mean = lengths.reduce((sum, length) => sum + length, 0) / lengths.length
  return {
    tokens: {
      mean: Math.round(10 * mean) / 10,
      p50: percentile(0.5),
      p90: percentile(0.9),
      p95: percentile(0.95),
      p99: percentile(0.99),
      max: percentile(1),
    },
    truncation: maxLength === undefined ? undefined : { length: maxLength, texts: countAbove(lengths, maxLength) },
  }
}

const countAbove = (lengths: readonly number[], limit: number) => lengths.filter((length) => length > limit).length
