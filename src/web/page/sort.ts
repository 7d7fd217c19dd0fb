/** What to do with the files and folders that were dropped: one adapter, one table, and a word on each of the others. */
import type { DroppedFolder } from './drop.ts'

export interface Sorted {
  adapter: DroppedFolder | undefined
  table: File | undefined
  /** A sentence on each that is not used. */
  notes: string[]
}

const isTable = ({ name }: File) => /\.(csv|tsv|tab|jsonl|ndjson|parquet)(\.gz)?$/i.test(name)
const isWeights = ({ name }: File) => /\.safetensors$/i.test(name)
/** What lies beside an adapter's weights. */
const isAdapterPart = ({ name }: File) => /^(adapter_config|graft)\.json$/.test(name)

export function sortDropped(folders: readonly DroppedFolder[]): Sorted {
  const notes: string[] = []
  const [adapters, tables]: [DroppedFolder[], File[]] = [[], []]
  for (const folder of folders) {
    const weights = folder.files.filter(isWeights)
    const found = folder.files.filter(isTable)
    if (weights.length > 0) adapters.push(folder)
    tables.push(...found)
    notes.push(...weights.slice(1).map(({ name }) => `${name} was left out: it lies beside another adapter’s weights.`))
    if (folder.name === '') notes.push(...folder.files.flatMap((file) => strange(file, weights.length > 0)))
    else if (weights.length === 0 && found.length === 0)
      notes.push(
        `The folder ${folder.name} holds ${folder.files.length === 0 ? 'nothing' : 'no adapter and no table'}.`,
      )
  }
  const [adapter, ...otherAdapters] = adapters
  const [table, ...otherTables] = tables
  notes.push(...otherAdapters.map(({ name }) => `${name || 'An adapter'} was left out: add one adapter at a time.`))
  notes.push(...otherTables.map(({ name }) => `${name} was left out: one table is classified at a time.`))
  return { adapter, table, notes }
}

function strange(file: File, isBesideWeights: boolean): string[] {
  const { name } = file
  if (isTable(file) || isWeights(file)) return []
  if (isAdapterPart(file)) {
    return isBesideWeights ? [] : [`${name} alone is no adapter: drop its folder, or its .safetensors file with it.`]
  }
  if (/\.(xlsx?|ods|numbers)$/i.test(name)) return [`${name} is a spreadsheet: save it as CSV, and drop that.`]
  return [`${name} is neither a table (.csv, .tsv, .jsonl, .parquet) nor an adapter (.safetensors).`]
}
