/** Texts to try a task with. */
import type { TaskInfo } from '../protocol.ts'
import { byId, create } from './dom.ts'

export interface Examples {
  /** Offers those of a task. */
  show(task: TaskInfo | undefined): void
  /** Whether a text is one of those offered. */
  has(text: string): boolean
}

/** Examples that are offered. */
const MOST = 5

/** @param onChoose called with an example that was chosen */
export function createExamples(onChoose: (text: string) => void): Examples {
  const area = byId('examples', HTMLDivElement)
  let texts: readonly string[] = []

  function item(text: string): HTMLLIElement {
    const button = create('button', { text, className: 'plain' })
    Object.assign(button, { type: 'button', dir: 'auto' })
    button.addEventListener('click', () => onChoose(text))
    const item = create('li')
    item.append(button)
    return item
  }

  return {
    show(task) {
      texts = task?.examples?.slice(0, MOST) ?? []
      area.querySelector('ul')?.replaceChildren(...texts.map(item))
      area.hidden = texts.length === 0
    },
    has: (text) => texts.includes(text),
  }
}
