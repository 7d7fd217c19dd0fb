/** Adapters of the visitor's: added to the tasks of the open model, and again where it is opened anew. */
import type { WebClassifier } from '../index.ts'
import { byId, create } from './dom.ts'
import type { DroppedFolder } from './drop.ts'
import { explainError } from './format.ts'

export interface AdapterTool {
  add(folder: DroppedFolder): Promise<void>
  /** Adds those of before to a model that was opened anew. */
  restore(classifier: WebClassifier): Promise<void>
}

export interface AdapterContext {
  classifier(): WebClassifier
  /** Called when the model's tasks have changed. */
  onAdded: (adapter: string) => void
}

export function createAdapterTool({ classifier, onAdded }: AdapterContext): AdapterTool {
  const input = byId('adapter-files', HTMLInputElement)
  const notes = byId('adapter-notes', HTMLUListElement)
  const problem = byId('adapter-problem', HTMLParagraphElement)
  const added = new Map<string, readonly File[]>()

  async function add({ name, files }: DroppedFolder): Promise<void> {
    notes.replaceChildren()
    problem.textContent = ''
    try {
      const adapter = freeName(name, classifier().adapters)
      const { labels, assumptions } = await classifier().addAdapter(adapter, files)
      added.set(adapter, files)
      const told = `Added ${adapter}: ${labels.join(', ')}.`
      notes.replaceChildren(...[told, ...assumptions].map((text) => create('li', { text })))
      onAdded(adapter)
    } catch (error) {
      problem.textContent = explainError(error)
    }
  }

  input.addEventListener('change', () => {
    const files = [...(input.files ?? [])]
    if (files.length > 0) void add({ name: nameOf(files), files })
    input.value = ''
  })

  return {
    add,
    async restore(reopened) {
      for (const [name, files] of added) await reopened.addAdapter(name, files)
    },
  }
}

/** A name for files that lay in no folder: the weights' own, if it says more than PEFT's usual one. */
export function nameOf(files: readonly File[]): string {
  const weights = files.find(({ name }) => name.endsWith('.safetensors'))?.name.replace(/\.safetensors$/, '')
  return weights === undefined || weights === 'adapter_model' ? 'my adapter' : weights
}

function freeName(name: string, taken: readonly string[]): string {
  if (!taken.includes(name)) return name
  const number = Array.from(taken.keys(), (at) => at + 2).find((each) => !taken.includes(`${name} ${each}`))
  return `${name} ${number}`
}
