/** The report as one page that needs no other file, no script and no network. */
import type { Metrics } from '../../core/metrics.ts'
import type { PartReport, Report } from '../report.ts'
import { renderConfidence } from './confidence.ts'
import { renderConfusion } from './confusion.ts'
import { curvePanels } from './curves.ts'
import { escape, number, percent } from './html.ts'
import { renderPanels } from './panels.ts'
import { css } from './style.ts'

/** Settings are shown as one would type them, without a float's noise. */
const formatSetting = (value: string | number): string =>
  typeof value === 'number' ? String(Number(value.toPrecision(6))) : value

const factsOf = (name: string, part: PartReport | undefined): [string, string][] =>
  part
    ? [
        [`${name} accuracy`, percent(part.accuracy)],
        [`${name} macro-F1`, percent(part.macroF1)],
      ]
    : []

function renderFacts({ best, validation, test, perplexity }: Report): string {
  const facts = [
    ['Best checkpoint', `step ${best.step.toLocaleString('en-US')}`],
    ...factsOf('Validation', validation),
    ...factsOf('Test', test),
    ...(test ? [['Test calibration error', test.calibration.expectedError.toFixed(3)]] : []),
    ...(perplexity === undefined ? [] : [['Perplexity', perplexity.toFixed(1)]]),
  ]
  return `<div class="facts">${facts.map(([name, value]) => `<div><span>${name}</span><b>${value}</b></div>`).join('')}</div>`
}

function renderCurveSection(report: Report): string {
  const panels = curvePanels(report)
  if (panels.length === 0) return ''
  const pictures = panels.map((panel) => `<div>${renderPanels([panel], 520)}</div>`).join('\n')
  return `<h2>Curves</h2>\n<section class="curves">${pictures}</section>`
}

function renderClassTable({ perClass }: Metrics): string {
  const rows = perClass.map(
    ({ label, precision, recall, f1, support }) =>
      `<tr><td>${escape(label)}</td>${[precision, recall, f1].map((value) => number(percent(value))).join('')}` +
      `${number(support.toLocaleString('en-US'))}</tr>`,
  )
  const heads = ['Precision', 'Recall', 'F1', 'Examples'].map((name) => `<th class="number">${name}</th>`).join('')
  return `<table><thead><tr><th>Class</th>${heads}</tr></thead><tbody>${rows.join('\n')}</tbody></table>`
}

function renderPart(name: string, part: PartReport | undefined, { labels, temperature = 1 }: Report): string {
  if (!part) return ''
  return `<h2>${name} set</h2>
${sizeNote(part)}
<p class="note">Rows are the true class, columns the predicted one; colour is the share of the row.</p>
<section class="split"><div class="scroll">${renderConfusion(labels, part.confusion)}</div>
<div class="scroll">${renderClassTable(part)}</div></section>
${renderConfidence(part, labels.length, temperature)}`
}

/** How much a single text weighs. */
function sizeNote({ perClass }: Metrics): string {
  const texts = perClass.reduce((sum, { support }) => sum + support, 0)
  return `<p class="note">${texts.toLocaleString('en-US')} texts: one of them is ${(100 / texts).toFixed(texts < 1000 ? 1 : 2)} points of accuracy.</p>`
}

function renderSettings({ settings }: Report): string {
  const rows = Object.entries(settings).map(
    ([name, value]) => `<tr><th>${escape(name)}</th><td>${escape(formatSetting(value))}</td></tr>`,
  )
  return `<h2>Settings</h2>\n<section><div class="scroll"><table class="settings">${rows.join('\n')}</table></div></section>`
}

/** Renders the report of a run as an HTML document. */
export function renderPage(report: Report): string {
  const title = escape(report.title)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${css}</style>
</head>
<body>
<main>
<h1>${title}</h1>
${renderFacts(report)}
${renderCurveSection(report)}
${renderPart('Validation', report.validation, report)}
${renderPart('Test', report.test, report)}
${renderSettings(report)}
</main>
</body>
</html>
`
}
