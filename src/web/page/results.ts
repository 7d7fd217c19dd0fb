/** What a text is: for each task its label, and a bar for every label, the likeliest first. */
import type { Classification } from '../../core/classifier.ts'
import { likeliest } from '../../core/classifier/scores.ts'
import { unknownScript } from '../../core/scripts.ts'
import type { TaskInfo } from '../protocol.ts'
import { byId, copyTemplate, setText } from './dom.ts'
import { percent, plural } from './format.ts'

export interface Result {
  task: TaskInfo
  classification: Classification
}

/** What was classified, and how. */
export interface Measured {
  text: string
  milliseconds: number
  maxLength: number
}

/** Bars that are shown; a model may have many labels. */
const MAX_BARS = 10

const area = byId('results', HTMLDivElement)
const under = byId('under', HTMLDivElement)
const measured = byId('measured', HTMLParagraphElement)
const announcement = byId('announcement', HTMLParagraphElement)

/** Shows results in place of those before. */
export function showResults(results: readonly Result[], { text, milliseconds, maxLength }: Measured): void {
  const [first] = results
  if (!first) return clearResults()
  const shown = [...area.children]
  // Cards with the same labels are kept, so that their bars move.
  const cards = results.map((result, at) => {
    const key = keyOf(result, results.length)
    const old = shown[at]
    const card = old instanceof HTMLElement && old.dataset['key'] === key ? old : createCard(result, key)
    update(card, result, text, results.length > 1)
    return card
  })
  area.replaceChildren(...cards)
  setPending(false)
  area.hidden = under.hidden = false
  const { tokens, truncated } = first.classification
  const length = truncated ? `the first ${plural(maxLength, 'token')} of the text` : plural(tokens, 'token')
  measured.textContent = `${length} · ${milliseconds < 10 ? milliseconds.toFixed(1) : milliseconds.toFixed(0)} ms`
  announcement.textContent = results.map(announce).join('; ')
}

export function clearResults(): void {
  setPending(false)
  area.replaceChildren()
  area.hidden = under.hidden = true
  announcement.textContent = ''
}

let slow = 0

/** What is shown is of another text or task, until the results of this one are there. */
export function markPending(): void {
  if (area.hidden || area.ariaBusy === 'true') return
  setPending(true)
  slow = window.setTimeout(() => {
    measured.textContent = 'Classifying…'
    for (const card of area.children) {
      setText(card, '.verdict strong', '…')
      setText(card, '.verdict .number', '')
    }
  }, 500)
}

function setPending(isPending: boolean): void {
  clearTimeout(slow)
  area.ariaBusy = String(isPending)
  area.classList.toggle('waiting', isPending)
}

function announce({ task: { adapter }, classification }: Result): string {
  const { answer, number } = verdictOf(classification)
  return `${adapter === undefined ? '' : `${adapter}: `}${[answer, number].filter((part) => part !== '').join(', ')}`
}

/** What is said first: the likeliest label, all that the text has, or a number. */
function verdictOf({ label, score, labels, value }: Classification): { answer: string; number: string } {
  if (value !== undefined) return { answer: label, number: String(Number(value.toPrecision(4))) }
  if (labels) return { answer: labels.join(', ') || 'no label', number: '' }
  return { answer: label, number: percent(score) }
}

const keyOf = ({ task: { adapter, labels } }: Result, results: number) => JSON.stringify([adapter, results > 1, labels])

/** A number has no bar. */
const barsOf = ({ scores, value }: Classification) => (value === undefined ? scores : [])

function createCard({ classification }: Result, key: string): HTMLElement {
  const scores = barsOf(classification)
  const card = copyTemplate('result')
  card.dataset['key'] = key
  card.querySelector('ul')?.append(...scores.slice(0, MAX_BARS).map(() => copyTemplate('score')))
  const more = scores.length - MAX_BARS
  setText(card, '.more', more > 0 ? `and ${plural(more, 'label')} more` : '')
  return card
}

function update(card: HTMLElement, { task, classification }: Result, text: string, isNamed: boolean): void {
  const { answer, number } = verdictOf(classification)
  const has = classification.labels
  setText(card, '.task', isNamed ? (task.adapter ?? '') : '')
  setText(card, '.about', isNamed ? (task.description ?? '') : '')
  setText(card, '.verdict strong', answer)
  setText(card, '.verdict .number', number)
  setText(card, '.hint', scriptHint(text, task))
  const ordered = likeliest(barsOf(classification))
  for (const [at, bar] of [...card.querySelectorAll<HTMLElement>('li')].entries()) {
    const each = ordered[at]
    if (!each) continue
    setText(bar, '.label', each.label)
    setText(bar, '.share', percent(each.score))
    bar.classList.toggle('top', has ? has.includes(each.label) : at === 0)
    bar.style.setProperty('--share', String(each.score))
  }
}

function scriptHint(text: string, { scripts }: TaskInfo): string {
  const script = scripts && unknownScript(text, scripts)
  if (script === undefined) return ''
  const written = script === 'Other' ? 'in another script' : `mostly in ${script} script`
  return `Trained on texts in ${scripts?.join(', ')} script; this one is ${written}, so the answer says little.`
}
