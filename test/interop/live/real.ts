/** Models with real weights: with a random head they give transformers' token ids and logits. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { realDifference, realTexts } from '../real.ts'
import { writeRealBundle } from './our-families.ts'
import { type Python, reportLines } from './python.ts'
import { TOLERANCE, note, report } from './report.ts'
import { checkTransformersJs } from './transformers-js.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** Their folders, which are fetched where they are not there. */
export function realModels(program: string): Map<string, string> {
  const folder = join(root, 'models/hf')
  if (!existsSync(folder)) {
    note('fetching models with real weights into models/hf')
    const args = ['run', 'models:fetch', '--', '--python', program]
    const { status } = spawnSync('npm', args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
    if (status !== 0) note('they could not be fetched: see `npm run models:fetch`')
  }
  if (!existsSync(folder)) return new Map()
  const names = readdirSync(folder).filter((name) => !name.startsWith('.'))
  return new Map(names.map((name) => [name, join(folder, name)]))
}

export async function checkReal(python: Python, models: ReadonlyMap<string, string>, work: string): Promise<void> {
  writeFileSync(join(work, 'texts.json'), JSON.stringify(realTexts()))
  for (const [name, source] of models) {
    const folder = join(work, `real-${name}`)
    python('real.py', [source, join(work, 'texts.json'), folder])
    const { texts, otherIds, difference, largest } = await realDifference(source, folder, join(work, name))
    report({
      name: `${name} with a random head in Graft`,
      ok: otherIds === 0 && difference < TOLERANCE * Math.min(1, largest),
      detail: `${texts} texts, ${otherIds} with other ids, max difference ${difference.toExponential(1)} of ${largest.toFixed(2)}`,
    })
  }
  // The other is as large as half a gigabyte, and its bundle says nothing that a small decoder's does not.
  if (models.has('minilm')) await checkRealBundle(python, join(work, 'minilm'), join(work, 'real-bundles'))
}

async function checkRealBundle(python: Python, base: string, root: string): Promise<void> {
  const bundles = join(root, 'minilm', 'bundles')
  mkdirSync(bundles, { recursive: true })
  await writeRealBundle(base, join(root, 'adapter'), join(bundles, 'adapted'), realTexts())
  rmSync(join(root, 'adapter'), { recursive: true })
  reportLines(python('our_families.py', ['bundles', root]))
  checkTransformersJs(root)
}
