/** Unicode's normal forms in linear time: `String.normalize` sorts a run of combining marks in quadratic time. */

type Form = 'NFC' | 'NFD' | 'NFKC' | 'NFKD'

/** Whether a mark moves before the one on its left: its combining class is lower, and neither has class 0. */
const movesLeft = (mark: string, left: string) =>
  (left + mark).normalize('NFD') !== left.normalize('NFD') + mark.normalize('NFD')

/** U+0345 and U+0334 have the highest class and the lowest. */
const isStarter = (mark: string) =>
  !movesLeft(mark, '\u0345') && !movesLeft('\u0334', mark) && !/[\u0345\u0334]/.test(mark)

/** The marks between two starters in canonical order, which is by class and keeps the order within each class. */
function sortMarks(marks: readonly string[]): string[] {
  const classes: string[][] = []
  const byClass = [...new Set(marks)].sort((a, b) => (movesLeft(a, b) ? -1 : movesLeft(b, a) ? 1 : 0))
  const classOf = new Map<string, string[]>()
  for (const [at, mark] of byClass.entries()) {
    if (at === 0 || movesLeft(byClass[at - 1]!, mark)) classes.push([]) // at ≥ 1
    classOf.set(mark, classes.at(-1)!) // There is one from the first mark on.
  }
  for (const mark of marks) classOf.get(mark)?.push(mark)
  return classes.flat()
}

/** Marks in canonical order. */
export function sortRun(run: string): string {
  const starters = new Map<string, boolean>()
  const sorted: string[] = []
  let marks: string[] = []
  const flush = () => {
    for (const mark of sortMarks(marks)) sorted.push(mark)
    marks = []
  }
  for (const mark of run) {
    const starts = starters.get(mark) ?? isStarter(mark)
    starters.set(mark, starts)
    if (!starts) marks.push(mark)
    else {
      flush()
      sorted.push(mark)
    }
  }
  flush()
  return sorted.join('')
}

/** `text.normalize(form)`, in time proportional to the text's length whatever it is. */
export const normalizeMarks = (text: string, form: Form): string =>
  text.replace(/\p{M}{64,}/gu, sortRun).normalize(form)
