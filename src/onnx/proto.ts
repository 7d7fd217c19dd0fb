/** Graphs as the bytes of an ONNX model file. */
import onnxProto from 'onnx-proto'
import type { Attributes, Graph, Node, Value } from './graph.ts'
import type { ElementType } from './types.ts'

const { onnx } = onnxProto

/** Operator set in which the compiler speaks, and the file format version that goes with it (onnx.ai, "Versioning"). */
export const OPSET = 20
const IR_VERSION = 9

const ELEMENT_TYPE: Record<ElementType, number> = {
  float32: onnx.TensorProto.DataType.FLOAT,
  int64: onnx.TensorProto.DataType.INT64,
  bool: onnx.TensorProto.DataType.BOOL,
}

/**
 * Encodes a graph as an ONNX model: IR version 9, opset 20.
 * @param name of the graph, shown by viewers
 */
export function toOnnx(graph: Graph, name = 'graft'): Uint8Array {
  const names = nameValues(graph)
  const renamed = renamedOutputs(graph, names)
  const model = onnx.ModelProto.create({
    irVersion: IR_VERSION,
    opsetImport: [{ domain: '', version: OPSET }],
    producerName: 'graft',
    graph: {
      name,
      input: graph.inputs.map((value) => declare(value, names.get(value))),
      output: [...graph.outputs].map(([output, value]) => declare(value, output)),
      initializer: constantsOf(graph).map((value) => toTensor(value, names.get(value))),
      node: [...graph.nodes.map((node) => toNode(node, names)), ...renamed],
    },
  })
  return onnx.ModelProto.encode(model).finish()
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

function toNode({ op, inputs, outputs, attributes }: Node, names: Map<Value, string>) {
  return onnx.NodeProto.create({
    opType: op,
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

function toTensor({ type, shape, data }: Value, name: string | undefined) {
  const values =
    type === 'int64' ? BigInt64Array.from(data ?? [], (value) => BigInt(value)) : (data ?? new Uint8Array())
  const rawData = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
  return { name, dataType: ELEMENT_TYPE[type], dims: shape.map(Number), rawData }
}
