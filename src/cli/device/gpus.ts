/** GPUs that this system shows, by a look at files: without loading a driver, which takes seconds. */
import { existsSync, readFileSync, readdirSync } from 'node:fs'

/** PCI's numbers of who makes GPUs (https://pci-ids.ucw.cz). */
const VENDORS: Readonly<Record<string, string>> = { '0x10de': 'NVIDIA', '0x1002': 'AMD', '0x8086': 'Intel' }

/** Files by which Linux shows a GPU that has a driver: NVIDIA's, Windows' own inside WSL. */
const FILES: Readonly<Record<string, string>> = { '/dev/nvidiactl': 'NVIDIA', '/dev/dxg': "Windows' (WSL)" }

/** Names of those that there are; macOS and Windows always have one. */
export function visibleGpus(platform: string = process.platform): string[] {
  if (platform === 'darwin') return ["Apple's (Metal)"]
  if (platform === 'win32') return ["Windows' (Direct3D)"]
  const nodes = existsSync('/dev/dri') ? readdirSync('/dev/dri').filter((name) => name.startsWith('renderD')) : []
  const found = [...nodes.map(vendorOf), ...Object.keys(FILES).flatMap((file) => (existsSync(file) ? FILES[file] : []))]
  return [...new Set(found.filter((name) => name !== undefined))]
}

function vendorOf(node: string): string {
  try {
    const id = readFileSync(`/sys/class/drm/${node}/device/vendor`, 'utf8').trim()
    return VENDORS[id] ?? `vendor ${id}`
  } catch {
    return 'unknown'
  }
}
