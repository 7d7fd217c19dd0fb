/** The devices as `graft doctor` sees them: each one trains a small model, in a process of its own. */
import { DEVICES, type DeviceName } from '../../core/devices.ts'
import { describeProbe } from '../device.ts'
import type { Probe } from '../device/probe.ts'
import { tryDevice } from '../device/try.ts'
import type { Check } from './check.ts'

/** Tries devices one after the other, so that they don't slow each other down. */
export async function checkDevices(names: readonly DeviceName[]): Promise<Check[]> {
  const checks: Check[] = []
  for (const name of names) checks.push(toCheck(await tryDevice(name)))
  return checks
}

function toCheck(probe: Probe): Check {
  const { device, works, problem } = probe
  const name = `device ${device}`
  if (works) return { name, status: 'ok', found: describeProbe(probe) }
  const hint = problem?.hint ?? DEVICES[device].repair
  return { name, status: device === 'cpu' ? 'missing' : 'optional', found: describeProbe(probe), advice: hint }
}
