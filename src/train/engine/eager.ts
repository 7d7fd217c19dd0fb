/** The reference engine: runs the training step as it is on a TF.js backend. */
import * as tf from '@tensorflow/tfjs'
import type { Batch } from '../../core/batch.ts'
import type { Tensors } from '../../model/parameters.ts'
import type { Engine, EngineOptions, LabelledBatch, StepOptions, TrainingState } from '../engine.ts'
import { dropoutRows, evaluationStep, nextName, trainingStep } from '../step.ts'
import { initialState } from './state.ts'

/**
 * @param backend a registered TF.js backend; `cpu` is always there
 */
export async function createEagerEngine({ program, optimizer, seed }: EngineOptions, backend = 'cpu'): Promise<Engine> {
  tf.enableProdMode() // else TF.js prints an advertisement for its native package
  await tf.setBackend(backend)
  const frozen: Tensors = {}
  for (const [name, { shape, data }] of program.frozen) frozen[name] = tf.tensor(data, shape)
  let state = toTensors(initialState(program))
  const runStep = trainingStep(program, optimizer, seed)
  const runEvaluation = evaluationStep(program)

  return {
    name: `eager (${backend})`,
    async step(batch: LabelledBatch, { learningRate, step }: StepOptions) {
      const outputs = tf.tidy(() =>
        runStep({
          ...frozen,
          ...state,
          ...tokenTensors(batch),
          labels: tf.tensor1d(batch.labels, 'int32'),
          learning_rate: tf.scalar(learningRate),
          step: tf.scalar(step),
          ...(program.usesDropout && {
            dropout_rows: tf.tensor2d(dropoutRows(seed, step, batch.inputIds.length), [batch.rows, batch.length]),
          }),
        }),
      )
      const { loss, logits, gradient_norm: norm } = outputs
      if (!loss || !logits || !norm) throw new Error('the training step lost an output')
      const next: Tensors = {}
      for (const name of Object.keys(state)) next[name] = outputs[nextName(name)] ?? fail(name)
      tf.dispose(state)
      state = next
      const [lossValue, logitValues, normValue] = await Promise.all([loss.data(), logits.data(), norm.data()])
      tf.dispose([loss, logits, norm])
      return {
        loss: lossValue[0] ?? Number.NaN,
        logits: Float32Array.from(logitValues),
        gradientNorm: normValue[0] ?? Number.NaN,
      }
    },
    async evaluate(batch: Batch) {
      const { logits } = tf.tidy(() => runEvaluation({ ...frozen, ...state, ...tokenTensors(batch) }))
      const values = await (logits ?? fail('logits')).data()
      tf.dispose(logits ?? [])
      return Float32Array.from(values)
    },
    async state() {
      const entries = Object.entries(state).map(
        async ([name, tensor]) => [name, Float32Array.from(await tensor.data())] as const,
      )
      return new Map(await Promise.all(entries))
    },
    async restore(saved: TrainingState) {
      tf.dispose(state)
      state = toTensors(saved)
    },
    async dispose() {
      tf.dispose([frozen, state])
    },
  }
}

function toTensors(state: TrainingState): Tensors {
  const tensors: Tensors = {}
  for (const [name, values] of state) tensors[name] = tf.tensor1d(values)
  return tensors
}

const tokenTensors = ({ inputIds, attentionMask, rows, length }: Batch) => ({
  input_ids: tf.tensor2d(inputIds, [rows, length], 'int32'),
  attention_mask: tf.tensor2d(attentionMask, [rows, length], 'int32'),
})

function fail(name: string): never {
  throw new Error(`the training step lost "${name}"`)
}
