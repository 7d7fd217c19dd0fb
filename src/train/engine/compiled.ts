/** The fast engine: the training step traced once with symbolic batch and sequence, and run by ONNX Runtime. */
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { type CompiledDevice, DEVICES, deviceError } from '../../core/devices.ts'
import { loadModel } from '../../files/model-file.ts'
import { type Graph, type InputSpec, type TracedFunction, quantize, toOnnxParts, trace } from '../../onnx/index.ts'
import type { Engine, EngineOptions, Feed, Feeds, StepOptions, TrainingState } from '../engine.ts'
import { dropoutRows, evaluationInputs, evaluationStep, nextName, stepInputs, trainingStep } from '../step.ts'
import { createProfiler } from './profile.ts'
import { initialState } from './state.ts'

export interface CompiledOptions {
  /** Threads of ONNX Runtime; all cores by default. */
  threads?: number | undefined
  device?: CompiledDevice
  /** Measure the first steps' operators. */
  profile?: boolean
}

/** @throws GraftError `device` where ONNX Runtime has no such device here */
export async function createCompiledEngine(
  { program, optimizer, seed, onRead }: EngineOptions,
  { threads, device = 'cpu', profile = false }: CompiledOptions = {},
): Promise<Engine> {
  const session = (graph: Graph, options: InferenceSession.SessionOptions = {}) =>
    loadModel(toOnnxParts(graph, { dataFile: DATA_FILE, externalFrom: EXTERNAL_FROM }), DATA_FILE, (model) =>
      createSession(model, device, { ...options, ...(threads !== undefined && { intraOpNumThreads: threads }) }),
    )
  const compile = async (step: TracedFunction, inputs: Record<string, InputSpec>): Promise<Graph> => {
    const graph = await trace(step, inputs, { constants: program.frozen })
    const { frozenScheme: scheme } = program
    // Rows are looked up, not multiplied by: float32 ones cost nothing but memory, and few are in use.
    return scheme ? quantize(graph, (_, use) => (use === 'product' ? scheme : undefined)).graph : graph
  }
  let state = toTensors(initialState(program))
  const names = Object.keys(state)
  const profiler = profile ? await createProfiler() : undefined
  const graphs = [
    await compile(trainingStep(program, optimizer, seed), stepInputs(program)),
    await compile(evaluationStep(program), evaluationInputs(program)),
  ]
  // What fewer bits were made of can go now; in float32 the graphs hold the very arrays.
  onRead?.()
  const training = await session(take(graphs), {
    ...keepOnDevice(device, names),
    ...profiler?.sessionOptions,
  }).catch(async (error: unknown) => {
    await profiler?.dispose()
    throw error
  })
  const evaluation = await session(take(graphs))
  let download: InferenceSession | undefined

  return {
    name: `compiled (${['onnxruntime-node', device !== 'cpu' && device, program.frozenScheme].filter(Boolean).join(', ')})`,
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
      profiler?.ran(training)
      const next: Record<string, Tensor> = {}
      for (const name of names) next[name] = output(results, nextName(name))
      release(state)
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
      if (!Object.values(state).some(isOnDevice)) {
        return new Map(names.map((name) => [name, floats(state, name).slice()]))
      }
      download ??= await session(await traceDownload(state))
      const values = await download.run(state)
      return new Map(names.map((name) => [name, floats(values, nextName(name)).slice()]))
    },
    async restore(saved: TrainingState) {
      release(state)
      state = toTensors(saved)
    },
    profile: async () => profiler?.finish(training),
    async dispose() {
      release(state)
      await profiler?.dispose()
      await Promise.all([training, evaluation, download].map((each) => each?.release()))
    },
  }
}

/** Copies: the binding cannot read a tensor that lies on the device, but a session without preferred places gives its outputs here. */
const traceDownload = (state: Readonly<Record<string, Tensor>>) =>
  trace(
    (inputs) => Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [nextName(name), tensor])),
    Object.fromEntries(Object.entries(state).map(([name, { dims }]) => [name, { shape: [...dims] }])),
  )

/** The first graph, which then has no other owner: its weights can go once its session has them. */
function take(graphs: Graph[]): Graph {
  const graph = graphs.shift()
  if (!graph) throw new Error('no graph is left')
  return graph
}

/** Of frozen weights, where they are large. */
const DATA_FILE = 'frozen.bin'

/** Bytes from which on they are: ONNX Runtime maps the file, and keeps no second copy beside what it packs for products. */
const EXTERNAL_FROM = 2 ** 25

/** onnxruntime-node can leave outputs on the device with WebGPU only; with CUDA they come back and are sent again. */
const keepOnDevice = (device: CompiledDevice, names: readonly string[]): InferenceSession.SessionOptions =>
  device === 'webgpu'
    ? { preferredOutputLocation: Object.fromEntries(names.map((name) => [nextName(name), 'gpu-buffer'])) }
    : {}

const isOnDevice = ({ location }: Tensor) => location === 'gpu-buffer'

/** Frees what lies on the device; the garbage collector knows nothing of it. */
const release = (state: Readonly<Record<string, Tensor>>): void => {
  for (const tensor of Object.values(state)) if (isOnDevice(tensor)) tensor.dispose()
}

async function createSession(
  model: string | Uint8Array,
  device: CompiledDevice,
  others: InferenceSession.SessionOptions,
): Promise<InferenceSession> {
  const isLarge = typeof model === 'string'
  const options: InferenceSession.SessionOptions = {
    executionProviders: [DEVICES[device].runner.provider],
    graphOptimizationLevel: 'all',
    // What is planned for each batch shape and kept between steps doubles what a large model's activations take.
    enableMemPattern: !isLarge,
    // Below errors it lists the operators of shapes, which it leaves to the CPU on purpose.
    ...(device !== 'cpu' && { logSeverityLevel: 3 }),
    // Adam's second moments decay into denormal numbers, on which arithmetic is many times slower.
    extra: { session: { set_denormal_as_zero: '1' } },
    ...others,
  }
  // Its types have one signature for paths and one for bytes, and none for either.
  const session = isLarge ? InferenceSession.create(model, options) : InferenceSession.create(model, options)
  return device === 'cpu'
    ? session
    : session.catch((error: unknown) => {
        throw deviceError(device, error)
      })
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
