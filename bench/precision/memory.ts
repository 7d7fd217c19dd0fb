/** Peak memory of training GPT-2 small's shape, a process for each precision of the frozen base. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runMeasured, writeModel } from '../gpt2/model.ts'
import { printTable } from './table.ts'

const DATA = new URL('../../examples/data/spam.csv', import.meta.url)

export async function measureMemory(): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'graft-precision-'))
  const path = (name: string) => join(dir, name)
  try {
    await writeModel(path('model'), 'small')
    const rows = (await readFile(DATA, 'utf8')).split('\n').slice(0, 201)
    await writeFile(path('data.csv'), rows.join('\n'))
    await runMeasured(dir, ['data', path('data.csv'), '--out', path('data'), '--split', '0.8,0.1,0.1'])
    await runMeasured(dir, ['import', path('model'), '--out', path('base')])
    const train = ['train', '--base', path('base'), '--data', path('data'), '--batch-size', '8', '--max-length', '64']
    const measured: [string, number][] = []
    for (const precision of ['fp32', 'int8', 'int4', 'nf4']) {
      const args = [...train, '--epochs', '1', '--base-precision', precision, '--out', path(precision)]
      measured.push([precision, (await runMeasured(dir, args)).memory])
    }
    const whole = measured[0]?.[1] ?? NaN
    printTable(
      "Peak memory of `graft train`, GPT-2 small's shape, 20 steps of 8 × 64",
      ['base', 'peak', 'against fp32'],
      measured.map(([name, bytes]) => [name, `${(bytes / 1e6).toFixed(0)} MB`, (bytes / whole).toFixed(2)]),
    )
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}
