/** Loads a bundle's graph with onnxruntime-node. */
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { type CompiledDevice, DEVICES, deviceError } from '../core/devices.ts'
import { GraftError } from '../core/errors.ts'
import { type Feed, type Session, createSession } from '../core/session.ts'
import type { TensorMap } from '../core/tensors.ts'

export type { Session } from '../core/session.ts'

export interface SessionOptions {
  /** The stack of adapters by input name, for an unmerged graph. */
  stack?: TensorMap | undefined
  /** Threads of ONNX Runtime; all cores by default. */
  threads?: number | undefined
  device?: CompiledDevice | undefined
}

/**
 * Loads a graph.
 * @param graph path of the `model.onnx` file, or its bytes
 * @throws GraftError `bundle` where ONNX Runtime cannot load it, `device` where it has no such device here
 */
export async function openSession(
  graph: string | Uint8Array,
  { stack, threads, device = 'cpu' }: SessionOptions = {},
): Promise<Session> {
  const session = await load(graph, device, threads)
  return createSession(
    {
      inputs: session.inputNames,
      async run(feeds) {
        const outputs = await session
          .run(toTensors(feeds))
          .catch((error: unknown) => fail(graph, 'cannot be run', error))
        const { data, dims } = outputs['logits'] ?? fail(graph, 'cannot be run', 'no output "logits"')
        return data instanceof Float32Array
          ? { data, dims }
          : fail(graph, 'cannot be run', 'its logits are not float32')
      },
      close: () => session.release(),
    },
    stack,
  )
}

async function load(
  graph: string | Uint8Array,
  device: CompiledDevice,
  threads: number | undefined,
): Promise<InferenceSession> {
  const options: InferenceSession.SessionOptions = {
    executionProviders: [DEVICES[device].runner.provider],
    graphOptimizationLevel: 'all',
    // Below errors it lists the operators of shapes, which it leaves to the CPU on purpose.
    ...(device !== 'cpu' && { logSeverityLevel: 3 }),
    ...(threads !== undefined && { intraOpNumThreads: threads }),
  }
  // Its types have one signature for paths and one for bytes, and none for either.
  const session =
    typeof graph === 'string' ? InferenceSession.create(graph, options) : InferenceSession.create(graph, options)
  return session.catch((error: unknown) => {
    if (device !== 'cpu') throw deviceError(device, error)
    return fail(graph, 'cannot be loaded', error)
  })
}

function fail(graph: string | Uint8Array, problem: string, cause: unknown): never {
  const reason = cause instanceof Error ? cause.message : String(cause)
  const file = typeof graph === 'string' ? graph : undefined
  throw new GraftError('bundle', `${file ?? 'the graph'} ${problem}: ${reason}`, {
    hint: 'Make the bundle again with `graft export`.',
    file,
    cause,
  })
}

const toTensors = (feeds: Record<string, Feed>): Record<string, Tensor> =>
  Object.fromEntries(Object.entries(feeds).map(([name, [type, data, dims]]) => [name, new Tensor(type, data, dims)]))
