/** The `--device` option, and the choice of the fastest device that works. */
import { Option } from 'commander'
import { DEVICES, DEVICE_NAMES, type CompiledDevice, type DeviceName, isCompiled } from '../core/devices.ts'
import { missingPackage } from '../train/engine/packages.ts'
import type { Probe } from './device/probe.ts'
import type { Ui } from './ui.ts'

/** What trains, and what runs ONNX graphs, such as bundles have. */
export const TRAINING_DEVICES: readonly DeviceName[] = DEVICE_NAMES
export const GRAPH_DEVICES: readonly CompiledDevice[] = DEVICE_NAMES.filter(isCompiled)

/** @param fallback what it is without the option */
export const deviceOption = (names: readonly DeviceName[], fallback: DeviceName | 'auto'): Option =>
  new Option('--device <name>', 'what computes; auto: the fastest that works')
    .choices(['auto', ...names])
    .default(fallback)

/** How long `auto` waits for a device. */
const PATIENCE = 60_000

/** https://github.com/tensorflow/tensorflow/issues/60739 */
const SLOW_START =
  'TensorFlow 2.9 knows GPUs up to Ampere: on a newer one it compiles its kernels at first use, which can take tens of minutes.'

/** Resolves `auto`, and says what was chosen and why; a device that was asked for by name is left as it is. */
export async function chooseDevice<Name extends DeviceName>(
  ui: Ui,
  choice: Name | 'auto',
  names: readonly Name[],
): Promise<Name | 'cpu'> {
  if (choice === 'tfjs-node-gpu') ui.line(SLOW_START)
  if (choice !== 'auto') return prepare(choice)
  const { visibleGpus } = await import('./device/gpus.ts')
  const gpus = visibleGpus()
  if (gpus.length === 0) {
    ui.line('Device cpu: no GPU is visible.')
    return 'cpu'
  }
  const { tryDevice } = await import('./device/try.ts')
  const candidates = names.filter((name) => name === 'cpu' || (DEVICES[name].gpu && missingPackage(name) === undefined))
  const probes: Probe[] = []
  for (const name of candidates) probes.push(await tryDevice(name, PATIENCE))
  const fastest = probes.reduce((best, probe) => (speed(probe) > speed(best) ? probe : best))
  for (const probe of probes) ui.line(`${probe.device}: ${describeProbe(probe)}`)
  const device = candidates.find((name) => name === fastest.device) ?? 'cpu'
  ui.line(`Device ${device}, the fastest of these; --device ${device} saves the trial.`)
  return prepare(device)
}

const speed = ({ works, tokensPerSecond = 0 }: Probe) => (works ? tokensPerSecond : -1)

/** What a trial found, for people. */
export function describeProbe({ works, tokensPerSecond, problem }: Probe): string {
  if (!works) return problem?.reason ?? 'does not work'
  return tokensPerSecond === undefined
    ? 'trains, slowly: an emulated GPU?'
    : `trains: ${tokensPerSecond.toLocaleString('en-US')} tokens/s of a model 4 layers deep and 256 wide`
}

/** TensorFlow reads these when it is loaded: else it takes all of a GPU's memory at once, and tells of the processor. */
export function prepare<Name extends DeviceName>(device: Name): Name {
  process.env['TF_FORCE_GPU_ALLOW_GROWTH'] ??= 'true'
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '1'
  return device
}
