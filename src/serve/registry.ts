/** The adapters of an unmerged model: loaded, replaced, evicted and removed while requests go on with what they resolved to. */
import type { AdapterFiles } from '../core/adapter.ts'
import { GraftError } from '../core/errors.ts'
import { readAdapterFiles } from './folders.ts'
import type { PreparedAdapter, Unprepared } from './prepare.ts'
import { shareBytes } from './protocol.ts'
import type { AdapterStatus } from './service.ts'
import type { Slots } from './slots.ts'

/** The version of an adapter, or of a merged model, that a request is answered with. */
export interface Lease {
  adapter?: string | undefined
  version: string
  labels: readonly string[]
  maxLength: number
  slot: number
  /** To be called once, when no text of the request needs the slot any more. */
  release(): void
}

/** Where an adapter comes back from after it was evicted: its folder, or the bytes of its upload. */
export type AdapterSource = { folder: string } | { files: AdapterFiles }

export interface RegistryOptions {
  /** Most adapters in memory, besides those that requests still use. */
  maxAdapters: number
  slots: Slots
  /** @throws GraftError `adapter`, `adapter-base`, `safetensors` */
  prepare(adapter: Unprepared): Promise<PreparedAdapter>
}

export interface Registry {
  /** In the order in which they were added. */
  statuses(): AdapterStatus[]
  /**
   * The folder that an adapter was loaded from.
   * @throws GraftError `serve-adapter`; `usage` for one that was uploaded
   */
  folderOf(name: string): string
  /**
   * What a request for an adapter, or for the only one, uses.
   * @throws GraftError `serve-adapter` for one that is not there, or was evicted and cannot be read again
   */
  resolve(name: string | undefined): Promise<Lease>
  /**
   * Adds or replaces an adapter; if it is refused, all stays as it was.
   * @throws GraftError `usage` for a name that is none, `adapter`, `adapter-base`, `safetensors`, and what reading throws
   */
  load(name: string, source: AdapterSource): Promise<AdapterStatus>
  /** @throws GraftError `serve-adapter` */
  remove(name: string): Promise<void>
}

interface Entry extends Omit<AdapterStatus, 'resident'> {
  source: AdapterSource
  /** Undefined after it was evicted. */
  slot: number | undefined
}

export function createRegistry({ maxAdapters, slots, prepare }: RegistryOptions): Registry {
  const entries = new Map<string, Entry>()
  /** Entries with a slot, the least recently used first. */
  const resident = new Set<Entry>()
  let changes: Promise<unknown> = Promise.resolve()

  /** Changes happen one after the other, so that each finds a whole state. */
  function change<T>(step: () => Promise<T>): Promise<T> {
    const result = changes.then(step)
    changes = result.catch(() => undefined)
    return result
  }

  function leave(entry: Entry): void {
    resident.delete(entry)
    if (entry.slot !== undefined) slots.release(entry.slot)
    entry.slot = undefined
  }

  async function activate(name: string, source: AdapterSource): Promise<Entry> {
    const files = 'files' in source ? source.files : await readShared(source.folder)
    const file = 'folder' in source ? source.folder : name
    const [slot, adapter] = await slots.fill((memory) => prepare({ files, file, memory }))
    // From here on nothing waits or fails: other requests see the old state or the new one.
    const entry = { name, ...adapter, source, slot }
    const old = entries.get(name)
    if (old) leave(old)
    entries.set(name, entry)
    resident.add(entry)
    for (const oldest of resident) if (resident.size > maxAdapters) leave(oldest)
    return entry
  }

  function find(name: string | undefined): Entry {
    const entry = name === undefined && entries.size === 1 ? [...entries.values()][0] : entries.get(name ?? '')
    if (!entry) throw unknownAdapter(name, [...entries.keys()])
    return entry
  }

  /** At once, so that nothing evicts the entry in between. */
  function lease(entry: Entry, slot: number): Lease {
    resident.delete(entry)
    resident.add(entry)
    slots.retain(slot)
    const { name, version, labels, maxLength } = entry
    return { adapter: name, version, labels, maxLength, slot, release: () => slots.release(slot) }
  }

  /** Another request may have brought it back, or removed it, before this one's turn. */
  async function comeBack(name: string): Promise<Lease> {
    const evicted = find(name)
    const entry = evicted.slot === undefined ? await activate(name, evicted.source).catch(gone(name)) : evicted
    return lease(entry, entry.slot!) // it was activated just now
  }

  return {
    statuses: () => Array.from(entries.values(), toStatus),
    folderOf(name) {
      const { source } = find(name)
      if ('folder' in source) return source.folder
      throw new GraftError('usage', `adapter "${name}" was uploaded: there is no folder to read it from`, {
        hint: 'Upload it again.',
        value: name,
      })
    },
    async resolve(name) {
      const entry = find(name)
      return entry.slot === undefined ? change(() => comeBack(entry.name)) : lease(entry, entry.slot)
    },
    async load(name, source) {
      checkName(name)
      const shared = 'files' in source ? { files: share(source.files) } : source
      return toStatus(await change(() => activate(name, shared)))
    },
    remove: (name) =>
      change(async () => {
        leave(find(name))
        entries.delete(name)
      }),
  }
}

const share = (files: AdapterFiles): AdapterFiles => ({
  ...files,
  'adapter_model.safetensors': shareBytes(files['adapter_model.safetensors']),
})

const readShared = async (folder: string) => share(await readAdapterFiles(folder))

const toStatus = ({ name, version, labels, maxLength, slot }: Entry): AdapterStatus => ({
  name,
  version,
  labels,
  maxLength,
  resident: slot !== undefined,
})

/** Names that a bundle's adapters may have. */
function checkName(name: string): void {
  if (/^\w[\w.-]*$/.test(name)) return
  throw new GraftError('usage', `${JSON.stringify(name)} is no name for an adapter`, {
    hint: 'Use letters, digits, _ - and . only.',
    value: name,
  })
}

/** Names in an error: there may be hundreds. */
const SHOWN = 10

function unknownAdapter(name: string | undefined, names: readonly string[]): GraftError {
  const asked = name === undefined ? 'no adapter was chosen' : `there is no adapter ${JSON.stringify(name)}`
  const more = names.length > SHOWN ? `, and ${names.length - SHOWN} more` : ''
  const there = names.length === 0 ? 'there is none' : `there are ${names.slice(0, SHOWN).join(', ')}${more}`
  return new GraftError('serve-adapter', name === undefined ? `${asked}; ${there}` : asked, {
    hint: names.length === 0 ? 'Add an adapter first.' : `Choose an adapter: ${there}.`,
    value: name,
  })
}

const gone = (name: string) => (error: unknown) => {
  const reason = error instanceof Error ? error.message : String(error)
  throw new GraftError('serve-adapter', `adapter "${name}" left memory and cannot be read again: ${reason}`, {
    hint: 'Load it again, or raise the number of adapters in memory.',
    value: name,
    cause: error,
  })
}
