/** `--device`: what it takes, and what `auto` chooses without a GPU. */
import { rmSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { GRAPH_DEVICES, TRAINING_DEVICES, chooseDevice } from '../../src/cli/device.ts'
import { visibleGpus } from '../../src/cli/device/gpus.ts'
import { printProfile } from '../../src/cli/profile.ts'
import { createUi } from '../../src/cli/ui.ts'
import { deviceError } from '../../src/core/devices.ts'
import { type Fixture, writeFixture } from '../train/fixtures.ts'
import { runGraft } from './command-line.ts'
import { recorder } from './recorder.ts'

let fixture: Fixture
beforeAll(async () => void (fixture = await writeFixture()))
afterAll(() => rmSync(fixture.dir, { recursive: true }))

const graft = (...args: string[]) => runGraft(args, { cwd: fixture.dir })

const train = (device: string, ...args: string[]) =>
  graft('train', '--base', 'base', '--data', 'data', '--out', 'out', '--device', device, ...args)

/** A user interface whose text is kept. */
function recordedUi() {
  const { stream, text } = recorder()
  return { ui: createUi({ stdout: stream }), text }
}

describe('--device', () => {
  it.each(['eval', 'classify'])('of %s takes only what runs ONNX graphs', (command) => {
    const { status, stderr } = graft(command, '--model', 'x', '--data', 'x', '--device', 'tfjs-cpu')
    expect(status).toBe(2)
    expect(stderr).toContain('Allowed choices are auto, cpu, cuda, webgpu.')
  })

  it("trains on TF.js' own backend", () => {
    const { status, stdout, stderr } = train('tfjs-cpu', '--epochs', '1', '--max-length', '4')
    expect(stderr).not.toContain('error')
    expect(status).toBe(0)
    expect(stdout).toContain('eager (TensorFlow.js, cpu)')
  })
})

describe('auto', () => {
  it.skipIf(visibleGpus().length > 0)('is the CPU where no GPU is visible', async () => {
    const { ui, text } = recordedUi()
    expect(await chooseDevice(ui, 'auto', TRAINING_DEVICES)).toBe('cpu')
    expect(text()).toBe('Device cpu: no GPU is visible.\n')
  })

  it('leaves a named device as it is', async () => {
    const { ui, text } = recordedUi()
    expect(await chooseDevice(ui, 'cuda', GRAPH_DEVICES)).toBe('cuda')
    expect(text()).toBe('')
  })
})

describe('visibleGpus', () => {
  it('always sees one on macOS and Windows', () => {
    expect([visibleGpus('darwin'), visibleGpus('win32')]).toEqual([["Apple's (Metal)"], ["Windows' (Direct3D)"]])
  })
})

describe('deviceError', () => {
  it("leaves out ONNX Runtime's place in the source", () => {
    const text = '/src/core/webgpu_context.cc:136 void Initialize() status == Success was false. No supported adapters'
    expect(deviceError('webgpu', new Error(text)).message).toBe(
      'device webgpu does not work here: No supported adapters',
    )
  })
})

describe('printProfile', () => {
  it('sums up small operators, and lists what ran on the CPU', () => {
    const { ui, text } = recordedUi()
    const on = (provider: string, operator: string, count: number, milliseconds: number) => ({
      operator,
      provider: `${provider}ExecutionProvider`,
      count,
      milliseconds,
    })
    const operators = [on('WebGpu', 'Gemm', 65, 60), on('WebGpu', 'Add', 8, 0.3), on('CPU', 'Shape', 2, 0.02)]
    printProfile(ui, { steps: 20, milliseconds: 100, operators })
    const lines = text().split('\n')
    expect(lines).toContain('A step, mean of 20: 100.0 ms')
    expect(lines.map((line) => line.replace(/ +/g, ' '))).toEqual(
      expect.arrayContaining([
        'Gemm WebGpu 65 60.00 60.0 %',
        'others WebGpu 8 0.30 0.3 %',
        'others CPU 2 0.02 0.0 %',
        'On the CPU: 2 operators: Shape × 2',
      ]),
    )
  })
})
