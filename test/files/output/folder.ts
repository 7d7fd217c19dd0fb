/** A new folder for each test, and outputs that are written into it. */
import { mkdir, mkdtemp, readFile, readdir, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach } from 'vitest'
import { type OutputOptions, writeOutputFolder } from '../../../src/files/output.ts'

export let dir: string
beforeEach(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), 'graft-output-')))
})
afterEach(() => rm(dir, { recursive: true }))

export const path = (...names: string[]) => join(dir, ...names)

/** Writes a folder of two files, one of them in a folder of its own. */
export const write = (out: string, text = 'one', options: Partial<OutputOptions> = {}) =>
  writeOutputFolder(out, { kind: 'model', ...options }, async (folder) => {
    await mkdir(join(folder, 'sub'))
    await writeFile(join(folder, 'a.json'), JSON.stringify(text))
    await writeFile(join(folder, 'sub', 'b.txt'), text)
  })

export const replace = (out: string, options: Partial<OutputOptions> = {}) =>
  write(out, 'two', { force: true, ...options })

export const failureOf = async (work: Promise<unknown>) => {
  const failure: unknown = await work.then(
    () => 'nothing failed',
    (error: unknown) => error,
  )
  return failure as Error & { code: string; hint: string; value: unknown }
}

export const names = async (folder = dir) => (await readdir(folder)).toSorted()
export const content = (...parts: string[]) => readFile(path(...parts, 'a.json'), 'utf8')
