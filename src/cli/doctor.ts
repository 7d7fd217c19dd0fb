/** `graft doctor`: what this machine has, whether training works here, and what to do where something lacks. */
import { Command, Option } from 'commander'
import pc from 'picocolors'
import { modelTypes } from '../core/families.ts'
import { DEVICE_NAMES, type DeviceName } from '../core/devices.ts'
import { describeProbe, prepare } from './device.ts'
import type { Check } from './doctor/check.ts'
import { jsonOption } from './options.ts'
import { createUi } from './ui.ts'
import type { Ui } from './ui.ts'

const marks = { ok: pc.green('ok'), missing: pc.red('missing'), optional: pc.dim('optional') }

/** Devices that the doctor tries: all but the reference, which is there wherever TensorFlow.js is. */
const tried = DEVICE_NAMES.filter((name) => name !== 'tfjs-cpu')

/**
 * Makes every check. The checkers load the heavy libraries, so they are loaded here and not with the command.
 * @param devices to be tried
 */
export async function runChecks(devices: readonly DeviceName[] = tried): Promise<Check[]> {
  const { checkMachine } = await import('./doctor/machine.ts')
  const { checkInt8Products, checkOnnxRuntime } = await import('./doctor/onnx-runtime.ts')
  const { checkTensorFlow } = await import('./doctor/tensorflow.ts')
  const { checkGpus } = await import('./doctor/gpu.ts')
  const { checkDevices } = await import('./doctor/devices.ts')
  const onnxRuntime = await checkOnnxRuntime()
  return [
    { name: 'model families', status: 'ok', found: modelTypes.join(', ') },
    ...(await checkMachine()),
    onnxRuntime,
    ...(onnxRuntime.status === 'ok' ? [await checkInt8Products()] : []),
    await checkTensorFlow(),
    ...(await checkGpus()),
    ...(await checkDevices(devices)),
  ]
}

/** Prints the checks and returns whether training on the CPU will work. */
export function reportChecks(ui: Ui, checks: Check[]): boolean {
  ui.table(
    ['check', 'status', 'found'],
    checks.map(({ name, status, found }) => [name, marks[status], found]),
  )
  const advised = checks.filter((check) => check.advice)
  if (advised.length > 0) ui.line()
  for (const { name, advice } of advised) ui.line(`${pc.bold(name)}: ${advice}`)
  const ok = checks.every((check) => check.status !== 'missing')
  ui.line()
  ui.line(ok ? 'Training on the CPU works here.' : 'Training does not work here yet: see what is missing above.')
  return ok
}

interface Options {
  device?: DeviceName
  json?: boolean
}

/** The `doctor` command. */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description('show what this machine has, which devices work, and what to do where something lacks')
    .addOption(new Option('--device <name>', 'only try this device, and show all that it prints').choices(DEVICE_NAMES))
    .addOption(jsonOption())
    .action(({ device, json }: Options) => (device === undefined ? showChecks(json) : showDevice(device, json)))
}

async function showChecks(json: boolean | undefined): Promise<void> {
  const [ui, checks] = [createUi({ json }), await runChecks()]
  const ok = reportChecks(ui, checks)
  ui.result({ ok, checks })
  if (!ok) process.exitCode = 1
}

/** In this process: `tryDevice` runs this command in one of its own. */
async function showDevice(device: DeviceName, json: boolean | undefined): Promise<void> {
  const { probeDevice } = await import('./device/probe.ts')
  const ui = createUi({ json })
  const probe = await probeDevice(prepare(device))
  ui.line(`${device}: ${describeProbe(probe)}`)
  if (probe.problem) ui.line(probe.problem.hint)
  ui.result(probe)
  if (!probe.works) process.exitCode = 1
}
