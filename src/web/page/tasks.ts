/** The picker of tasks: one at a time, or several side by side. */
import type { TaskInfo } from '../protocol.ts'
import { byId, create } from './dom.ts'

export interface TaskPicker {
  /** Names of the chosen adapters, in order; none for a model without adapters. */
  chosen(): string[]
  /** The chosen tasks, in order. */
  tasks(): TaskInfo[]
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
  let offered: readonly TaskInfo[] = []
  const tasks = () => {
    const names = chosen()
    return offered.filter(({ adapter }) => adapter === undefined || names.includes(adapter))
  }

  function change(): void {
    describe()
    onChange()
  }

  /** What the task does; of several each card says it, and of a merged model the page's head. */
  function describe(): void {
    const [only, ...others] = tasks()
    const line = byId('task-description', HTMLParagraphElement)
    line.textContent = only?.description ?? ''
    line.hidden = others.length > 0 || area.hidden || line.textContent === ''
  }

  function option({ adapter = '' }: TaskInfo): HTMLLabelElement {
    const label = create('label', { className: 'task-choice' })
    const input = create('input')
    Object.assign(input, { name: 'task', value: adapter, type: compare.checked ? 'checkbox' : 'radio' })
    const name = create('span', { text: adapter })
    name.dir = 'auto'
    label.append(input, name)
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
    change()
  }

  compare.addEventListener('change', changeMode)
  list.addEventListener('change', (event) => {
    const { target } = event
    // One must stay chosen.
    if (target instanceof HTMLInputElement && chosen().length === 0) target.checked = true
    change()
  })

  return {
    chosen,
    tasks,
    show(tasks) {
      const before = chosen()
      offered = tasks
      const named = tasks.filter(({ adapter }) => adapter !== undefined)
      list.replaceChildren(...list.querySelectorAll('legend'), ...named.map(option))
      check(before)
      area.hidden = named.length === 0
      byId('compare-label', HTMLLabelElement).hidden = named.length < 2
      describe()
    },
    choose(adapter) {
      check(compare.checked ? [...chosen(), adapter] : [adapter])
      change()
    },
  }
}
