/** ONNX Runtime as `graft doctor` sees it: its version, and on which execution providers a model really runs. */
import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { promisify } from 'node:util'
import onnxProto from 'onnx-proto'
import type { Check } from './check.ts'

/** What running a model on an execution provider takes, beside what npm installs. */
const advice: Record<string, string> = {
  cpu: 'Install again with `npm ci`; if it still fails, this system has no build of onnxruntime-node.',
  webgpu: 'Needs a GPU with its driver, and on Linux the Vulkan loader (Debian, Ubuntu: libvulkan1).',
  cuda:
    'Needs an NVIDIA GPU, CUDA 12, cuDNN 9, and ' +
    '`ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node --ignore-scripts=false`.',
}

const { ModelProto, TensorProto } = onnxProto.onnx

const vector = (name: string) => ({
  name,
  type: { tensorType: { elemType: TensorProto.DataType.FLOAT, shape: { dim: [{ dimValue: 2 }] } } },
})

/** The smallest model worth running: `y = x + x`, float32 `[2]`. */
function probeModel(): Uint8Array {
  return ModelProto.encode({
    irVersion: 8,
    opsetImport: [{ domain: '', version: 17 }],
    graph: {
      name: 'probe',
      input: [vector('x')],
      output: [vector('y')],
      node: [{ opType: 'Add', input: ['x', 'x'], output: ['y'] }],
    },
  }).finish()
}

const probeScript = `
const [runtime, provider, model] = process.argv.slice(1)
const { InferenceSession, Tensor } = require(runtime)
InferenceSession.create(Buffer.from(model, 'base64'), { executionProviders: [provider] })
  .then((session) => session.run({ x: new Tensor('float32', [1, 2], [2]) }))
  .then(({ y }) => console.log(y.data.join()))
  .catch((error) => { console.error(error.message); process.exit(1) })
`

/**
 * Runs the probe on one execution provider: in a process of its own, for a driver at fault prints what it likes, or
 * ends its process.
 * @throws where it does not run, or computes nonsense
 */
async function runProbe(provider: string): Promise<void> {
  const runtime = createRequire(import.meta.url).resolve('onnxruntime-node')
  const args = ['-e', probeScript, runtime, provider, Buffer.from(probeModel()).toString('base64')]
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 60_000 })
  if (stdout.trim() !== '2,4') throw new Error(`doubling 1 and 2 gave ${stdout.trim()}`)
}

/** Why a probe failed: what its process said, else the first line of the error. */
function reasonOf(error: unknown): string {
  const { stderr, message } = error as { stderr?: string; message?: string }
  return stderr?.trim() || (message ?? String(error)).split('\n')[0] || 'no reason given'
}

async function checkProvider(provider: string): Promise<Check> {
  const name = `ONNX Runtime ${provider}`
  try {
    await runProbe(provider)
    return { name, status: 'ok', found: 'runs a model' }
  } catch (error) {
    const found = provider === 'cpu' ? `does not run a model: ${reasonOf(error)}` : 'not usable'
    return { name, status: provider === 'cpu' ? 'missing' : 'optional', found, advice: advice[provider] }
  }
}

/** Looks for ONNX Runtime and tries a model on each execution provider that Graft can use. */
export async function checkOnnxRuntime(): Promise<Check[]> {
  const name = 'ONNX Runtime'
  try {
    const runtime = await import('onnxruntime-node')
    const supported = runtime.listSupportedBackends().map((backend) => backend.name)
    const checks: Check[] = [
      { name, status: 'ok', found: `${runtime.env.versions.node}; providers ${supported.join(', ')}` },
    ]
    for (const provider of ['cpu', 'webgpu', 'cuda'].filter((candidate) => supported.includes(candidate))) {
      checks.push(await checkProvider(provider))
    }
    return checks
  } catch (error) {
    return [{ name, status: 'missing', found: `does not load: ${reasonOf(error)}`, advice: advice.cpu }]
  }
}
