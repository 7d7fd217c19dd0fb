/** The engine of a device. */
import { type DeviceName, isCompiled } from '../../core/devices.ts'
import { GraftError } from '../../core/errors.ts'
import type { Engine, EngineOptions } from '../engine.ts'
import { createCompiledEngine } from './compiled.ts'
import { createEagerEngine } from './eager.ts'

export interface OpenOptions {
  device: DeviceName
  /** Threads of ONNX Runtime; all cores by default. */
  threads?: number | undefined
  /** Measure the first steps' operators. */
  profile?: boolean
}

/** @throws GraftError `device` where it does not work; `usage` for what it does not have: fewer bits, or a profiler */
export async function openEngine(
  options: EngineOptions,
  { device, threads, profile = false }: OpenOptions,
): Promise<Engine> {
  const { frozenScheme } = options.program
  if (frozenScheme && device !== 'cpu') {
    throw new GraftError('usage', `device ${device} has no products with a base in fewer bits`, {
      hint: 'Train with --device cpu, or with --base-precision fp32.',
      value: frozenScheme,
    })
  }
  if (isCompiled(device)) return createCompiledEngine(options, { device, threads, profile })
  if (profile) {
    throw new GraftError('usage', `device ${device} has no profiler`, {
      hint: 'Profile on cpu, cuda or webgpu, which ONNX Runtime runs.',
      value: device,
    })
  }
  return createEagerEngine(options, device)
}
