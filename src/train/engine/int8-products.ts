/** Whether the processor multiplies in eight bits well, by what comes out: no list of processors, and the same on every system. */
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { Graph, type Value } from '../../onnx/graph.ts'
import { toOnnx } from '../../onnx/index.ts'

const SIZE = 64

/** The largest products that there are: 64 · 255 · 127. */
const EXACT = SIZE * 255 * 127

/**
 * Processors with VNNI, AMX or Arm's instructions add products of bytes in 32 bits. Others that ONNX Runtime runs on add two of them in
 * 16 bits (AVX2's `vpmaddubsw`), which cuts these sums off at 64 / 2 · 32,767; they need more instructions for each product, too.
 */
export async function hasInt8Products(): Promise<boolean> {
  const session = await InferenceSession.create(toOnnx(largestProducts()), { intraOpNumThreads: 1 })
  try {
    const x = new Tensor('uint8', new Uint8Array(SIZE * SIZE).fill(255), [SIZE, SIZE])
    const { y } = await session.run({ x })
    return y?.data instanceof Float32Array && y.data.every((value) => value === EXACT)
  } finally {
    await session.release()
  }
}

function largestProducts(): Graph {
  const graph = new Graph()
  const x = graph.input('x', 'uint8', ['rows', SIZE])
  const w = graph.constant(new Int8Array(SIZE * SIZE).fill(127), [SIZE, SIZE], 'int8')
  const scales = graph.constant(new Float32Array(SIZE).fill(1), [SIZE], 'float32')
  const zero = graph.constant(Uint8Array.of(0), [], 'uint8')
  const inputs: (Value | null)[] = [x, w, graph.scalar(1), scales, zero, null, null]
  graph.outputs.set('y', graph.op('MatMulIntegerToFloat', inputs))
  return graph
}
