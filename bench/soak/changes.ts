/** Adapters that come, are replaced, read again from disk and removed, one change after the other, over HTTP. */
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AdapterFiles } from '../../src/core/adapter.ts'
import type { Random } from '../../src/core/random.ts'
import { type Upload, encodeUpload } from '../serve/adapters.ts'

export interface ChangesOptions {
  url: string
  adminKey: string
  /** The server's `--adapter-dir`. */
  dir: string
  names: readonly string[]
  /** Different versions of one adapter. */
  versions: readonly AdapterFiles<string>[]
  random: Random
}

export type Change = 'upload' | 'folder' | 'reload' | 'remove'

/** What is sure of an adapter, from this side of the connection: nothing while a change of it is on its way. */
interface Sure {
  /** `performance.now()` since when it is there. */
  present?: number
  /** Since when it is not. */
  absent?: number
}

export function createChanges({ url, adminKey, dir, names, versions, random }: ChangesOptions) {
  const headers = { Authorization: `Bearer ${adminKey}` }
  /** Adapters that are there, and whether they came from a folder. */
  const there = new Map<string, { folder: boolean }>()
  const sure = new Map<string, Sure>(names.map((name) => [name, { absent: 0 }]))

  async function send(method: string, path: string, upload?: Upload): Promise<void> {
    const init = { method, headers: { ...headers, ...upload?.headers }, body: upload?.body }
    const response = await fetch(`${url}/v1/adapters/${path}`, init)
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
  }

  async function writeFolder(name: string, files: AdapterFiles<string>): Promise<void> {
    const temporary = join(dir, `.${name}`)
    await mkdir(temporary, { recursive: true })
    for (const [file, content] of Object.entries(files)) await writeFile(join(temporary, file), content)
    await rm(join(dir, name), { recursive: true, force: true })
    await rename(temporary, join(dir, name))
  }

  function choose(name: string): Change {
    const entry = there.get(name)
    const kinds: Change[] = [
      'upload',
      'folder',
      ...(entry ? (['remove'] as const) : []),
      ...(entry?.folder ? (['reload'] as const) : []),
    ]
    return kinds[random.integer(kinds.length)] ?? 'upload'
  }

  /** One change, of any adapter. */
  async function change(): Promise<Change> {
    const name = names[random.integer(names.length)] ?? ''
    const files = versions[random.integer(versions.length)]
    if (!files) throw new Error('there is no version of an adapter')
    const kind = choose(name)
    // An upload replaces the adapter in one go. A folder is gone for a moment while another takes its place, and an adapter that was
    // evicted cannot come back then.
    const present = kind === 'upload' ? sure.get(name)?.present : undefined
    if (present === undefined) sure.set(name, {})
    if (kind === 'upload') await send('PUT', name, await encodeUpload(files))
    if (kind === 'folder' || kind === 'reload') await writeFolder(name, files)
    if (kind === 'folder') await send('PUT', `${name}?folder=${name}`)
    if (kind === 'reload') await send('POST', `${name}/reload`)
    if (kind === 'remove') await send('DELETE', name)
    const now = performance.now()
    sure.set(name, kind === 'remove' ? { absent: now } : { present: present ?? now })
    if (kind === 'remove') there.delete(name)
    else there.set(name, { folder: kind !== 'upload' })
    return kind
  }

  /** Whether a request for an adapter that is answered now may be answered so: 404 only if the adapter was absent meanwhile. */
  function mayAnswer(status: number, name: string, asked: number): boolean {
    const { present = Infinity, absent = Infinity } = sure.get(name) ?? {}
    return status === 404 ? present > asked : status === 200 && absent > asked
  }

  return { change, mayAnswer }
}
