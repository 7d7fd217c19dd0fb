/** The reference engine: runs the training step as it is on a TF.js backend. */
import * as tf from '@tensorflow/tfjs'
import { DEVICES, type EagerDevice } from '../../core/devices.ts'
import type { Tensors } from '../../model/parameters.ts'
import type { Engine, EngineOptions, Feeds, StepOptions, TrainingState } from '../engine.ts'
import { dropoutRows, evaluationStep, nextName, trainingStep } from '../step.ts'
import { openBackend } from './backends.ts'
import { initialState } from './state.ts'

/**
 * @param device one of TF.js; `tfjs-cpu` is always there
 * @throws GraftError `device` where it does not work
 */
export async function createEagerEngine(
  { program, optimizer, seed, onRead }: EngineOptions,
  device: EagerDevice = 'tfjs-cpu',
): Promise<Engine> {
  await openBackend(device)
  // Another engine may have made its own the current one since.
  const activate = () => tf.setBackend(DEVICES[device].runner.backend)
  const frozen: Tensors = {}
  for (const [name, { shape, data }] of program.frozen) frozen[name] = tf.tensor(data, shape)
  onRead?.()
  let state = toTensors(initialState(program))
  const runStep = trainingStep(program, optimizer, seed)
  const runEvaluation = evaluationStep(program)

  return {
    name: `eager (TensorFlow.js, ${device.replace(/^tfjs-/, '')})`,
    async step(feeds: Feeds, { learningRate, step }: StepOptions) {
      await activate()
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
      await activate()
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
      await activate()
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
