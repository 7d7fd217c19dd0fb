/** The names that an imported head's labels get. */
import { GraftError } from '../../core/errors.ts'
import { labelFault } from '../../core/labels.ts'
import { type ProblemType, SINGLE_LABEL } from '../../core/task.ts'

/** The error for names that do not fit. */
export const labelsError = (problem: string): GraftError =>
  new GraftError('usage', problem, { hint: 'Give as many names with --labels as the head has labels, or none.' })

/**
 * The labels' names: as given, else the model's own, else those that transformers makes up.
 * @param count rows of the head
 * @param own reads the model's own
 * @param source named in errors
 * @param problemType of the model's configuration
 * @throws GraftError `usage` for names that are not as many, blank or repeated; `config` for a head of one row
 */
export function nameLabels(
  count: number,
  given: string[] | undefined,
  own: () => string[] | undefined,
  { source, problemType }: { source: string; problemType: ProblemType },
): string[] {
  if (count < 2 && problemType === SINGLE_LABEL) {
    throw new GraftError('config', `${source} has a head with ${count} output, so it gives a score and no labels`, {
      hint: 'If that is what it is for, write "problem_type": "regression" into its config.json.',
      file: source,
    })
  }
  const names = given ?? own() ?? Array.from({ length: count }, (_, id) => `LABEL_${id}`)
  if (names.length !== count)
    throw labelsError(`${source} has a head of ${count} labels, and there are ${names.length} names`)
  const problem = labelFault(names, problemType)
  if (problem !== undefined) throw labelsError(`--labels: ${problem}`)
  return names
}
