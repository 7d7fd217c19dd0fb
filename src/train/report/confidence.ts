/** What the report says of a part's confidence: how honest it is, before and after calibration, and where it was wrong. */
import type { Calibration } from '../../core/calibration.ts'
import type { PartResult } from '../measure.ts'
import type { PartReport } from '../report.ts'
import { escape, number, percent } from './html.ts'
import { renderReliability } from './reliability.ts'

/** Characters of a text that are shown. */
const LONGEST_TEXT = 300

/** A part whose answers are probabilities. */
export type ConfidentPart = Pick<PartResult, 'calibration' | 'loss' | 'uncalibrated'> & Pick<PartReport, 'mistakes'>

/**
 * Two reliability diagrams, the numbers below them, and the most confident mistakes.
 * @param labels among which each decision is
 */
export function renderConfidence(part: ConfidentPart, labels: number, temperature: number): string {
  const { calibration, uncalibrated, loss } = part
  const diagrams =
    temperature === 1
      ? [renderReliability('Confidence', calibration, labels)]
      : [
          renderReliability('Before temperature scaling', uncalibrated.calibration, labels),
          renderReliability('After temperature scaling', calibration, labels),
        ]
  const rows = [
    row('before', uncalibrated.calibration, uncalibrated.loss),
    row(`after (T = ${temperature.toFixed(2)})`, calibration, loss),
  ]
  const heads = ['Mean confidence', 'Calibration error', 'By chance', 'Loss']
    .map((name) => `<th class="number">${name}</th>`)
    .join('')
  return `<h3>Confidence</h3>
<p class="note">Bars: of the texts with such a confidence, how many are right. Dots: how sure the model was of them. Numbers: the texts; pale
where they are few. Where confidence is honest, dots are at the tops of their bars; the calibration error is their mean distance.</p>
<section class="curves">${diagrams.map((diagram) => `<div>${diagram}</div>`).join('\n')}</section>
<section class="below"><div class="scroll"><table><thead><tr><th>Scaling</th>${heads}</tr></thead>
<tbody>${(temperature === 1 ? rows.slice(1) : rows).join('\n')}</tbody></table></div></section>
${renderMistakes(part)}`
}

const row = (name: string, { confidence, expectedError, chance }: Calibration, loss: number): string =>
  `<tr><td>${name}</td>${[percent(confidence), expectedError.toFixed(3), chance.toFixed(3), loss.toFixed(4)].map(number).join('')}</tr>`

/** @param measure what mistakes are sorted by */
export function renderMistakes(
  { mistakes }: Pick<PartReport, 'mistakes'>,
  measure: { title: string; name: string; format(value: number): string } = sureness,
): string {
  if (mistakes.length === 0) return '<p class="note">There was no mistake.</p>'
  const { title, name, format } = measure
  const rows = mistakes.map(
    ({ text, label, predicted, confidence }) =>
      `<tr><td class="number" data-name="${name}">${format(confidence)}</td>` +
      `<td data-name="Label" dir="auto">${escape(label)}</td><td data-name="Predicted" dir="auto">${escape(predicted)}</td>` +
      `<td class="text" dir="auto">${escape(excerpt(text))}</td></tr>`,
  )
  return `<h3>${title}</h3>
<section><div class="scroll"><table class="mistakes"><thead><tr><th class="number">${name}</th><th>Label</th><th>Predicted</th><th>Text</th></tr></thead>
<tbody>${rows.join('\n')}</tbody></table></div></section>`
}

const sureness = { title: 'Most confident mistakes', name: 'Confidence', format: percent }

function excerpt(text: string): string {
  const characters = [...text]
  return characters.length > LONGEST_TEXT ? `${characters.slice(0, LONGEST_TEXT - 1).join('')}…` : text
}
