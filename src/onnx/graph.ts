/**
 * The intermediate representation: a graph of ONNX operators in static single assignment form. Building a node infers
 * its outputs' types and shapes by the operator's rule (`infer.ts`), and an operator applied twice to the same inputs
 * is one node.
 */
import { GraftError } from '../core/errors.ts'
import { sizeOf } from '../core/tensors.ts'
import { type Dim, isStatic } from './dims.ts'
import { type OpName, inferTypes } from './infer.ts'
import { type ConstantData, type ElementType, toConstantData } from './types.ts'

export interface TensorType {
  type: ElementType
  shape: Dim[]
}

/** A tensor in a graph: an input, a constant, or an output of a node. */
export interface Value extends TensorType {
  readonly id: number
  name: string | undefined
  /** Values known while tracing (constants only). */
  readonly data?: ConstantData
  /** What a 1-D int64 tensor of sizes holds, where that is known. */
  readonly sizes?: Dim[]
}

export type AttributeValue = number | string | readonly number[] | boolean
export type Attributes = Record<string, AttributeValue | undefined>

export interface Node {
  op: OpName
  inputs: (Value | null)[]
  outputs: Value[]
  attributes: Attributes
}

export class Graph {
  inputs: Value[] = []
  nodes: Node[] = []
  /** Outputs by name, in order. */
  outputs = new Map<string, Value>()
  #nextId = 0
  #known = new Map<string, Value[]>()
  #constants = new Map<string, Value>()
  #producers = new Map<Value, Node>()

  input(name: string, type: ElementType, shape: Dim[]): Value {
    const value: Value = { id: this.#nextId++, name, type, shape }
    this.inputs.push(value)
    return value
  }

  /** A constant tensor. Small ones of equal type, shape and values are one. */
  constant(data: ConstantData, shape: number[], type: ElementType, name?: string): Value {
    const key =
      name === undefined && data.length <= 64 ? `${type}[${shape.join()}]${[...data].map(bits).join()}` : undefined
    const known = key === undefined ? undefined : this.#constants.get(key)
    if (known) return known
    if (data.length !== sizeOf(shape)) throw invalid(`a constant of shape [${shape.join()}] has ${data.length} values`)
    const sizes = type === 'int64' && shape.length === 1 ? [...data] : undefined
    const value: Value = { id: this.#nextId++, name, type, shape, data, ...(sizes && { sizes }) }
    if (key !== undefined) this.#constants.set(key, value)
    return value
  }

  scalar(value: number, type: ElementType = 'float32'): Value {
    return this.constant(toConstantData(type, [value]), [], type)
  }

  /** A 1-D int64 constant: axes, sizes, indices. */
  integers(values: readonly number[]): Value {
    return this.constant(Float64Array.from(values), [values.length], 'int64')
  }

  /** Appends an operator and returns its first output. */
  op(op: OpName, inputs: (Value | null)[], attributes: Attributes = {}): Value {
    const [output] = this.ops(op, inputs, attributes)
    if (!output) throw invalid(`${op} has no output`)
    return output
  }

  /** Appends an operator with several outputs. */
  ops(op: OpName, inputs: (Value | null)[], attributes: Attributes = {}): Value[] {
    const key = `${op}(${inputs.map((value) => value?.id ?? '').join()})${JSON.stringify(attributes)}`
    const known = this.#known.get(key)
    if (known) return known
    const outputs = inferTypes(op, inputs, attributes).map((type): Value => ({
      id: this.#nextId++,
      name: undefined,
      ...type,
    }))
    const node: Node = { op, inputs, outputs, attributes }
    this.nodes.push(node)
    for (const output of outputs) this.#producers.set(output, node)
    this.#known.set(key, outputs)
    return outputs
  }

  /** The node whose output a value is; undefined for inputs and constants. */
  producer(value: Value): Node | undefined {
    return this.#producers.get(value)
  }

  /** The 1-D int64 tensor `shape`, computed from the inputs' shapes where it is symbolic. */
  shapeTensor(shape: readonly Dim[]): Value {
    if (isStatic(shape)) return this.integers(shape)
    const parts = shape.map((dim) => this.sizeTensor(dim))
    return parts.length === 1 ? parts[0]! /* length checked */ : this.op('Concat', parts, { axis: 0 })
  }

  /** The int64 tensor `[dim]` of shape [1]. */
  sizeTensor(dim: Dim): Value {
    if (typeof dim === 'number') return this.integers([dim])
    for (const input of this.inputs) {
      const axis = input.shape.indexOf(dim)
      if (axis >= 0) return this.op('Shape', [input], { start: axis, end: axis + 1 })
    }
    const [first, ...rest] = dim.split('*').map((factor) => (/^\d+$/.test(factor) ? Number(factor) : factor))
    if (first === undefined || rest.length === 0) throw invalid(`the size "${dim}" is not a dimension of any input`)
    return rest.reduce<Value>(
      (product, factor) => this.op('Mul', [product, this.sizeTensor(factor)]),
      this.sizeTensor(first),
    )
  }
}

/** Distinguishes -0 from 0, which `join` would not. */
const bits = (value: number): string => (Object.is(value, -0) ? '-0' : String(value))

const invalid = (message: string) =>
  new GraftError('trace', message, {
    hint: 'This is a defect of the compiler or of a kernel mapping: please report it.',
  })
