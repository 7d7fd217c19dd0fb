/** Writes versions of an output into a folder without end, one after the other, by the very functions that the commands call; says when each is done. */
import { join } from 'node:path'
import { exportBundle } from '../../src/export/index.ts'
import { readDataset, train } from '../../src/train/index.ts'

const [what, work = '', disk = ''] = process.argv.slice(2)
const [base, data, adapter] = [join(work, 'base'), join(work, 'data'), join(work, 'adapter')]
const out = join(disk, 'out')

const writers: Record<string, (version: number) => Promise<unknown>> = {
  async train(seed) {
    const settings = { device: 'cpu', epochs: 1, batchSize: 16, seed, recipe: 'none' } as const
    await train({ base, dataset: await readDataset(data), out, force: true, threads: 1, ...settings })
  },
  async export(version) {
    const probes = [`version ${version}`, 'apple pear']
    await exportBundle({ base, adapters: [{ dir: adapter }], mode: 'merged', dir: out, force: true, probes })
  },
}

const write = writers[what ?? '']
if (!write) throw new Error(`nothing writes ${what}`)
for (let version = 1; ; version++) {
  await write(version)
  console.log(version)
}
