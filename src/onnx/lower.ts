/**
 * From what several runs of a function did to one graph: kernel by kernel, what is the same number in all runs stays a
 * number, and what differs becomes a symbolic size. Whatever differs otherwise is refused.
 */
import type { Dim } from './dims.ts'
import { constantOf } from './constants.ts'
import type { Graph, Value } from './graph.ts'
import { kernels } from './kernels.ts'
import type { Call, Constant, Recording, Source } from './recording.ts'
import type { Sizes } from './sizes.ts'

/**
 * Adds the operators and outputs of a recorded function to a graph.
 * @param inputs the function's inputs and named constants in the graph, by name
 * @param recordings one for each run of `sizes`
 * @throws GraftError `trace` where the program depends on a symbolic size otherwise than by shapes
 */
export function lower(
  graph: Graph,
  inputs: ReadonlyMap<string, Value>,
  recordings: readonly Recording[],
  sizes: Sizes,
): void {
  new Lowering(graph, inputs, recordings.map(needed), sizes).addOutputs(recordings)
}

/** The calls of all runs at one point of the program. */
type Calls = readonly [Call, ...Call[]]

class Lowering {
  readonly #graph: Graph
  readonly #inputs: ReadonlyMap<string, Value>
  readonly #sizes: Sizes
  /** Each run's calls with their positions, by which calls of different runs correspond. */
  readonly #positions: readonly ReadonlyMap<Call, number>[]
  /** The values that the calls made. */
  readonly #made: Value[][] = []
  readonly #constants = new Map<Constant, { each: readonly Constant[]; value: Value }>()

  constructor(graph: Graph, inputs: ReadonlyMap<string, Value>, runs: readonly (readonly Call[])[], sizes: Sizes) {
    this.#graph = graph
    this.#inputs = inputs
    this.#sizes = sizes
    this.#positions = runs.map((calls) => new Map(calls.map((call, position) => [call, position])))
    const length = Math.max(...runs.map((calls) => calls.length))
    for (let at = 0; at < length; at++) this.#made.push(this.#emit(this.#alike(runs.map((calls) => calls[at]))))
  }

  addOutputs(recordings: readonly Recording[]): void {
    for (const name of new Set(recordings.flatMap(({ outputs }) => [...outputs.keys()]))) {
      const sources = recordings.flatMap(({ outputs }) => outputs.get(name) ?? [])
      if (sources.length < recordings.length) this.#sizes.refuse(`the output "${name}" is there for some sizes only`)
      this.#graph.outputs.set(name, this.#value(sources, ''))
    }
  }

  /** Checks that the calls are of one kernel with the same number of inputs. */
  #alike(calls: readonly (Call | undefined)[]): Calls {
    const describe = (call: Call | undefined) =>
      call ? `${call.kernel}(${call.inputs.map(([name]) => name).join(', ')})${call.caller}` : 'nothing'
    const [expected = 'nothing', ...others] = calls.map(describe)
    const other = others.find((description) => description !== expected)
    const [first, ...rest] = calls.flatMap((call) => call ?? [])
    if (!first || other !== undefined) return this.#sizes.refuse(`«${expected}» becomes «${other}» for other sizes`)
    return [first, ...rest]
  }

  /** Applies a kernel's mapping, and checks that it gives the shapes that the runs had. */
  #emit(calls: Calls): Value[] {
    const [{ kernel, caller, inputs }] = calls
    const operands = inputs.map(([name], at): [string, Value] => [
      name,
      this.#value(
        calls.flatMap((call) => call.inputs[at]?.[1] ?? []),
        caller,
      ),
    ])
    const trials = calls.map(({ attributes }, run) => ({
      attributes,
      numbers: (shape: readonly Dim[]) => this.#sizes.toNumbers(shape, run),
    }))
    const mapping = kernels[kernel]
    if (!mapping) throw new Error(`${kernel} was recorded without a mapping`)
    const toDim = (numbers: readonly number[]) => this.#sizes.toDim(numbers)
    const context = { graph: this.#graph, trials, toDim, isTrial: false }
    const outputs = [mapping(Object.fromEntries(operands), this.#fixed(calls), context)].flat()
    for (const [run, { shapes }] of calls.entries()) {
      const differs = outputs.some(({ shape }, at) => String(this.#sizes.toNumbers(shape, run)) !== String(shapes[at]))
      if (differs || outputs.length !== shapes.length)
        this.#sizes.refuse(
          `${kernel}${caller} gives ${print(outputs)} and has ${print(shapes.map((shape) => ({ shape })))}`,
        )
    }
    return outputs
  }

  /** A kernel's attributes; to read one that differs between the runs is an error. */
  #fixed(calls: Calls): object {
    const [{ kernel, caller, attributes }] = calls
    const differing = Object.keys(attributes).filter(
      (name) => !calls.every((call) => isEqual(attributes[name], call.attributes[name])),
    )
    if (differing.length === 0) return attributes
    const refuse = (name: string) => this.#sizes.refuse(`the attribute "${name}" of ${kernel}${caller}`)
    const getters = differing.map((name) => [name, { get: () => refuse(name) }] as const)
    return Object.defineProperties({ ...attributes }, Object.fromEntries(getters))
  }

  /** The value that a tensor is, given where it comes from in each run. */
  #value(sources: readonly Source[], caller: string): Value {
    const constants = sources.flatMap((source) => (source.kind === 'constant' ? [source] : []))
    if (constants.length === sources.length) return this.#constant(constants, caller)
    const [place, ...others] = sources.map((source, run) => this.#place(source, run))
    const [first] = sources
    const value = first && this.#valueAt(first)
    if (!value || others.some((other) => other !== place))
      return this.#sizes.refuse(`another tensor is used${caller} for other sizes`)
    return value
  }

  #constant(each: readonly Constant[], caller: string): Value {
    const [first] = each
    const known = first && this.#constants.get(first)
    if (known && each.every((constant, run) => constant === known.each[run])) return known.value
    const value = constantOf(this.#graph, this.#sizes, each, caller)
    if (first) this.#constants.set(first, { each, value })
    return value
  }

  #valueAt(source: Source): Value | undefined {
    if (source.kind === 'input') return this.#inputs.get(source.name)
    if (source.kind === 'constant') return undefined
    return this.#made[this.#positions[0]?.get(source.call) ?? -1]?.[source.position]
  }

  /** Where in the program a tensor comes from: equal for the same place in different runs. */
  #place(source: Source, run: number): string {
    if (source.kind === 'input') return `input ${source.name}`
    if (source.kind === 'constant') return 'constant'
    return `output ${this.#positions[run]?.get(source.call)}.${source.position}`
  }
}

/** The calls that the outputs need: not, for example, the gradients of frozen tensors. */
function needed({ calls, outputs }: Recording): Call[] {
  const used = new Set<Call>()
  const use = (source: Source) => source.kind === 'output' && used.add(source.call)
  for (const source of outputs.values()) use(source)
  const kept = calls.toReversed().filter((call) => {
    if (!used.has(call)) return false
    for (const [, source] of call.inputs) use(source)
    return true
  })
  return kept.toReversed()
}

const isEqual = (a: unknown, b: unknown): boolean =>
  Array.isArray(a) && Array.isArray(b)
    ? a.length === b.length && a.every((element, at) => isEqual(element, b[at]))
    : Object.is(a, b)

const print = (values: readonly { shape: readonly Dim[] }[]): string =>
  values.map(({ shape }) => `[${shape.join(', ')}]`).join(', ')
