/** What is beside the text: tables, adapters of the visitor's, drops, code. Loaded after the model, whose download matters more. */
import { GraftError, type WebClassifier } from '../index.ts'
import { createAdapterTool, nameOf } from './adapters.ts'
import { type Shown, setUpCode } from './code.ts'
import { byId, create } from './dom.ts'
import { type DroppedFolder, acceptDrops } from './drop.ts'
import { sortDropped } from './sort.ts'
import { createTableTool } from './table.ts'

export interface ToolsContext {
  /** The open model, if there is one. */
  opened(): WebClassifier | undefined
  /** The chosen tasks. */
  chosen(): string[]
  /** What is on the screen. */
  shown(): Shown
  /** Called when the model has another task. */
  onAdded(adapter: string): void
}

export interface Tools {
  /** Other tasks are chosen. */
  tasksChanged(): void
  /** Other results are on the screen. */
  resultsChanged(): void
  /** Adds the visitor's adapters to a model that was opened anew. */
  restore(classifier: WebClassifier): Promise<void>
}

export function createTools({ opened, chosen, shown, onAdded }: ToolsContext): Tools {
  const classifier = (): WebClassifier => {
    const model = opened()
    if (model) return model
    throw new GraftError('browser', 'The model is on its way', { hint: 'Try again when it is there.' })
  }
  const code = setUpCode(shown)
  const table = createTableTool({ classifier, adapters: chosen })
  const adapters = createAdapterTool({ classifier, onAdded })

  /** Each thing that was dropped is used, or gets a word. */
  function open(folders: readonly DroppedFolder[]): void {
    const { adapter, table: file, notes } = sortDropped(folders)
    const takesAdapters = !byId('adapter', HTMLElement).hidden
    if (adapter && !takesAdapters) notes.push('This model is merged: it takes no adapters.')
    byId('drop-notes', HTMLUListElement).replaceChildren(...notes.map((text) => create('li', { text })))
    if (adapter && takesAdapters) void adapters.add({ ...adapter, name: adapter.name || nameOf(adapter.files) })
    if (file) table.open(file)
  }

  acceptDrops(open)
  return { tasksChanged: table.tasksChanged, resultsChanged: code.update, restore: adapters.restore }
}
