/** Each text has one of the labels: softmax over the logits, and the likeliest label is the answer. */
import { GraftError } from '../errors.ts'
import { type LabelPlace, createLabels } from '../labels.ts'
import { argMax, softmax } from '../metrics.ts'
import { type LabelFormat, SINGLE_LABEL, type Task, type TaskSpec } from '../task.ts'

export const singleLabels: LabelFormat = {
  problemType: SINGLE_LABEL,
  read(cell, { file, line }: LabelPlace) {
    const label = typeof cell === 'string' ? cell.trim() : ''
    if (label !== '') return label
    const problem = typeof cell === 'string' ? 'no label' : `${cell.length} labels in a list`
    throw new GraftError('data-label', `${file}, line ${line}: ${problem}`, {
      hint: 'Give the row one label, or say that rows have several with --problem-type multi_label_classification.',
      file,
      line,
      value: cell,
    })
  },
  names: (label) => [label],
  encoder: (labels) => createLabels(labels).idOf,
}

export function createSingleLabel({ labels }: TaskSpec): Task {
  return {
    problemType: SINGLE_LABEL,
    labels,
    scores: (logits, temperature) => softmax(Float32Array.from(logits), temperature),
    logitsOf: (scores) => Float64Array.from(scores, Math.log),
    answer(scores) {
      const all = labels.map((label, id) => ({ label, score: scores[id] ?? NaN }))
      return { ...all[argMax(scores)]!, scores: all } // one score for each label
    },
  }
}
