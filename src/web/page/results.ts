/** What a text is: for each task its label, and a bar for every label. */
import type { Classification } from '../../core/classifier.ts'
import { byId, copyTemplate, setText } from './dom.ts'
import { percent, plural } from './format.ts'

export interface Result {
  /** The task's name, shown where there are several. */
  adapter: string | undefined
  classification: Classification
}

export interface Measured {
  milliseconds: number
  maxLength: number
}

/** Bars that are shown; a model may have many labels. */
const MAX_BARS = 10

const area = byId('results', HTMLDivElement)

/** Shows results in place of those before. */
export function showResults(results: readonly Result[], { milliseconds, maxLength }: Measured): void {
  const shown = [...area.children]
  // Cards with the same labels are kept, so that their bars move.
  const cards = results.map((result, at) => {
    const key = keyOf(result, results.length)
    const old = shown[at]
    const card = old instanceof HTMLElement && old.dataset['key'] === key ? old : createCard(result, key)
    update(card, result, results.length > 1)
    return card
  })
  area.replaceChildren(...cards)
  area.hidden = results.length === 0
  area.classList.remove('waiting')
  const [first] = results
  const measured = byId('measured', HTMLParagraphElement)
  measured.hidden = !first
  if (!first) return
  const { tokens, truncated } = first.classification
  const length = truncated ? `the first ${plural(maxLength, 'token')} of the text` : plural(tokens, 'token')
  measured.textContent = `${length} · ${milliseconds < 10 ? milliseconds.toFixed(1) : milliseconds.toFixed(0)} ms`
  byId('announcement', HTMLParagraphElement).textContent = results.map(announce).join('; ')
}

/** Until the results of a new text are there. */
export const fadeResults = (): void => area.classList.add('waiting')

const announce = ({ adapter, classification: { label, score } }: Result) =>
  `${adapter === undefined ? '' : `${adapter}: `}${label}, ${percent(score)}`

const keyOf = ({ adapter, classification: { scores } }: Result, results: number) =>
  JSON.stringify([adapter, results > 1, scores.map(({ label }) => label)])

function createCard({ classification: { scores } }: Result, key: string): HTMLElement {
  const card = copyTemplate('result')
  card.dataset['key'] = key
  card.querySelector('ul')?.append(...scores.slice(0, MAX_BARS).map(() => copyTemplate('score')))
  return card
}

function update(card: HTMLElement, { adapter, classification }: Result, isNamed: boolean): void {
  const { label, score, scores } = classification
  setText(card, '.task', adapter ?? '')
  card.querySelector<HTMLElement>('.task')?.toggleAttribute('hidden', !isNamed)
  setText(card, '.verdict strong', label)
  setText(card, '.verdict .number', percent(score))
  // Few labels keep their places, so that one sees them move; of many the likeliest are shown.
  const ordered = scores.length <= MAX_BARS ? scores : scores.toSorted((a, b) => b.score - a.score)
  for (const [at, bar] of [...card.querySelectorAll<HTMLElement>('li')].entries()) {
    const each = ordered[at]
    if (!each) continue
    setText(bar, '.label', each.label)
    setText(bar, '.share', percent(each.score))
    bar.classList.toggle('top', each.label === label)
    bar.style.setProperty('--share', String(each.score))
  }
}
