/** The report as one page that needs no other file, no script and no network. */
import type { Report } from '../report.ts'
import { curvePanels } from './curves.ts'
import { escape } from './html.ts'
import { factsOf, renderPart } from './parts.ts'
import { renderPanels } from './panels.ts'
import { css } from './style.ts'

/** Settings are shown as one would type them, without a float's noise. */
const formatSetting = (value: string | number): string =>
  typeof value === 'number' ? String(Number(value.toPrecision(6))) : value

function renderFacts({ best, validation, test, perplexity }: Report): string {
  const facts = [
    ['Best checkpoint', `step ${best.step.toLocaleString('en-US')}`],
    ...(validation ? factsOf('Validation', validation) : []),
    ...(test ? factsOf('Test', test) : []),
    ...(test && test.problemType !== 'regression'
      ? [['Test calibration error', test.calibration.expectedError.toFixed(3)]]
      : []),
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
