/** Says which rows of a data set were left out, and why. */
import type { DatasetSummary } from '../../train/dataset.ts'
import { count } from '../format.ts'
import type { Ui } from '../ui.ts'

const reasons: Record<keyof DatasetSummary['dropped'], string> = {
  blank: 'there is no text',
  repeats: 'the text was there already',
  respaced: 'the text was there already but for white space',
  conflicts: 'the same text stands under two labels',
  inTest: 'the text is in the test file',
  inValidation: 'the text is in the validation file',
  balance: 'to balance the labels',
}

/** Prints a line for each reason. */
export function printDropped(ui: Ui, { dropped }: DatasetSummary): void {
  for (const [reason, why] of Object.entries(reasons)) {
    const rows = dropped[reason as keyof typeof dropped]
    if (rows > 0) ui.line(`${count(rows)} rows dropped: ${why}`)
  }
}
