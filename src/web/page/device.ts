/** The choice between CPU and WebGPU, which the address keeps. */
import type { Device } from '../index.ts'

const inputs = () => [...document.querySelectorAll<HTMLInputElement>('#device input')]

/** What the address asks for. */
export const askedDevice = (): Device =>
  new URLSearchParams(location.search).get('device') === 'webgpu' ? 'webgpu' : 'cpu'

/** @param onChange called with a device that was chosen */
export function setUpDevices(onChange: (device: Device) => void): void {
  for (const input of inputs()) {
    input.checked = input.value === askedDevice()
    input.disabled = input.value === 'webgpu' && !input.checked && !('gpu' in navigator)
    if (input.disabled) input.parentElement?.setAttribute('title', 'This browser has no WebGPU')
    input.addEventListener('change', () => {
      const url = new URL(location.href)
      if (input.value === 'webgpu') url.searchParams.set('device', 'webgpu')
      else url.searchParams.delete('device')
      history.replaceState(null, '', url)
      onChange(askedDevice())
    })
  }
}
