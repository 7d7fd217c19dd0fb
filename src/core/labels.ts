/** The classes of a task: label names in the order of their ids. */
import { GraftError } from './errors.ts'
import { familyOf } from './families.ts'
import type { ModelConfig } from './family.ts'
import { type ProblemType, type TaskSpec, SINGLE_LABEL, isProblemType } from './task.ts'

/** Where a label was read, for error messages. */
export interface LabelPlace {
  file: string
  line: number
}

export interface Labels {
  /** Names by id. */
  readonly names: readonly string[]
  /**
   * The id of a name.
   * @throws GraftError `data-label` for an unknown name
   */
  idOf(name: string, place: LabelPlace): number
}

/** Distinct label names in sorted order (by UTF-16 code units, so that it is the same on every machine). */
export const sortLabels = (names: Iterable<string>): string[] => [...new Set(names)].toSorted()

/**
 * Numbers label names from 0 in the order given.
 * @throws GraftError `data-label` for a name given twice
 */
export function createLabels(names: readonly string[]): Labels {
  const ids = new Map(names.map((name, id) => [name, id]))
  const repeated = names.find((name, id) => ids.get(name) !== id)
  if (repeated !== undefined) {
    throw new GraftError('data-label', `label "${repeated}" is listed twice`, {
      hint: 'List each label once, in the order of its id.',
      value: repeated,
    })
  }

  function idOf(name: string, { file, line }: LabelPlace): number {
    const id = ids.get(name)
    if (id !== undefined) return id
    throw new GraftError(
      'data-label',
      `${file}, line ${line}: unknown label "${name}"; the labels are ${listed(names)}`,
      {
        hint: 'Correct the label, or use the labels that the model or data set has.',
        file,
        line,
        value: name,
      },
    )
  }

  return { names, idOf }
}

/**
 * What is wrong with names as those of a task's labels, whose ids are their places.
 * @returns undefined if nothing is
 */
export function labelFault(names: readonly string[], problemType: ProblemType = SINGLE_LABEL): string | undefined {
  const blank = names.findIndex((name) => name.trim() === '')
  if (blank >= 0) return `label ${blank} has no name`
  const repeated = names.find((name, id) => names.indexOf(name) !== id)
  if (repeated !== undefined) return `two labels have the name ${JSON.stringify(repeated)}`
  const there = `there ${names.length === 1 ? 'is one label' : `are ${names.length || 'no'} labels`}`
  if (problemType === 'regression')
    return names.length === 1 ? undefined : `${there}, and a regression gives one number`
  if (names.length >= (problemType === SINGLE_LABEL ? 2 : 1)) return undefined
  return `${there}, and a classifier chooses between two or more`
}

/**
 * The labels that a classifier's configuration names, by id; undefined where it names none.
 * @throws GraftError `config` where names are blank or repeated, ids left out, or `label2id` and `num_labels` say otherwise
 */
export function labelsOfConfig(config: ModelConfig, file: string): string[] | undefined {
  const { id2label, label2id, num_labels: count } = config
  if (!id2label) return undefined
  const ids = Object.keys(id2label)
  const names = ids.map((_, id) => id2label[id] ?? '')
  const gap = ids.findIndex((_, id) => !(id in id2label))
  const differs = Object.entries(label2id ?? {}).find(([name, id]) => names[id] !== name)
  const problem =
    (gap >= 0 && `id2label has ${ids.length} ids, and not ${gap}`) ||
    labelFault(names, problemTypeOf(config)) ||
    (differs && `label2id gives ${JSON.stringify(differs[0])} the id ${differs[1]}, and id2label does not`) ||
    (count !== undefined && count !== names.length && `num_labels is ${count}, and id2label has ${names.length}`)
  if (!problem) return names
  throw new GraftError('config', `${file}: ${problem}`, {
    hint: 'Correct id2label and label2id: ids from 0 on, and a name of its own for each.',
    file,
  })
}

/** The task that a checked configuration is for. */
export const problemTypeOf = ({ problem_type: type }: ModelConfig): ProblemType =>
  isProblemType(type) ? type : SINGLE_LABEL

/** The fields of a configuration that name the labels, and say how many of them a text has. */
export const labelFields = ({ labels, problemType = SINGLE_LABEL }: TaskSpec) => ({
  id2label: Object.fromEntries(labels.map((label, id) => [String(id), label])),
  label2id: Object.fromEntries(labels.map((label, id) => [label, id])),
  problem_type: problemType,
})

/** A base's configuration as that of a classifier, as transformers' class for it has it. */
export const classifierConfig = <Config extends ModelConfig>(config: Config, task: TaskSpec): Config => ({
  ...config,
  architectures: [familyOf(config).classes.classifier],
  ...labelFields(task),
})

/** Names for a message: the first ten, quoted. */
function listed(names: readonly string[]): string {
  const shown = names.slice(0, 10).map((name) => `"${name}"`)
  return names.length > 10 ? `${shown.join(', ')} and ${names.length - 10} more` : shown.join(', ')
}
