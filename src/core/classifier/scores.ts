/** Scores of labels, for those who show them: without the rest of the classifier. */
import type { LabelScore } from '../task.ts'

/** The likeliest labels first; all of them, or so many. */
export const likeliest = (scores: readonly LabelScore[], topK?: number | null): LabelScore[] =>
  scores.toSorted((a, b) => b.score - a.score).slice(0, topK ?? scores.length)
