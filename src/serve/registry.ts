/** The adapters of an unmerged model: loaded, replaced, evicted and removed while requests go on with what they resolved to. */
import type { AdapterFiles } from '../core/adapter.ts'
import { GraftError } from '../core/errors.ts'
import { type TaskSpec, taskFields } from '../core/task.ts'
import { type AdapterFolder, readAdapterFiles } from './folders.ts'
import type { PreparedAdapter, Unprepared } from './prepare.ts'
import type { ProbeSubject } from './probe.ts'
import { shareBytes } from './protocol.ts'
import type { AdapterChange, AdapterStatus } from './service.ts'
import type { Slots } from './slots.ts'
import type { Uploads } from './uploads.ts'

/** The version of an adapter, or of a merged model, that a request is answered with. */
export interface Lease extends TaskSpec {
  adapter?: string | undefined
  version: string
  maxLength: number
  slot: number
  /** To be called once, when no text of the request needs the slot any more. */
  release(): void
}

/** Where an adapter comes back from after it was evicted: its folder, or the bytes of its upload. */
export type AdapterSource = AdapterFolder | { files: AdapterFiles }

export interface RegistryOptions {
  /** Most adapters in memory, besides those that requests still use. */
  maxAdapters: number
  slots: Slots
  /** @throws GraftError `adapter`, `adapter-base`, `safetensors` */
  prepare(adapter: Unprepared): Promise<PreparedAdapter>
  /** @throws GraftError `adapter` for an adapter whose answers are no numbers */
  probe(adapter: ProbeSubject): Promise<void>
  /** Milliseconds after which a change is given up, its wait for others included. */
  changeTimeoutMs: number
  /** Where uploads are kept; nowhere but in memory without. */
  uploads(): Uploads | undefined
}

export interface Registry {
  /** In the order in which they were added. */
  statuses(): AdapterStatus[]
  /** Those in memory. */
  resident(): ProbeSubject[]
  /**
   * The folder that an adapter was loaded from.
   * @throws GraftError `serve-adapter`; `usage` for one that was uploaded
   */
  folderOf(name: string): AdapterFolder
  /**
   * What a request for an adapter, or for the only one, uses.
   * @throws GraftError `serve-adapter` for one that is not there, or was evicted and cannot be read again; `usage` for none where there
   *   are several; `serve-timeout`
   */
  resolve(name: string | undefined): Promise<Lease>
  /**
   * Adds or replaces an adapter; if it is refused, all stays as it was.
   * @throws GraftError `usage` for a name that is none, `adapter`, `adapter-base`, `safetensors`, `serve-timeout`, and what reading throws
   */
  load(name: string, source: AdapterSource): Promise<AdapterChange>
  /** @throws GraftError `serve-adapter`, `serve-timeout` */
  remove(name: string): Promise<void>
}

interface Entry extends Omit<AdapterStatus, 'resident'> {
  source: AdapterSource
  /** Undefined after it was evicted. */
  slot: number | undefined
}

export function createRegistry({
  maxAdapters,
  slots,
  prepare,
  probe,
  changeTimeoutMs,
  uploads,
}: RegistryOptions): Registry {
  const entries = new Map<string, Entry>()
  /** Entries with a slot, the least recently used first. */
  const resident = new Set<Entry>()
  let changes: Promise<unknown> = Promise.resolve()

  /**
   * Changes happen one after the other, so that each finds a whole state. One that takes too long does not hold up those behind it,
   * and must not come into force later: its signal says so.
   */
  function change<T>(step: (tooLate: AbortSignal) => Promise<T>): Promise<T> {
    const tooLate = AbortSignal.timeout(changeTimeoutMs)
    const result = changes.then(() => inTime(tooLate, () => step(tooLate)))
    changes = result.catch(() => undefined)
    return inTime(tooLate, () => result)
  }

  function leave(entry: Entry): void {
    resident.delete(entry)
    if (entry.slot !== undefined) slots.release(entry.slot)
    entry.slot = undefined
  }

  /** @param expected version, if it has to be a certain one */
  async function activate(
    name: string,
    source: AdapterSource,
    tooLate: AbortSignal,
    expected?: string,
  ): Promise<Entry> {
    const files = 'files' in source ? source.files : await readShared(source)
    const file = 'folder' in source ? source.folder : name
    const [slot, adapter] = await slots.fill((memory) => prepare({ files, file, memory }))
    let kept: AdapterSource
    try {
      if (expected !== undefined && adapter.version !== expected) throw changed(file)
      await probe({ name: file, slot, ...adapter })
      tooLate.throwIfAborted()
      // On the disk before it is in force, and before the upload is answered.
      kept = ('files' in source && (await uploads()?.keep(name, source.files))) || source
    } catch (error) {
      slots.release(slot)
      throw error
    }
    // From here on nothing waits or fails: other requests see the old state or the new one.
    const entry = { name, ...adapter, source: kept, slot }
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
    const task = { labels, ...taskFields(entry) }
    return { adapter: name, version, ...task, maxLength, slot, release: () => slots.release(slot) }
  }

  /** Another request may have brought it back, or removed it, before this one's turn. */
  async function comeBack(name: string, tooLate: AbortSignal): Promise<Lease> {
    const evicted = find(name)
    if (evicted.slot !== undefined) return lease(evicted, evicted.slot)
    const entry = await activate(name, evicted.source, tooLate, evicted.version).catch(gone(name))
    return lease(entry, entry.slot!) // it was activated just now
  }

  return {
    statuses: () => Array.from(entries.values(), toStatus),
    resident: () =>
      [...resident].flatMap(({ slot, source, ...entry }) =>
        slot === undefined ? [] : [{ ...entry, name: 'folder' in source ? source.folder : entry.name, slot }],
      ),
    folderOf(name) {
      const { source } = find(name)
      if ('folder' in source) return source
      throw new GraftError('usage', `adapter "${name}" was uploaded: there is no folder to read it from`, {
        hint: 'Upload it again.',
        value: name,
      })
    },
    async resolve(name) {
      const entry = find(name)
      return entry.slot === undefined ? change((tooLate) => comeBack(entry.name, tooLate)) : lease(entry, entry.slot)
    },
    async load(name, source) {
      checkName(name)
      const shared = 'files' in source ? { files: share(source.files) } : source
      return change(async (tooLate) => {
        const created = !entries.has(name)
        return { ...toStatus(await activate(name, shared, tooLate)), created }
      })
    },
    remove: (name) =>
      change(async () => {
        find(name)
        await uploads()?.forget(name)
        leave(find(name))
        entries.delete(name)
      }),
  }
}

const share = (files: AdapterFiles): AdapterFiles => ({
  ...files,
  'adapter_model.safetensors': shareBytes(files['adapter_model.safetensors']),
})

const readShared = async (folder: AdapterFolder) => share(await readAdapterFiles(folder))

/** What `work` gives, unless the signal is first. Does not begin after it. */
async function inTime<T>(tooLate: AbortSignal, work: () => Promise<T>): Promise<T> {
  if (tooLate.aborted) throw overdue()
  let onAbort = () => {}
  const late = new Promise<never>((_, reject) => {
    onAbort = () => reject(overdue())
    tooLate.addEventListener('abort', onAbort)
  })
  return Promise.race([work(), late]).finally(() => tooLate.removeEventListener('abort', onAbort))
}

const overdue = () =>
  new GraftError('serve-timeout', 'the adapter was not changed in time, and is as it was', {
    hint: 'Try again. If that happens again, look whether its folder can be read, and at the load of the server.',
  })

const toStatus = ({ name, version, labels, maxLength, slot, ...task }: Entry): AdapterStatus => ({
  name,
  version,
  labels,
  ...taskFields(task),
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
  const code = name === undefined && names.length > 1 ? 'usage' : 'serve-adapter'
  return new GraftError(code, name === undefined ? `${asked}; ${there}` : asked, {
    hint: names.length === 0 ? 'Add an adapter first.' : `Choose an adapter: ${there}.`,
    value: name,
  })
}

const changed = (file: string) =>
  new GraftError('adapter', `${file} is another version than the one that was loaded`, {
    hint: 'Load it again, if that is wanted.',
    file,
  })

const gone = (name: string) => (error: unknown) => {
  const reason = error instanceof Error ? error.message : String(error)
  throw new GraftError('serve-adapter', `adapter "${name}" left memory and cannot be read again: ${reason}`, {
    hint: 'Load it again, or raise the number of adapters in memory.',
    value: name,
    cause: error,
  })
}
