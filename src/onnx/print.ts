/** Graphs as text, one operator a line: what tests compare and people read. */
import type { AttributeValue, Graph, Node, Value } from './graph.ts'
import type { ConstantData } from './types.ts'

/** Constants of up to this many values are printed in full; larger ones as a hash of their bytes. */
const FULL = 8

/**
 * Prints a graph. Values are numbered in order of appearance, so equal graphs print equally.
 * @example
 * import * as tf from '@tensorflow/tfjs'
 * import { printGraph, trace } from 'graft-lora/onnx'
 *
 * console.log(printGraph(await trace(({ x }) => tf.relu(x), { x: { shape: ['batch', 4] } })))
 */
export function printGraph(graph: Graph): string {
  const names = new Map<Value, string>()
  const nameOf = (value: Value): string => {
    if (value.data) return value.name ?? printConstant(value)
    const name = names.get(value) ?? value.name ?? `%${names.size}`
    names.set(value, name)
    return name
  }
  const declare = (value: Value) => `${nameOf(value)}: ${printType(value)}`
  const line = ({ op, inputs, outputs, attributes }: Node) => {
    const operands = inputs.map((value) => (value ? nameOf(value) : '_')).join(', ')
    return `  ${outputs.map(declare).join(', ')} = ${op}(${operands})${printAttributes(attributes)}`
  }
  const head = `graph(${graph.inputs.map(declare).join(', ')}) {`
  const body = graph.nodes.map(line)
  const results = [...graph.outputs].map(([name, value]) => `${name} = ${nameOf(value)}`)
  return [head, ...body, `  return ${results.join(', ')}`, '}'].join('\n')
}

export const printType = ({ type, shape }: Pick<Value, 'type' | 'shape'>): string => `${type}[${shape.join(', ')}]`

function printConstant(value: Value): string {
  const data = value.data ?? new Float32Array()
  const text = data.length <= FULL ? Array.from(data, (number) => String(number)).join(' ') : `#${hash(data)}`
  return value.shape.length === 0 ? `${text}${value.type === 'int64' ? 'i' : ''}` : `${printType(value)}{${text}}`
}

function printAttributes(attributes: Record<string, AttributeValue | undefined>): string {
  const entries = Object.entries(attributes).filter(([, value]) => value !== undefined)
  if (entries.length === 0) return ''
  return ` {${entries.map(([name, value]) => `${name}: ${Array.isArray(value) ? `[${value.join(', ')}]` : String(value)}`).join(', ')}}`
}

/** FNV-1a over the bytes of a constant. */
function hash(data: ConstantData): string {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  let state = 0x811c9dc5
  for (const byte of bytes) state = Math.imul(state ^ byte, 0x01000193)
  return (state >>> 0).toString(16).padStart(8, '0')
}
