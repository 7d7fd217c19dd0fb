/** The optional packages of TF.js' devices. */
import { createRequire } from 'node:module'
import { DEVICES, type DeviceName } from '../../core/devices.ts'

const { resolve } = createRequire(import.meta.url)

/** A package that a device needs and that is not installed, if any. */
export function missingPackage(device: DeviceName): string | undefined {
  const { runner } = DEVICES[device]
  const packages: readonly string[] = runner.engine === 'eager' ? runner.packages : []
  return packages.find((name) => !isInstalled(name))
}

function isInstalled(name: string): boolean {
  try {
    resolve(`${name}/package.json`)
    return true
  } catch {
    return false
  }
}
