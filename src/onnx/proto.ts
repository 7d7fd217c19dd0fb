/** Graphs as the bytes of an ONNX model file. */
import onnxProto from 'onnx-proto'
import type { Attributes, Graph, Node, Value } from './graph.ts'
import { CONTRIB_OPS } from './infer/quantized.ts'
import { concat, encode, field } from './proto/wire.ts'
import type { ElementType } from './types.ts'

const { onnx } = onnxProto

/** Operator set in which the compiler speaks, and the file format version that goes with it (onnx.ai, "Versioning"). */
export const OPSET = 20
const IR_VERSION = 9

const ELEMENT_TYPE: Record<ElementType, number> = {
  float32: onnx.TensorProto.DataType.FLOAT,
  int64: onnx.TensorProto.DataType.INT64,
  bool: onnx.TensorProto.DataType.BOOL,
  int8: onnx.TensorProto.DataType.INT8,
  uint8: onnx.TensorProto.DataType.UINT8,
  float16: onnx.TensorProto.DataType.FLOAT16,
}

/** ONNX Runtime's own operators, and the only version of them. */
const CONTRIB = { domain: 'com.microsoft', version: 1 }

/** A model in parts: bytes that follow each other in a file, weights among them as they lie in memory. */
export interface OnnxParts {
  model: Uint8Array[]
  /** The file that the model names for its large constants; empty where it holds them itself. */
  data: Uint8Array[]
}

export interface PartsOptions {
  /** Of the graph, shown by viewers. */
  name?: string
  /** Name of the file beside the model for large constants. Without it the model holds them. */
  dataFile?: string | undefined
  /** Bytes of constants from which on they are put there. */
  externalFrom?: number | undefined
}

/**
 * protobuf takes no more than 2 GiB. Far below that it pays to have weights in a file of their own: ONNX Runtime maps it
 * into memory, where from within the model it keeps them twice, as they were and packed for its products.
 */
const EXTERNAL_FROM = 2 ** 28

/** Smaller constants, which shapes may depend on, stay in the model. */
const MIN_EXTERNAL_BYTES = 1024

/** External tensors begin at multiples of this, so that every system can map them. */
const ALIGNMENT = 65_536

/**
 * Encodes a graph as an ONNX model: IR version 9, opset 20.
 * @param name of the graph, shown by viewers
 * @example
 * import { writeFile } from 'node:fs/promises'
 * import * as tf from '@tensorflow/tfjs'
 * import { toOnnx, trace } from 'graft-lora/onnx'
 *
 * await writeFile('relu.onnx', toOnnx(await trace(({ x }) => tf.relu(x), { x: { shape: ['batch', 4] } })))
 */
export const toOnnx = (graph: Graph, name = 'graft'): Uint8Array => concat(toOnnxParts(graph, { name }).model)

/**
 * Encodes a graph without copying its weights.
 *
 * A protobuf message is a sequence of fields, so large ones can be written by themselves: a model's graph is field 7, a graph's
 * initializers are fields 5, a tensor's data is field 9 (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
 * @example
 * import { writeFile } from 'node:fs/promises'
 * import * as tf from '@tensorflow/tfjs'
 * import { toOnnxParts, trace } from 'graft-lora/onnx'
 *
 * const graph = await trace(({ x }) => tf.relu(x), { x: { shape: ['batch', 4] } })
 * const { model, data } = toOnnxParts(graph, { dataFile: 'large.onnx_data' })
 * await writeFile('large.onnx', model)
 * if (data.length > 0) await writeFile('large.onnx_data', data)
 */
export function toOnnxParts(
  graph: Graph,
  { name = 'graft', dataFile, externalFrom = EXTERNAL_FROM }: PartsOptions = {},
): OnnxParts {
  const names = nameValues(graph)
  const constants = constantsOf(graph).map((value) => ({ head: tensorHead(value, names), raw: rawData(value) }))
  const isLarge = constants.reduce((sum, { raw }) => sum + raw.length, 0) >= externalFrom
  const data: Uint8Array[] = []
  let offset = 0

  function external(head: ReturnType<typeof tensorHead>, raw: Uint8Array): Uint8Array {
    const padding = new Uint8Array((ALIGNMENT - (offset % ALIGNMENT)) % ALIGNMENT)
    const place = { location: dataFile, offset: String(offset + padding.length), length: String(raw.length) }
    data.push(padding, raw)
    offset += padding.length + raw.length
    const externalData = Object.entries(place).map(([key, value]) => ({ key, value }))
    return encode(onnx.TensorProto, { ...head, externalData, dataLocation: onnx.TensorProto.DataLocation.EXTERNAL })
  }

  const initializers = constants.map(({ head, raw }) =>
    isLarge && dataFile !== undefined && raw.length >= MIN_EXTERNAL_BYTES
      ? [external(head, raw)]
      : [encode(onnx.TensorProto, head), ...field(9, [raw])],
  )
  const body = encode(onnx.GraphProto, {
    name,
    input: graph.inputs.map((value) => declare(value, names.get(value))),
    output: [...graph.outputs].map(([output, value]) => declare(value, output)),
    node: [...graph.nodes.map((node) => toNode(node, names)), ...renamedOutputs(graph, names)],
  })
  const head = encode(onnx.ModelProto, {
    irVersion: IR_VERSION,
    opsetImport: [{ domain: '', version: OPSET }, ...(graph.nodes.some(isContrib) ? [CONTRIB] : [])],
    producerName: 'graft',
  })
  return { model: [head, ...field(7, [body, ...initializers.flatMap((parts) => field(5, parts))])], data }
}

/** Inputs and named constants keep their names, outputs get theirs, all others a number. */
function nameValues(graph: Graph): Map<Value, string> {
  const names = new Map<Value, string>()
  for (const value of graph.inputs) names.set(value, value.name ?? '')
  for (const value of constantsOf(graph)) names.set(value, value.name ?? `constant_${names.size}`)
  for (const [name, value] of graph.outputs) if (!names.has(value)) names.set(value, name)
  for (const value of graph.nodes.flatMap(({ outputs }) => outputs))
    if (!names.has(value)) names.set(value, `value_${names.size}`)
  return names
}

/** An output that is an input, a constant or another output too is copied under its own name. */
function renamedOutputs(graph: Graph, names: Map<Value, string>) {
  return [...graph.outputs]
    .filter(([name, value]) => names.get(value) !== name)
    .map(([name, value]) =>
      onnx.NodeProto.create({ opType: 'Identity', input: [names.get(value) ?? ''], output: [name] }),
    )
}

function constantsOf(graph: Graph): Value[] {
  const used = [...graph.nodes.flatMap(({ inputs }) => inputs), ...graph.outputs.values()]
  return [...new Set(used.filter((value): value is Value => value?.data !== undefined))]
}

const isContrib = ({ op }: Node): boolean => CONTRIB_OPS.has(op)

function toNode(node: Node, names: Map<Value, string>) {
  const { op, inputs, outputs, attributes } = node
  return onnx.NodeProto.create({
    opType: op,
    ...(isContrib(node) && { domain: CONTRIB.domain }),
    input: inputs.map((value) => (value ? (names.get(value) ?? '') : '')),
    output: outputs.map((value) => names.get(value) ?? ''),
    attribute: toAttributes(attributes),
  })
}

/** Attributes that ONNX types as FLOAT; every other number is an INT. */
const FLOAT_ATTRIBUTES: ReadonlySet<string> = new Set(['alpha', 'beta', 'epsilon', 'gamma'])

function toAttributes(attributes: Attributes) {
  const { AttributeType } = onnx.AttributeProto
  return Object.entries(attributes).map(([name, value]) => {
    if (name === 'to') return { name, type: AttributeType.INT, i: ELEMENT_TYPE[value as ElementType] }
    if (typeof value === 'string') return { name, type: AttributeType.STRING, s: new TextEncoder().encode(value) }
    if (Array.isArray(value)) return { name, type: AttributeType.INTS, ints: [...value] }
    const number = Number(value)
    return FLOAT_ATTRIBUTES.has(name)
      ? { name, type: AttributeType.FLOAT, f: number }
      : { name, type: AttributeType.INT, i: number }
  })
}

function declare({ type, shape }: Value, name: string | undefined) {
  const dim = shape.map((size) => (typeof size === 'number' ? { dimValue: size } : { dimParam: size }))
  return { name, type: { tensorType: { elemType: ELEMENT_TYPE[type], shape: { dim } } } }
}

const tensorHead = (value: Value, names: Map<Value, string>) => ({
  name: names.get(value),
  dataType: ELEMENT_TYPE[value.type],
  dims: value.shape.map(Number),
})

/** A constant's values as ONNX stores them, little-endian. */
function rawData({ type, data = new Uint8Array() }: Value): Uint8Array {
  const values = type === 'int64' ? BigInt64Array.from(data, (value) => BigInt(value)) : data
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
}
