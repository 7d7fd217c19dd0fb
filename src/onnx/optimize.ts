/** Graph rewrites that ONNX Runtime does not do itself: fused additions, and removal of what no output needs. */
import type { Graph, Node, Value } from './graph.ts'

/** Rewrites a graph in place and returns it. */
export function optimize(graph: Graph): Graph {
  removeUnused(graph)
  fuseGemmAdd(graph)
  removeUnused(graph)
  return graph
}

/** Drops operators whose outputs nobody uses (gradients of frozen tensors, most of all). */
function removeUnused(graph: Graph): void {
  const needed = new Set<Value>(graph.outputs.values())
  graph.nodes = graph.nodes
    .toReversed()
    .filter((node) => {
      if (!node.outputs.some((output) => needed.has(output))) return false
      for (const input of node.inputs) if (input) needed.add(input)
      return true
    })
    .toReversed()
}

/** `Add(Gemm(a, b), m)` → `Gemm(a, b, m)`: the product accumulates into m, which saves a pass over memory. */
function fuseGemmAdd(graph: Graph): void {
  const uses = countUses(graph)
  const produced = new Map(graph.nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)))
  const openGemm = (value: Value | null | undefined, sum: Value): Node | undefined => {
    const node = value ? produced.get(value) : undefined
    const fits = value && String(value.shape) === String(sum.shape)
    return node?.op === 'Gemm' && node.inputs.length === 2 && fits && uses.get(value) === 1 ? node : undefined
  }
  for (const node of graph.nodes) {
    const [sum] = node.outputs
    if (node.op !== 'Add' || !sum) continue
    const [a = null, b = null] = node.inputs
    const [gemm, addend] = openGemm(b, sum) ? [openGemm(b, sum), a] : [openGemm(a, sum), b]
    if (!gemm || !addend) continue
    Object.assign(node, { op: 'Gemm', inputs: [...gemm.inputs, addend], attributes: gemm.attributes })
  }
}

function countUses(graph: Graph): Map<Value, number> {
  const uses = new Map<Value, number>()
  const used = [...graph.nodes.flatMap(({ inputs }) => inputs), ...graph.outputs.values()]
  for (const value of used) if (value) uses.set(value, (uses.get(value) ?? 0) + 1)
  return uses
}
