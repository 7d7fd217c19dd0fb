/** The doctor finds this machine fit, and says what is missing where it is not. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import * as onnxruntime from 'onnxruntime-node'
import { describe, expect, it } from 'vitest'
import { reportChecks } from '../../src/cli/doctor.ts'
import { DEVICE_NAMES } from '../../src/core/devices.ts'
import type { Check } from '../../src/cli/doctor/check.ts'
import { describeNode, isAtLeast, neededNode, testedNodes } from '../../src/cli/doctor/machine.ts'
import { createUi } from '../../src/cli/ui.ts'
import { recorder } from './recorder.ts'
import packageJson from '../../package.json' with { type: 'json' }

const program = fileURLToPath(new URL('../../bin/graft.js', import.meta.url))

describe('graft doctor --json', () => {
  const env = { ...process.env, NO_COLOR: '1' }
  const options = { encoding: 'utf8', env } as const
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, 'doctor', '--json'], options)
  const report = JSON.parse(stdout) as { ok: boolean; checks: Check[] }
  const check = (name: string) => report.checks.find((candidate) => candidate.name === name)

  it('exits with 0 where a model trains on the CPU', () => {
    expect(status).toBe(0)
    expect(report.ok).toBe(true)
    const found = expect.stringMatching(/^trains/) as string
    expect(check('device cpu')).toMatchObject({ status: 'ok', found })
  })

  it('reports versions as they are', () => {
    expect(check('Node')?.found).toContain(process.versions.node)
    expect(check('ONNX Runtime')?.found).toContain(onnxruntime.env.versions.node)
    expect(check('products in eight bits')?.found).toMatch(/fast: the processor has|the processor has no/)
    expect(check('TensorFlow.js')?.found).toMatch(/^4\.\d+\.\d+$/)
  })

  it('tries every device', () => {
    const tried = report.checks.flatMap(({ name }) => (name.startsWith('device ') ? [name.slice(7)] : []))
    expect(tried).toEqual(DEVICE_NAMES.filter((name) => name !== 'tfjs-cpu'))
  })

  it('says what to do about each thing that lacks, and nothing else on stderr', () => {
    for (const { status, advice } of report.checks) expect(advice !== undefined).toBe(status !== 'ok')
    expect(stderr).toMatch(/^check +status +found\n/)
    expect(stderr).toMatch(/Training on the CPU works here\.\n$/)
  })
})

/** The verdict and the text about a machine with one check of this status. */
function reportOf(status: Check['status']) {
  const { stream, text } = recorder()
  const ok = reportChecks(createUi({ stdout: stream }), [{ name: 'disk', status, found: 'full', advice: 'Free some.' }])
  return { ok, text: stripVTControlCharacters(text()) }
}

describe('reportChecks', () => {
  it('finds the machine unfit where something needed is missing', () => {
    expect(reportOf('missing')).toMatchObject({ ok: false, text: expect.stringContaining('disk: Free some.') })
  })

  it('finds it fit where only an option is missing', () => {
    expect(reportOf('optional').ok).toBe(true)
  })
})

describe('Node version', () => {
  it('is the one of package.json', () => {
    expect(`>=${neededNode}`).toBe(packageJson.engines.node)
  })

  it('is one that was tested, or said not to be', () => {
    expect(testedNodes[0]).toBe(neededNode)
    expect(describeNode('22.5.1')).toBe('22.5.1; tested are 20.19, 22, 24 and 26')
    expect(describeNode('20.20.0')).toBe('20.20.0; tested are 20.19, 22, 24 and 26')
    expect(describeNode('25.1.0')).toBe('25.1.0, which was not tested; tested are 20.19, 22, 24 and 26')
  })

  it('is compared by numbers', () => {
    expect(isAtLeast('20.19.0', '20.19')).toBe(true)
    expect(isAtLeast('20.9.0', '20.19')).toBe(false)
    expect(isAtLeast('22.0.0', '20.19')).toBe(true)
    expect(isAtLeast('100.0.0', '20.19')).toBe(true)
  })
})
