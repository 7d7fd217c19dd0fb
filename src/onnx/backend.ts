/**
 * The TF.js backend `onnx`: its kernels compute nothing. Each is written down with its inputs and attributes, and returns
 * tensors of the right shapes that stand for its outputs, so TF.js' ops, layers and gradients run on it unchanged.
 */
import * as tf from '@tensorflow/tfjs'
import { GraftError } from '../core/errors.ts'
import { Graph, type Value } from './graph.ts'
import { kernels } from './kernels.ts'
import type { Call, Recording, Source } from './recording.ts'
import { elementType, tfType, toConstantData } from './types.ts'

export const BACKEND = 'onnx'

/** A run under way. Shapes come from the kernels' mappings, applied to this run's numbers in a graph that is thrown away. */
interface Run extends Recording {
  graph: Graph
}

/** A tensor in a run: what it stands for, and a value of the same shape in the graph that is thrown away. */
interface Recorded {
  run: Run
  source: Source
  value: Value
}

/** What is stored of a tensor: concrete values (a constant of the program), what a run knows of it, or both. */
interface Entry {
  shape: readonly number[]
  dtype: string
  references: number
  values?: tf.BackendValues
  recorded?: Recorded
}

export class OnnxBackend extends tf.KernelBackend {
  #run: Run | undefined
  readonly #entries: tf.DataStorage<Entry>

  constructor() {
    super()
    // Values of another backend's tensor (a layer's weights, say) are moved here by TF.js on first use.
    this.#entries = new tf.DataStorage(this, tf.engine())
  }

  override floatPrecision(): 32 {
    return 32
  }
  override epsilon(): number {
    return 1e-7
  }
  override numDataIds(): number {
    return this.#entries.numDataIds()
  }
  override refCount(dataId: tf.DataId): number {
    return this.#entries.has(dataId) ? this.#entries.get(dataId).references : 0
  }
  override incRef(dataId: tf.DataId): void {
    this.#entries.get(dataId).references++
  }
  override disposeData(dataId: tf.DataId, force = false): boolean {
    if (!this.#entries.has(dataId)) return true
    const entry = this.#entries.get(dataId)
    entry.references--
    if (!force && entry.references > 0) return false
    return this.#entries.delete(dataId)
  }
  override memory() {
    return { unreliable: true, reasons: ['Traced tensors hold no values.'] }
  }
  override write(values: tf.BackendValues, shape: number[], dtype: tf.DataType): tf.DataId {
    const dataId = {}
    this.move(dataId, values, shape, dtype, 1)
    return dataId
  }
  override move(
    dataId: tf.DataId,
    values: tf.BackendValues,
    shape: number[],
    dtype: tf.DataType,
    references: number,
  ): void {
    this.#entries.set(dataId, { values, shape, dtype, references })
  }
  override readSync(dataId: tf.DataId): tf.BackendValues {
    return (
      this.#entries.get(dataId).values ??
      fail('trace-read', `the values of a traced tensor were read${calledBy()}`, READ_HINT)
    )
  }
  override async read(dataId: tf.DataId): Promise<tf.BackendValues> {
    return this.readSync(dataId)
  }

  /**
   * Writes down what `fn` does; tensors that it leaves are disposed.
   * @param fn gets the graph that is thrown away, for its inputs
   */
  record(fn: (scratch: Graph) => Record<string, tf.Tensor>): Recording {
    const run: Run = { graph: new Graph(), calls: [], outputs: new Map() }
    this.#run = run
    try {
      tf.tidy(() => {
        for (const [name, output] of Object.entries(fn(run.graph))) run.outputs.set(name, this.#lookup(output).source)
      })
      return { calls: run.calls, outputs: run.outputs }
    } finally {
      this.#run = undefined
    }
  }

  /** A tensor that stands for what `source` gives, shaped as `value`. */
  tensor(source: Source, value: Value): tf.Tensor {
    return tf.engine().makeTensorFromTensorInfo(this.#register(source, value))
  }

  /** Runs a kernel. */
  emit(kernel: string, inputs: tf.NamedTensorInfoMap, attributes: object): tf.TensorInfo | tf.TensorInfo[] {
    const { calls, graph } = this.#active()
    const emitter = kernels[kernel] ?? unmapped(kernel)
    const present = Object.entries(inputs).flatMap(([name, info]) =>
      info ? [[name, this.#lookup(info)] as const] : [],
    )
    const values = Object.fromEntries(present.map(([name, { value }]) => [name, value]))
    const trials = [{ attributes, numbers: (shape: Value['shape']) => shape.map(Number) }]
    const result = emitter(values, attributes, { graph, trials, toDim: ([number]) => number, isTrial: true })
    const outputs = [result].flat()
    const call: Call = {
      kernel,
      caller: calledBy(),
      inputs: present.map(([name, { source }]) => [name, source]),
      attributes: Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, copy(value)])),
      shapes: outputs.map(({ shape }) => shape.map(Number)),
    }
    calls.push(call)
    const infos = outputs.map((value, position) => this.#register({ kind: 'output', call, position }, value))
    const [first] = infos
    return first && !Array.isArray(result) ? first : infos
  }

  #register(source: Source, value: Value): tf.TensorInfo {
    const [shape, dtype, dataId] = [value.shape.map(Number), tfType(value.type), {}]
    this.#entries.set(dataId, { shape, dtype, references: 1, recorded: { run: this.#active(), source, value } })
    return { dataId, shape, dtype }
  }

  /** What a tensor stands for in this run. */
  #lookup({ dataId }: tf.TensorInfo): Recorded {
    const run = this.#active()
    const entry = this.#entries.get(dataId)
    if (entry.recorded?.run === run) return entry.recorded
    const { shape, dtype, values } = entry
    if (!values)
      return fail(
        'trace',
        `a tensor of another trace was used${calledBy()}`,
        'Create tensors inside the traced function.',
      )
    const type = elementType(dtype)
    const numbers = values as tf.TypedArray // text was refused by its type
    const value = run.graph.constant(toConstantData(type, numbers), [...shape], type)
    entry.recorded = { run, source: { kind: 'constant', shape, dtype, values: numbers }, value }
    return entry.recorded
  }

  #active(): Run {
    return (
      this.#run ??
      fail(
        'trace',
        'an operator was called on the onnx backend outside a trace',
        'Call it inside the function given to trace().',
      )
    )
  }
}

/** Attributes may hold arrays of the caller's, who may change them later. */
const copy = (value: unknown): unknown => (Array.isArray(value) ? value.map(copy) : value)

/** Ends the names of scopes that TF.js opens for its ops. */
const OP_SCOPE = '__op'

/** The tf.* function being run, as a phrase for messages. */
function calledBy(): string {
  const op = tf.engine().state.scopeStack.findLast(({ name }) => name.endsWith(OP_SCOPE))
  return op ? ` by tf.${op.name.slice(0, -OP_SCOPE.length)}` : ''
}

const READ_HINT =
  'A traced tensor has no values yet: keep data-dependent control flow, dataSync() and print() out of the traced function.'

function fail(code: 'trace' | 'trace-read' | 'trace-kernel', message: string, hint: string, value?: unknown): never {
  throw new GraftError(code, message, { hint, value })
}

function unmapped(kernel: string): never {
  const hint = 'Use other operators, or add a mapping in src/onnx/kernels.'
  return fail('trace-kernel', `the TF.js kernel ${kernel}, called${calledBy()}, has no ONNX mapping`, hint, kernel)
}

/** Registers the backend and its kernels with TF.js, once; an unmapped kernel is an error that names it. */
export function registerBackend(): OnnxBackend {
  const existing = tf.findBackend(BACKEND)
  if (existing instanceof OnnxBackend) return existing
  const backend = new OnnxBackend()
  tf.registerBackend(BACKEND, () => backend, 0)
  const names = new Set([
    ...Object.keys(kernels),
    ...tf.getKernelsForBackend('cpu').map(({ kernelName }) => kernelName),
  ])
  for (const kernelName of names) {
    tf.registerKernel({
      kernelName,
      backendName: BACKEND,
      kernelFunc: ({ inputs, attrs }) => backend.emit(kernelName, inputs, attrs ?? {}),
    })
  }
  return backend
}
