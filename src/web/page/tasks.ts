/** The picker of tasks: one at a time, or several side by side. */
import type { TaskInfo } from '../protocol.ts'
import { byId, create } from './dom.ts'

export interface TaskPicker {
  /** Names of the chosen adapters, in order; none for a model without adapters. */
  chosen(): string[]
  /** Offers the tasks of a model, and keeps the choice as far as there are such. */
  show(tasks: readonly TaskInfo[]): void
  /** Chooses a task; the others stay chosen where several are. */
  choose(adapter: string): void
}

export function createTaskPicker(onChange: () => void): TaskPicker {
  const area = byId('tasks', HTMLDivElement)
  const list = byId('task-list', HTMLFieldSetElement)
  const compare = byId('compare', HTMLInputElement)
  const inputs = () => [...list.querySelectorAll('input')]
  const chosen = () => inputs().flatMap(({ checked, value }) => (checked ? [value] : []))

  function option({ adapter = '' }: TaskInfo): HTMLLabelElement {
    const label = create('label', { className: 'task-choice' })
    const input = create('input')
    Object.assign(input, { name: 'task', value: adapter, type: compare.checked ? 'checkbox' : 'radio' })
    label.append(input, create('span', { text: adapter }))
    return label
  }

  function check(values: readonly string[]): void {
    for (const input of inputs()) input.checked = values.includes(input.value)
    const [first] = inputs()
    if (first && chosen().length === 0) first.checked = true
  }

  /** Side by side, all are shown at first; afterwards the first of them. */
  function changeMode(): void {
    const values = compare.checked ? inputs().map(({ value }) => value) : chosen().slice(0, 1)
    for (const input of inputs()) input.type = compare.checked ? 'checkbox' : 'radio'
    check(values)
    onChange()
  }

  compare.addEventListener('change', changeMode)
  list.addEventListener('change', (event) => {
    const { target } = event
    // One must stay chosen.
    if (target instanceof HTMLInputElement && chosen().length === 0) target.checked = true
    onChange()
  })

  return {
    chosen,
    show(tasks) {
      const before = chosen()
      const named = tasks.filter(({ adapter }) => adapter !== undefined)
      list.replaceChildren(...list.querySelectorAll('legend'), ...named.map(option))
      check(before)
      area.hidden = named.length === 0
      byId('compare-label', HTMLLabelElement).hidden = named.length < 2
    },
    choose(adapter) {
      check(compare.checked ? [...chosen(), adapter] : [adapter])
      onChange()
    },
  }
}
