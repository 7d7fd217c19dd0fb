/** What training minimizes, by the kind of the task: what transformers' `ForSequenceClassification` classes minimize. */
import type * as tf from '@tensorflow/tfjs'
import type { ProblemType } from '../core/task.ts'
import { binaryCrossEntropy } from './ops/binary-cross-entropy.ts'
import { crossEntropy } from './ops/cross-entropy.ts'
import { meanSquaredError } from './ops/mean-squared-error.ts'

/** A loss, and the shape of the targets that it takes. */
export interface TaskLoss {
  /** `labels` stands for their number. */
  shape: ('batch' | 'labels')[]
  dtype: 'int32' | 'float32'
  /** @param logits [batch, labels] */
  loss(logits: tf.Tensor2D, targets: tf.Tensor): tf.Scalar
}

export const taskLosses: Readonly<Record<ProblemType, TaskLoss>> = {
  single_label_classification: {
    shape: ['batch'],
    dtype: 'int32',
    loss: (logits, ids) => crossEntropy(logits, ids as tf.Tensor1D),
  },
  multi_label_classification: {
    shape: ['batch', 'labels'],
    dtype: 'float32',
    loss: (logits, ones) => binaryCrossEntropy(logits, ones as tf.Tensor2D),
  },
  regression: {
    shape: ['batch'],
    dtype: 'float32',
    loss: (logits, numbers) => meanSquaredError(logits, numbers as tf.Tensor1D),
  },
}
