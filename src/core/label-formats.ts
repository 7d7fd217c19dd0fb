/** How labels stand in data sets, by transformers' `problem_type`. */
import { type LabelFormat, type ProblemType, SINGLE_LABEL } from './task.ts'
import { labelLists } from './tasks/multi-label.ts'
import { numbers } from './tasks/regression.ts'
import { singleLabels } from './tasks/single-label.ts'

const formats: Readonly<Record<ProblemType, LabelFormat>> = {
  single_label_classification: singleLabels,
  multi_label_classification: labelLists,
  regression: numbers,
}

export const labelFormat = (problemType: ProblemType = SINGLE_LABEL): LabelFormat => formats[problemType]
