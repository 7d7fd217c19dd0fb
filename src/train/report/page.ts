/** The report as one page that needs no other file, no script and no network. */
import type { Metrics } from '../../core/metrics.ts'
import type { Report } from '../report.ts'
import { renderConfusion } from './confusion.ts'
import { curvePanels } from './curves.ts'
import { renderPanels } from './panels.ts'
import { css } from './style.ts'

/** Text as HTML: labels and settings are the user's. */
const escape = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)

const percent = (share: number): string => `${(100 * share).toFixed(1)}%`
/** Settings are shown as one would type them, without a float's noise. */
const formatSetting = (value: string | number): string =>
  typeof value === 'number' ? String(Number(value.toPrecision(6))) : value

const factsOf = (name: string, metrics: Metrics | undefined): [string, string][] =>
  metrics
    ? [
        [`${name} accuracy`, percent(metrics.accuracy)],
        [`${name} macro-F1`, percent(metrics.macroF1)],
      ]
    : []

function renderFacts({ best, validation, test, perplexity }: Report): string {
  const facts = [
    ['Best checkpoint', `step ${best.step.toLocaleString('en-US')}`],
    ...factsOf('Validation', validation),
    ...factsOf('Test', test),
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

const number = (text: string): string => `<td class="number">${text}</td>`

function renderClassTable({ perClass }: Metrics): string {
  const rows = perClass.map(
    ({ label, precision, recall, f1, support }) =>
      `<tr><td>${escape(label)}</td>${[precision, recall, f1].map((value) => number(percent(value))).join('')}` +
      `${number(support.toLocaleString('en-US'))}</tr>`,
  )
  const heads = ['Precision', 'Recall', 'F1', 'Examples'].map((name) => `<th class="number">${name}</th>`).join('')
  return `<table><thead><tr><th>Class</th>${heads}</tr></thead><tbody>${rows.join('\n')}</tbody></table>`
}

function renderMetrics(name: string, labels: string[], metrics: Metrics | undefined): string {
  if (!metrics) return ''
  return `<h2>${name} set</h2>
<p class="note">Rows are the true class, columns the predicted one; colour is the share of the row.</p>
<section class="split"><div class="scroll">${renderConfusion(labels, metrics.confusion)}</div>
<div class="scroll">${renderClassTable(metrics)}</div></section>`
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
${renderMetrics('Validation', report.labels, report.validation)}
${renderMetrics('Test', report.labels, report.test)}
${renderSettings(report)}
</main>
</body>
</html>
`
}
