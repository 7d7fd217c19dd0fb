/** The example runs as its README says, and TensorFlow.js and ONNX Runtime print the same. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'graft-example-'))
})
afterAll(() => rm(folder, { recursive: true }))

it('examples/trace-your-own-model', { timeout: 60_000 }, async () => {
  const file = join(folder, 'model.onnx')
  const script = 'examples/trace-your-own-model/index.ts'
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', script, file], { cwd: root })
  const [tensorflow, onnx] = stdout.split('\n').flatMap((line) => {
    const values = line.match(/^(?:TensorFlow\.js|ONNX Runtime) +(.*)$/)?.[1]
    return values === undefined ? [] : [values.split(' ').map(Number)]
  })
  expect(tensorflow).toHaveLength(6)
  tensorflow?.forEach((value, at) => expect(onnx?.[at]).toBeCloseTo(value, 4))
  expect((await stat(file)).size).toBeGreaterThan(100 * 16 * 4)
})
