/** Checks a finished graph: every value is defined before use and once, names differ, shapes and types are what the rules infer. */
import { GraftError } from '../core/errors.ts'
import type { Graph, Value } from './graph.ts'
import { inferTypes } from './infer.ts'
import { printType } from './print.ts'

/**
 * @throws GraftError `trace` naming the operator at fault
 * @example
 * import * as tf from '@tensorflow/tfjs'
 * import { checkGraph, trace } from 'graft-lora/onnx'
 *
 * checkGraph(await trace(({ x }) => tf.relu(x), { x: { shape: ['batch', 4] } }))
 */
export function checkGraph(graph: Graph): void {
  const defined = new Set<Value>(graph.inputs)
  checkNames(graph)
  for (const { op, inputs, outputs, attributes } of graph.nodes) {
    for (const input of inputs)
      if (input && !input.data && !defined.has(input)) fail(`${op} uses a value before it is defined`)
    inferTypes(op, inputs, attributes).forEach((expected, position) => {
      const output = outputs[position]
      if (!output) return
      if (printType(expected) !== printType(output))
        fail(`${op} is declared ${printType(output)}, but gives ${printType(expected)}`)
    })
    for (const output of outputs) {
      if (defined.has(output)) fail(`an output of ${op} is defined twice`)
      defined.add(output)
    }
  }
  for (const [name, value] of graph.outputs)
    if (!value.data && !defined.has(value)) fail(`the output "${name}" is not defined`)
}

/** Inputs, named constants and outputs share one space of names; an output may have the name of the value that it is. */
function checkNames(graph: Graph): void {
  const values = [...graph.inputs, ...graph.nodes.flatMap(({ inputs }) => inputs)]
  const named = values.flatMap((value) => (value?.name === undefined ? [] : [[value.name, value] as const]))
  const owners = new Map<string, Value>()
  for (const [name, value] of [...named, ...graph.outputs]) {
    if ((owners.get(name) ?? value) !== value) {
      const hint = 'Give the inputs, constants and outputs of the traced function different names.'
      throw new GraftError('trace', `two tensors are named "${name}"`, { hint, value: name })
    }
    owners.set(name, value)
  }
}

function fail(message: string): never {
  throw new GraftError('trace', message, {
    hint: 'This is a defect of the compiler or of a kernel mapping: please report it.',
  })
}
