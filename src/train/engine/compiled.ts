/** The fast engine: the training step traced once with symbolic batch and sequence, and run by ONNX Runtime. */
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { loadModel } from '../../files/model-file.ts'
import { type Graph, toOnnxParts, trace } from '../../onnx/index.ts'
import type { Engine, EngineOptions, Feed, Feeds, StepOptions, TrainingState } from '../engine.ts'
import { dropoutRows, evaluationInputs, evaluationStep, nextName, stepInputs, trainingStep } from '../step.ts'
import { initialState } from './state.ts'

export interface CompiledOptions {
  /** Threads of ONNX Runtime; all cores by default. */
  threads?: number
}

export async function createCompiledEngine(
  { program, optimizer, seed }: EngineOptions,
  { threads }: CompiledOptions = {},
): Promise<Engine> {
  const session = (graph: Graph) =>
    loadModel(toOnnxParts(graph, { dataFile: DATA_FILE }), DATA_FILE, (model) => createSession(model, threads))
  const constants = program.frozen
  const training = await session(
    await trace(trainingStep(program, optimizer, seed), stepInputs(program), { constants }),
  )
  const evaluation = await session(await trace(evaluationStep(program), evaluationInputs(program), { constants }))
  let state = toTensors(initialState(program))

  return {
    name: 'compiled (onnxruntime-node)',
    async step(feeds: Feeds, { learningRate, step }: StepOptions) {
      const { shape, data } = feeds.input_ids
      const results = await training.run({
        ...state,
        ...feedTensors(feeds),
        learning_rate: new Tensor('float32', [learningRate], []),
        step: new Tensor('float32', [step], []),
        ...(program.usesDropout && {
          dropout_rows: new Tensor('float32', dropoutRows(seed, step, data.length), shape),
        }),
      })
      const next: Record<string, Tensor> = {}
      for (const name of Object.keys(state)) next[name] = output(results, nextName(name))
      state = next
      return {
        loss: floats(results, 'loss')[0] ?? Number.NaN,
        prediction: floats(results, 'prediction'),
        gradientNorm: floats(results, 'gradient_norm')[0] ?? Number.NaN,
      }
    },
    async evaluate(feeds: Feeds) {
      const inputs = { ...state, ...feedTensors(feeds) }
      const needed = Object.fromEntries(evaluation.inputNames.map((name) => [name, output(inputs, name)]))
      return floats(await evaluation.run(needed), 'prediction')
    },
    async state() {
      return new Map(Object.keys(state).map((name) => [name, floats(state, name).slice()]))
    },
    async restore(saved: TrainingState) {
      state = toTensors(saved)
    },
    async dispose() {
      await training.release()
      await evaluation.release()
    },
  }
}

/** Of frozen weights, where they are large. */
const DATA_FILE = 'frozen.bin'

function createSession(model: string | Uint8Array, threads: number | undefined): Promise<InferenceSession> {
  const isLarge = typeof model === 'string'
  const options: InferenceSession.SessionOptions = {
    executionProviders: ['cpu'],
    graphOptimizationLevel: 'all',
    // What is planned for each batch shape and kept between steps doubles what a large model's activations take.
    enableMemPattern: !isLarge,
    ...(threads !== undefined && { intraOpNumThreads: threads }),
    // Adam's second moments decay into denormal numbers, on which arithmetic is many times slower.
    extra: { session: { set_denormal_as_zero: '1' } },
  }
  // Its types have one signature for paths and one for bytes, and none for either.
  return typeof model === 'string' ? InferenceSession.create(model, options) : InferenceSession.create(model, options)
}

const toTensors = (state: TrainingState): Record<string, Tensor> =>
  Object.fromEntries([...state].map(([name, values]) => [name, new Tensor('float32', values, [values.length])]))

/** Whole numbers are int64 in graphs. */
const feedTensor = ({ data, shape }: Feed): Tensor =>
  data instanceof Float32Array
    ? new Tensor('float32', data, shape)
    : new Tensor('int64', BigInt64Array.from(data, BigInt), shape)

const feedTensors = (feeds: Feeds): Record<string, Tensor> =>
  Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, feedTensor(feed)]))

function output(results: Readonly<Record<string, Tensor>>, name: string): Tensor {
  const tensor = results[name]
  if (!tensor) throw new Error(`the training step lost "${name}"`)
  return tensor
}

function floats(results: Readonly<Record<string, Tensor>>, name: string): Float32Array {
  const { data } = output(results, name)
  if (!(data instanceof Float32Array)) throw new Error(`"${name}" is not float32`)
  return data
}
