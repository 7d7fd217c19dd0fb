/**
 * Writes the data sets of the accuracy benchmark as folders, for reference.py, which trains on the very same parts.
 *
 * Usage: npx tsx bench/accuracy/write.ts FOLDER [DATA]; DATA is shared data beside the checkout.
 */
import { join } from 'node:path'
import { writeDataset } from '../../src/train/dataset.ts'
import { benchmarkSets } from './sets.ts'

const [folder = '', data = '../shared/data'] = process.argv.slice(2)
for (const { name, read } of benchmarkSets) {
  await writeDataset(join(folder, name), await read(data), { force: true })
  console.log(join(folder, name))
}
