/** Every family: what transformers and PEFT write is read by Graft, and what Graft writes by them, Optimum, ONNX Runtime and transformers.js. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { modelTypes } from '../../../src/core/families.ts'
import { readJsonFile } from '../compare.ts'
import { familyAdapterDifferences, familyAdapters, familyDifferences, familyFolders } from '../families.ts'
import { writeFamily } from './our-families.ts'
import { type Python, reportLines } from './python.ts'
import { note, reportDifference } from './report.ts'
import { checkTransformersJs } from './transformers-js.ts'

const largest = (found: Record<string, number>) => Math.max(...Object.values(found))

/** Whether the family of a golden model is one that Graft has. */
function isRead(root: string, name: string): boolean {
  const { model_type: type } = readJsonFile<{ model_type: string }>(join(root, name, 'config.json'))
  if (modelTypes.includes(type)) return true
  note(`${name} left out: Graft does not read ${type}`)
  return false
}

/** transformers and PEFT write, Graft reads. */
export async function readTheirFamilies(root: string, work: string): Promise<void> {
  mkdirSync(work)
  const names = familyFolders(root).filter((name) => isRead(root, name))
  for (const name of names) {
    const { merged } = await familyDifferences(root, name, work)
    reportDifference(`transformers' ${name} in Graft`, largest(merged))
  }
  for (const path of familyAdapters(root).filter((each) => names.includes(each.split('/', 1)[0] ?? ''))) {
    const { merged, unmerged } = await familyAdapterDifferences(root, path, work)
    reportDifference(`PEFT's ${path} in Graft, merged`, largest(merged))
    if (unmerged) reportDifference(`PEFT's ${path} in Graft, unmerged`, largest(unmerged))
  }
}

/** Graft writes, the others read. */
export async function checkOurFamilies(python: Python, work: string): Promise<void> {
  for (const family of modelTypes) await writeFamily(family, join(work, family))
  reportLines(python('our_families.py', ['all', work]))
  checkTransformersJs(work)
}
