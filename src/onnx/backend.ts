/**
 * The TF.js backend `onnx`: its kernels compute nothing. Each appends ONNX operators to the graph being traced and
 * returns a tensor that stands for their output, so TF.js' ops, layers and gradients run on it unchanged.
 */
import * as tf from '@tensorflow/tfjs'
import { GraftError } from '../core/errors.ts'
import { type StandIns, isStatic } from './dims.ts'
import type { Graph, Value } from './graph.ts'
import { type Kernel, kernels } from './kernels.ts'
import { cast } from './kernels/elementwise.ts'
import { expand, reshape } from './kernels/shapes.ts'
import { type ElementType, TF_TYPES, elementType, toConstantData } from './types.ts'

export const BACKEND = 'onnx'

/** What is stored of a tensor: concrete values (a constant of the program) or a value of the graph. */
interface Entry {
  shape: readonly number[]
  dtype: string
  references: number
  values?: tf.BackendValues
  traced?: { graph: Graph; value: Value }
}

/** A trace under way. */
export interface Tracing {
  graph: Graph
  standIns: StandIns
}

export class OnnxBackend extends tf.KernelBackend {
  tracing: Tracing | undefined
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

  /** A tensor for a value of the graph. */
  register(value: Value): tf.TensorInfo {
    const { graph, standIns } = this.#active()
    const [shape, dtype] = [standIns.toNumbers(value.shape), TF_TYPES[value.type]]
    const dataId = {}
    this.#entries.set(dataId, { shape, dtype, references: 1, traced: { graph, value } })
    return { dataId, shape, dtype }
  }

  /** The value of the graph that a tensor stands for; a constant is added to the graph on first use. */
  lookup({ dataId }: tf.TensorInfo): Value {
    const tracing = this.#active()
    const entry = this.#entries.get(dataId)
    if (entry.traced?.graph !== tracing.graph) {
      if (!entry.values)
        fail('trace', `a tensor of another trace was used${calledBy()}`, 'Create tensors inside the traced function.')
      entry.traced = { graph: tracing.graph, value: constant(tracing, entry) }
    }
    return entry.traced.value
  }

  /** Runs a mapping as a TF.js kernel. */
  emit(kernel: Kernel, inputs: tf.NamedTensorInfoMap, attributes: object): tf.TensorInfo | tf.TensorInfo[] {
    const tracing = this.#active()
    const present = Object.entries(inputs).flatMap(([name, info]) => (info ? [[name, this.lookup(info)] as const] : []))
    const values = Object.fromEntries(present)
    const outputs = kernel(values, attributes, tracing)
    return Array.isArray(outputs) ? outputs.map((value) => this.register(value)) : this.register(outputs)
  }

  #active(): Tracing {
    return (
      this.tracing ??
      fail(
        'trace',
        'an operator was called on the onnx backend outside a trace',
        'Call it inside the function given to trace().',
      )
    )
  }
}

/**
 * Adds a constant of the traced program to the graph. Its shape, and a scalar's value, may be a symbolic size; then it
 * is computed at run time.
 */
function constant({ graph, standIns }: Tracing, { values, shape, dtype }: Entry): Value {
  const type = elementType(dtype)
  const data = toConstantData(type, values as ArrayLike<number>)
  const dims = standIns.toDims(shape)
  if (!isStatic(dims)) {
    const [first = 0] = data
    if (data.some((value) => value !== first)) {
      fail(
        'trace',
        `a constant of the symbolic shape [${dims.join(', ')}] was used${calledBy()}`,
        UNIFORM_HINT,
        dims.join(),
      )
    }
    return expand(graph, scalarOrSize(graph, standIns, first, type), dims)
  }
  return data.length === 1 && data[0] !== undefined
    ? reshape(graph, scalarOrSize(graph, standIns, data[0], type), dims)
    : graph.constant(data, [...dims], type)
}

/** A number that a stand-in prime divides is a symbolic size (TF.js' mean, say, divides by one). */
function scalarOrSize(graph: Graph, standIns: StandIns, value: number, type: ElementType): Value {
  const size = type === 'bool' ? value : standIns.toDim(value)
  if (typeof size === 'number') return graph.scalar(value, type)
  return cast(graph, reshape(graph, graph.sizeTensor(size), []), type)
}

/** Ends the names of scopes that TF.js opens for its ops. */
const OP_SCOPE = '__op'

/** The tf.* function being run, as a phrase for messages. */
function calledBy(): string {
  const op = tf.engine().state.scopeStack.findLast(({ name }) => name.endsWith(OP_SCOPE))
  return op ? ` by tf.${op.name.slice(0, -OP_SCOPE.length)}` : ''
}

const READ_HINT =
  'A traced tensor has no values yet: keep data-dependent control flow, dataSync() and print() out of the traced function.'
const UNIFORM_HINT =
  'Only constants of one value everywhere can have a symbolic shape: compute it from an input, or slice it from a larger constant.'

function fail(code: 'trace' | 'trace-read' | 'trace-kernel', message: string, hint: string, value?: unknown): never {
  throw new GraftError(code, message, { hint, value })
}

/** Registers the backend and its kernels with TF.js, once; an unmapped kernel is an error that names it. */
export function registerBackend(): OnnxBackend {
  const existing = tf.findBackend(BACKEND)
  if (existing instanceof OnnxBackend) return existing
  const backend = new OnnxBackend()
  tf.registerBackend(BACKEND, () => backend, 0)
  for (const [kernelName, kernel] of Object.entries(kernels)) {
    tf.registerKernel({
      kernelName,
      backendName: BACKEND,
      kernelFunc: ({ inputs, attrs }) => backend.emit(kernel, inputs, attrs ?? {}),
    })
  }
  const unmapped = tf.getKernelsForBackend('cpu').filter(({ kernelName }) => !Object.hasOwn(kernels, kernelName))
  for (const { kernelName } of unmapped) {
    const kernelFunc = () =>
      fail(
        'trace-kernel',
        `the TF.js kernel ${kernelName}, called${calledBy()}, has no ONNX mapping`,
        UNMAPPED_HINT,
        kernelName,
      )
    tf.registerKernel({ kernelName, backendName: BACKEND, kernelFunc })
  }
  return backend
}

const UNMAPPED_HINT = 'Use other operators, or add a mapping in src/onnx/kernels.'
