/** Tries a device in a process of its own, for a driver at fault prints what it likes, hangs, or ends its process. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { DEVICES, type DeviceName } from '../../core/devices.ts'
import type { Probe } from './probe.ts'

const program = fileURLToPath(new URL('../../../bin/graft.js', import.meta.url))

/** @param timeout in milliseconds, after which the device counts as not working */
export async function tryDevice(device: DeviceName, timeout = 120_000): Promise<Probe> {
  const args = [program, 'doctor', '--device', device, '--json']
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout, killSignal: 'SIGKILL' })
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk) => (output.stdout += String(chunk)))
  child.stderr.on('data', (chunk) => (output.stderr += String(chunk)))
  const end = await new Promise<number | NodeJS.Signals | null>((resolve) =>
    child.on('close', (code, signal) => resolve(code ?? signal)),
  )
  try {
    const probe = JSON.parse(output.stdout) as Probe // this same program's
    // ONNX Runtime's error names no library; what it prints does.
    const [, library] = /with error: (.*)/.exec(output.stderr) ?? []
    if (probe.problem && library !== undefined) probe.problem.reason += ` (${library.replace(/^\/\S*\/(?=\S+:)/, '')})`
    return probe
  } catch {
    const reason =
      end === 'SIGKILL'
        ? `it was not done after ${timeout / 1000} seconds`
        : (output.stderr.trim().split('\n').at(-1) ?? `its process ended with ${end}`)
    return { device, works: false, problem: { reason, hint: DEVICES[device].repair } }
  }
}
