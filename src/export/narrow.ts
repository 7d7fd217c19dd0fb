/** A bundle's graph below float32: the layers that pass the gate, and the logits that the graph then gives. */
import type { Probe } from '../core/bundle.ts'
import type { Gate, Precision } from '../core/precision.ts'
import type { Graph } from '../onnx/index.ts'
import { type GatePlan, passGate } from './gate.ts'
import { openGraph } from './in-memory.ts'
import { checkParity, probeLogits } from './parity.ts'
import type { Plan } from './plan.ts'
import { atPrecision } from './precision.ts'

export interface NarrowGraph {
  graph: Graph
  golden: Probe[]
  gate: Gate
}

export interface NarrowParts {
  precision: Precision
  gate: GatePlan
  /** The float32 graph. */
  exact: Graph
  /** The logits that TF.js gives in float32. */
  golden: readonly Probe[]
}

/**
 * @throws GraftError `parity` where the float32 graph does not give them, `precision` where too much is lost
 */
export async function narrowGraph(
  plan: Plan,
  { precision, gate: planned, exact, golden }: NarrowParts,
): Promise<NarrowGraph> {
  let last: { layers: string; graph: Graph } | undefined
  /** The one that was made last is asked for again: it is what passed the gate. */
  const graphOf = (layers: ReadonlySet<string>): Graph => {
    const key = [...layers].join()
    if (last?.layers !== key) last = { layers: key, graph: atPrecision(exact, precision, layers) }
    return last.graph
  }
  const open = (layers: ReadonlySet<string>) => openGraph(graphOf(layers), plan)
  await using reference = await openGraph(exact, plan)
  await checkParity(reference, golden, 'fp32')
  const { layers, gate } = await passGate({ plan, gate: planned, precision, exact: reference, open })
  await using narrow = await open(layers)
  const logits = await probeLogits(narrow, golden)
  return {
    graph: graphOf(layers),
    golden: golden.map((probe, at) => ({ ...probe, logits: [...(logits[at] ?? [])] })),
    gate,
  }
}
