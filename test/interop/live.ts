/**
 * Both directions with the real libraries: they write and Graft reads, then Graft writes and they read.
 *
 *     npm run test:interop -- --python PATH [--update]
 *
 * Without --python the `python3` of the PATH is used. --update writes the golden files anew.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { hasSharedData, sharedData } from '../shared-data.ts'
import { checkOurFamilies, readTheirFamilies } from './live/families.ts'
import { checkOurs, readTheirs, updateOurs } from './live/gpt2.ts'
import { checkPrecision } from './live/precision.ts'
import { checkTeachers } from './live/teacher.ts'
import { type Python, createPython } from './live/python.ts'
import { checkReal, realModels } from './live/real.ts'
import { note, report, summarize } from './live/report.ts'
import { golden } from './ours.ts'
import { checkTokenizers, tokenizerFolders, trainTokenizers } from './tokenizers.ts'

const { values } = parseArgs({
  options: { python: { type: 'string', default: 'python3' }, update: { type: 'boolean', default: false } },
})

/** What the libraries make and Graft reads. */
function writeTheirs(python: Python, folder: string): void {
  for (const name of ['adapters', 'adapters-base', 'bases', 'families', 'merges'])
    rmSync(join(folder, name), { recursive: true, force: true })
  python('interop.py', ['golden', folder])
  python('families.py', ['golden', join(folder, 'families')])
}

/** Golden files of what the libraries make of ours. */
function updateGolden(python: Python, out: string): void {
  const gptMini = fileURLToPath(new URL('../../models/gpt-mini', import.meta.url))
  python('interop.py', ['losses', gptMini, join(golden, 'gpt-mini.json')])
  python('interop.py', ['tokens', join(out, 'tokenizer', 'tokenizer.json'), join(golden, 'tokens.json')])
  if (!hasSharedData) return
  trainTokenizers(values.python, join(golden, 'tokenizers'))
  python('interop.py', ['deltas', sharedData('peft-gpt2-lora-causal'), join(golden, 'causal-deltas.json')])
}

async function compareAll(python: Python, work: string): Promise<void> {
  const versions = JSON.parse(python('interop.py', ['versions'])) as Record<string, string>
  note(
    Object.entries(versions)
      .map((each) => each.join(' '))
      .join(', '),
  )
  const theirs = values.update ? golden : join(work, 'theirs')
  writeTheirs(python, theirs)
  await readTheirs(theirs, work)
  await readTheirFamilies(join(theirs, 'families'), join(work, 'families'))
  const checked = await checkOurs(python, join(work, 'ours'))
  if (values.update) {
    await updateOurs(checked)
    updateGolden(python, join(work, 'ours'))
  }
  await checkOurFamilies(python, join(work, 'our-families'))
  await checkPrecision(python, join(work, 'precision'))
  const models = realModels(values.python)
  const tokenizers = checkTokenizers(values.python, tokenizerFolders(golden), join(work, 'tokenizers'))
  for await (const result of tokenizers) report(result)
  await checkReal(python, models, work)
  await checkTeachers(python, models, join(work, 'teachers'))
}

const work = mkdtempSync(join(tmpdir(), 'graft-interop-'))
try {
  await compareAll(createPython(values.python), work)
} finally {
  rmSync(work, { recursive: true, force: true })
  if (summarize() > 0) process.exitCode = 1
}
