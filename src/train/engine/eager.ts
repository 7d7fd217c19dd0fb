/** The reference engine: runs the training step as it is on a TF.js backend. */
import * as tf from '@tensorflow/tfjs'
import type { Tensors } from '../../model/parameters.ts'
import type { Engine, EngineOptions, Feeds, StepOptions, TrainingState } from '../engine.ts'
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
    async step(feeds: Feeds, { learningRate, step }: StepOptions) {
      const { shape, data } = feeds.input_ids
      const outputs = tf.tidy(() =>
        runStep({
          ...frozen,
          ...state,
          ...feedTensors(feeds),
          learning_rate: tf.scalar(learningRate),
          step: tf.scalar(step),
          ...(program.usesDropout && {
            dropout_rows: tf.tensor(dropoutRows(seed, step, data.length), shape),
          }),
        }),
      )
      const { loss, prediction, gradient_norm: norm } = outputs
      if (!loss || !prediction || !norm) throw new Error('the training step lost an output')
      const next: Tensors = {}
      for (const name of Object.keys(state)) next[name] = outputs[nextName(name)] ?? fail(name)
      tf.dispose(state)
      state = next
      const [lossValue, values, normValue] = await Promise.all([loss.data(), prediction.data(), norm.data()])
      tf.dispose([loss, prediction, norm])
      return {
        loss: lossValue[0] ?? Number.NaN,
        prediction: Float32Array.from(values),
        gradientNorm: normValue[0] ?? Number.NaN,
      }
    },
    async evaluate(feeds: Feeds) {
      const { prediction } = tf.tidy(() => runEvaluation({ ...frozen, ...state, ...feedTensors(feeds) }))
      const values = await (prediction ?? fail('prediction')).data()
      tf.dispose(prediction ?? [])
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

function feedTensors(feeds: Feeds): Tensors {
  const tensors: Tensors = {}
  for (const [name, { data, shape }] of Object.entries(feeds)) {
    tensors[name] = tf.tensor(data, shape, data instanceof Float32Array ? 'float32' : 'int32')
  }
  return tensors
}

function fail(name: string): never {
  throw new Error(`the training step lost "${name}"`)
}
