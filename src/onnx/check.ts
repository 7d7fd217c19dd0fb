/** Checks a finished graph: every value is defined before use and once, and every shape and type is what the rules infer. */
import { GraftError } from '../core/errors.ts'
import type { Graph, Value } from './graph.ts'
import { inferTypes } from './infer.ts'
import { printType } from './print.ts'

/**
 * @throws GraftError `trace` naming the operator at fault
 */
export function checkGraph(graph: Graph): void {
  const defined = new Set<Value>(graph.inputs)
  const names = new Set<string>()
  for (const { name = '' } of graph.inputs) {
    if (names.has(name)) fail(`two inputs are named "${name}"`)
    names.add(name)
  }
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

function fail(message: string): never {
  throw new GraftError('trace', message, {
    hint: 'This is a defect of the compiler or of a kernel mapping: please report it.',
  })
}
