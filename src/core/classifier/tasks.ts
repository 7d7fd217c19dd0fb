/** What a model classifies: one task if merged, one for each adapter otherwise. */
import type { Adapter } from '../adapter.ts'
import { GraftError } from '../errors.ts'
import { type Task, type TaskSpec, taskFields } from '../task.ts'
import { createTask } from '../tasks.ts'

export interface ModelTask extends TaskSpec {
  /** Tokens after which texts are cut. */
  maxLength: number
}

export interface UnmergedModel {
  /** By name, in stack order. */
  adapters: ReadonlyMap<string, Adapter>
  /** Layers that the graph takes adapters for. */
  targets: readonly string[]
}

export type Model = ModelTask | UnmergedModel

/** A task, its place in the stack, and where its texts are cut. */
export interface FoundTask {
  task: Task
  spec: TaskSpec
  index: number
  maxLength: number
}

export interface Tasks {
  /** Names of the adapters, in stack order; none if merged. */
  readonly names: readonly string[]
  /**
   * The task of an adapter and its place in the stack; without a name, the only one.
   * @throws GraftError `adapter-index`
   */
  find(adapter: string | undefined): FoundTask
}

export function createTasks(model: Model): Tasks {
  const names = 'adapters' in model ? [...model.adapters.keys()] : []
  const tasks = 'adapters' in model ? Array.from(model.adapters.values(), ({ info }): ModelTask => info) : [model]
  const all = tasks.map(({ labels, problemType, thresholds, maxLength }, index) => {
    const spec = { labels, ...taskFields({ problemType, thresholds }) }
    return { task: createTask(spec), spec, index, maxLength }
  })
  return {
    names,
    find(adapter) {
      const index = adapter === undefined ? all.length - 1 : names.indexOf(adapter)
      const found = all[index]
      if (!found || (adapter === undefined && index > 0)) throw unknownAdapter(adapter, names)
      return found
    },
  }
}

/** The error for an adapter that is not there, or for none where there are several. */
export function unknownAdapter(adapter: string | undefined, names: readonly string[]): GraftError {
  const asked = adapter === undefined ? 'no adapter was chosen' : `there is no adapter "${adapter}"`
  const there = names.length === 0 ? 'the model is merged and has none' : `there are ${names.join(', ')}`
  return new GraftError('adapter-index', `${asked}; ${there}`, {
    hint: names.length === 0 ? 'Leave the adapter out.' : 'Choose one of these adapters.',
    value: adapter,
  })
}
