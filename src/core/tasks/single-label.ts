/** Each text has one of the labels: softmax over the logits, and the likeliest label is the answer. */
import { calibrationOf } from '../calibration.ts'
import { GraftError } from '../errors.ts'
import { type LabelPlace, createLabels } from '../labels.ts'
import { argMax, evaluate, meanCrossEntropy, softmax } from '../metrics.ts'
import { type Answer, type Row, SINGLE_LABEL, type Target, type Task, type TaskKind, type TaskSpec } from '../task.ts'
import { fitTemperature } from '../temperature.ts'

export const singleLabel: TaskKind = {
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
  create: createSingleLabel,
}

const idsOf = (targets: readonly Target[]): number[] => targets.map(Number)

function createSingleLabel({ labels }: TaskSpec): Task {
  function answer(scores: Row): Answer {
    const all = labels.map((label, id) => ({ label, score: scores[id] ?? NaN }))
    return { ...all[argMax(scores)]!, scores: all } // one score for each label
  }
  return {
    problemType: SINGLE_LABEL,
    labels,
    encode: (label, place) => createLabels(labels).idOf(label, place),
    scores: (logits, temperature) => softmax(Float32Array.from(logits), temperature),
    logitsOf: (scores) => Float64Array.from(scores, Math.log),
    answer,
    measure(targets, scores) {
      const truth = idsOf(targets)
      const metrics = evaluate(labels, truth, scores)
      return {
        problemType: SINGLE_LABEL,
        ...metrics,
        score: metrics.accuracy,
        loss: meanCrossEntropy(truth, scores),
        calibration: calibrationOf(truth, scores),
      }
    },
    errors: (targets, scores) => targets.map((target, at) => Number(argMax(scores[at] ?? []) !== target)),
    calibrate: (targets, logits) => ({ temperature: fitTemperature(crossEntropyAt(idsOf(targets), logits)) }),
    display: (label) => label,
    verdict: answer,
  }
}

/** The summed cross-entropy of logits times a scale, and its derivative by the scale. */
export const crossEntropyAt = (truth: readonly number[], logits: readonly Row[]) => (scale: number) => {
  let [loss, slope] = [0, 0]
  for (const [at, label] of truth.entries()) {
    const row = Array.from(logits[at]!) // one for each text
    const largest = row.reduce((a, b) => Math.max(a, b), -Infinity)
    let [total, weighted] = [0, 0]
    for (const logit of row) {
      const exponential = Math.exp(scale * (logit - largest))
      total += exponential
      weighted += exponential * (logit - largest)
    }
    const own = row[label]! - largest // label ids are below the number of labels
    loss += Math.log(total) - scale * own
    slope += weighted / total - own
  }
  return { loss, slope }
}
