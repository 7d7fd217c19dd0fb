/** What the report says of a part of the data, by the kind of task. */
import type { ClassMetrics } from '../../core/metrics.ts'
import type { PartReport, Report } from '../report.ts'
import { renderConfidence, renderMistakes } from './confidence.ts'
import { renderConfusion } from './confusion.ts'
import { escape, number, percent } from './html.ts'

/** The figures that head a report. */
export function factsOf(name: string, part: PartReport): [string, string][] {
  if (part.problemType === 'regression')
    return [
      [`${name} Pearson`, part.pearson.toFixed(3)],
      [`${name} RMSE`, Math.sqrt(part.meanSquaredError).toPrecision(3)],
    ]
  if (part.problemType === 'multi_label_classification')
    return [
      [`${name} micro-F1`, percent(part.microF1)],
      [`${name} macro-F1`, percent(part.macroF1)],
    ]
  return [
    [`${name} accuracy`, percent(part.accuracy)],
    [`${name} macro-F1`, percent(part.macroF1)],
  ]
}

export function renderPart(name: string, part: PartReport | undefined, report: Report): string {
  if (!part) return ''
  return `<h2>${name} set</h2>
${renderMeasures(part, report)}`
}

function renderMeasures(part: PartReport, { labels, temperature = 1 }: Report): string {
  if (part.problemType === 'regression') return renderNumbers(part)
  if (part.problemType === 'multi_label_classification')
    return `${renderFigures([
      ['Micro-F1', percent(part.microF1)],
      ['Macro-F1', percent(part.macroF1)],
      ['Mean average precision', percent(part.meanAveragePrecision)],
      ['All labels right', percent(part.accuracy)],
    ])}
<section><div class="scroll">${renderClassTable(part.perClass)}</div></section>
<p class="note">Below, each label of each text is a decision of its own.</p>
${renderConfidence(part, 2, temperature)}`
  return `${sizeNote(part.perClass)}
<p class="note">Rows are the true class, columns the predicted one; colour is the share of the row.</p>
<section class="split"><div class="scroll">${renderConfusion(labels, part.confusion)}</div>
<div class="scroll">${renderClassTable(part.perClass)}</div></section>
${renderConfidence(part, labels.length, temperature)}`
}

function renderNumbers(part: PartReport<'regression'>): string {
  const { pearson, spearman, r2, meanAbsoluteError, meanSquaredError } = part
  return `${renderFigures([
    ['Pearson', pearson.toFixed(3)],
    ['Spearman', spearman.toFixed(3)],
    ['R²', r2.toFixed(3)],
    ['Mean absolute error', meanAbsoluteError.toPrecision(3)],
    ['Root of the mean squared error', Math.sqrt(meanSquaredError).toPrecision(3)],
  ])}
${renderMistakes(part, { title: 'Farthest off', name: 'Error', format: (value) => value.toPrecision(3) })}`
}

/** A table of one row. */
function renderFigures(figures: [name: string, value: string][]): string {
  const heads = figures.map(([name]) => `<th class="number">${name}</th>`).join('')
  return `<section><div class="scroll"><table><thead><tr>${heads}</tr></thead>
<tbody><tr>${figures.map(([, value]) => number(value)).join('')}</tr></tbody></table></div></section>`
}

function renderClassTable(perClass: readonly ClassMetrics[]): string {
  const rows = perClass.map(
    ({ label, precision, recall, f1, support }) =>
      `<tr><td>${escape(label)}</td>${[precision, recall, f1].map((value) => number(percent(value))).join('')}` +
      `${number(support.toLocaleString('en-US'))}</tr>`,
  )
  const heads = ['Precision', 'Recall', 'F1', 'Examples'].map((name) => `<th class="number">${name}</th>`).join('')
  return `<table><thead><tr><th>Class</th>${heads}</tr></thead><tbody>${rows.join('\n')}</tbody></table>`
}

/** How much a single text weighs. */
function sizeNote(perClass: readonly ClassMetrics[]): string {
  const texts = perClass.reduce((sum, { support }) => sum + support, 0)
  return `<p class="note">${texts.toLocaleString('en-US')} texts: one of them is ${(100 / texts).toFixed(texts < 1000 ? 1 : 2)} points of accuracy.</p>`
}
