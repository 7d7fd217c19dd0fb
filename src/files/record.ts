/** What Graft wrote into a folder, file by file: `.graft-files.json`, by which it knows its own when it is to replace a folder. */
import { readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { sha256File } from './hash.ts'

export const RECORD = '.graft-files.json'

/** What a folder is; one kind never takes the place of another. */
export type OutputKind = 'data set' | 'model' | 'bundle' | 'site' | 'sweep' | 'upload'

const recordSchema = z.object({
  formatVersion: z.literal(1),
  kind: z.string(),
  /** SHA-256 by path, `/` between its parts. Several where a file is being replaced. */
  files: z.record(z.string(), z.union([z.string(), z.array(z.string())])),
  /** Paths of folders inside that have a record of their own, or will have. */
  outputs: z.array(z.string()).optional(),
})

export type FilesRecord = z.infer<typeof recordSchema>

/** A folder's record; undefined where Graft wrote none. */
export async function readRecord(folder: string): Promise<FilesRecord | undefined> {
  try {
    return recordSchema.parse(JSON.parse(await readFile(join(folder, RECORD), 'utf8')))
  } catch {
    return undefined
  }
}

export const serializeRecord = (record: FilesRecord): string => `${JSON.stringify(record, undefined, 1)}\n`

/** Paths of all files below a folder, sorted, but for records; links and the like too. */
async function listFiles(folder: string, below = ''): Promise<string[]> {
  const paths: string[] = []
  for (const entry of await readdir(join(folder, below), { withFileTypes: true })) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`
    if (entry.isDirectory()) paths.push(...(await listFiles(folder, path)))
    else if (path !== RECORD) paths.push(path)
  }
  return paths.toSorted()
}

/** SHA-256 of all files of a folder. */
async function hashFolder(folder: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {}
  for (const path of await listFiles(folder)) files[path] = await sha256File(join(folder, path))
  return files
}

/** Records all that a folder holds as written by Graft. */
export async function writeRecord(folder: string, kind: OutputKind, outputs?: string[]): Promise<void> {
  const record: FilesRecord = { formatVersion: 1, kind, files: await hashFolder(folder), ...(outputs && { outputs }) }
  await writeFile(join(folder, RECORD), serializeRecord(record))
}

const none: FilesRecord = { formatVersion: 1, kind: '', files: {} }

/** A run's checkpoint, and what a process that died left beside an output. */
const isLitter = (name: string, outputs: readonly string[]): boolean =>
  outputs.some((output) => {
    const base = output.split('/').at(-1) ?? ''
    return name === `${base}.checkpoint.safetensors` || (name.startsWith(`.${base}.`) && /\.(lock|tmp|old)$/.test(name))
  })

/**
 * What is in a folder that Graft did not write, or that was changed since: paths in it.
 * @param record of the folder; without one all is foreign
 */
export async function foreignFiles(folder: string, record = none): Promise<string[]> {
  const { files, outputs = [] } = record
  const foreign: string[] = []
  async function look(below: string): Promise<void> {
    for (const entry of await readdir(join(folder, below), { withFileTypes: true })) {
      const path = below === '' ? entry.name : `${below}/${entry.name}`
      const isOutput = outputs.includes(path)
      if (entry.isDirectory() && isOutput) {
        const inside = await foreignFiles(join(folder, path), await readRecord(join(folder, path)))
        foreign.push(...inside.map((each) => `${path}/${each}`))
      } else if (
        entry.name !== RECORD &&
        isLitter(
          entry.name,
          outputs.filter((each) => parentOf(each) === below),
        )
      ) {
        continue
      } else if (entry.isDirectory()) await look(path)
      else if (path !== RECORD && !(entry.isFile() && (await isOwn(folder, path, files)))) foreign.push(path)
    }
  }
  await look('')
  return foreign.toSorted()
}

const parentOf = (path: string) => path.split('/').slice(0, -1).join('/')

async function isOwn(folder: string, path: string, files: FilesRecord['files']): Promise<boolean> {
  const known = Object.hasOwn(files, path) ? files[path] : undefined
  return known !== undefined && [known].flat().includes(await sha256File(join(folder, path)))
}
