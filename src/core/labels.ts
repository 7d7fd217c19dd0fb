/** The classes of a task: label names in the order of their ids. */
import { GraftError } from './errors.ts'

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

/** Names for a message: the first ten, quoted. */
function listed(names: readonly string[]): string {
  const shown = names.slice(0, 10).map((name) => `"${name}"`)
  return names.length > 10 ? `${shown.join(', ')} and ${names.length - 10} more` : shown.join(', ')
}
