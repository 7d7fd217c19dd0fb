/** Files and folders dropped anywhere on the page. */
import { byId } from './dom.ts'

/** A folder's name and the files that lie in it. */
export interface DroppedFolder {
  /** Empty for files that were dropped by themselves. */
  name: string
  files: File[]
}

/** Folders within folders count as folders of their own. */
async function readEntries(entries: readonly FileSystemEntry[], name: string): Promise<DroppedFolder[]> {
  const folder: DroppedFolder = { name, files: [] }
  const inner: DroppedFolder[] = []
  for (const entry of entries) {
    if (isFile(entry)) folder.files.push(await new Promise<File>((resolve, reject) => entry.file(resolve, reject)))
    else if (isFolder(entry)) inner.push(...(await readEntries(await listFolder(entry), entry.name)))
  }
  // A folder that only holds others is none to speak of; one that holds nothing is.
  return [...(folder.files.length > 0 || (name !== '' && inner.length === 0) ? [folder] : []), ...inner]
}

const isFile = (entry: FileSystemEntry): entry is FileSystemFileEntry => entry.isFile
const isFolder = (entry: FileSystemEntry): entry is FileSystemDirectoryEntry => entry.isDirectory

/** All entries: a reader gives them in portions, the last of which is empty. */
async function listFolder(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader()
  const entries: FileSystemEntry[] = []
  for (;;) {
    const portion = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject))
    if (portion.length === 0) return entries
    entries.push(...portion)
  }
}

/** Calls with what is dropped. */
export function acceptDrops(onDrop: (folders: DroppedFolder[]) => void): void {
  const hint = byId('drop', HTMLDivElement)
  addEventListener('dragover', (event) => {
    if (!event.dataTransfer?.types.includes('Files')) return
    event.preventDefault()
    hint.hidden = false
  })
  addEventListener('dragleave', (event) => {
    if (event.relatedTarget === null) hint.hidden = true
  })
  addEventListener('drop', (event) => {
    // A text is dropped into the field by itself.
    if (!event.dataTransfer?.types.includes('Files')) return
    event.preventDefault()
    hint.hidden = true
    // Entries are gone once the event is over.
    const entries = [...(event.dataTransfer?.items ?? [])].flatMap((item) => item.webkitGetAsEntry() ?? [])
    void readEntries(entries, '').then(onDrop)
  })
}
