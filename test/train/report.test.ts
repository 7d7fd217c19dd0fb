/** The report is whole, stands alone, and shows what it was given. */
import { describe, expect, it } from 'vitest'
import { calibrationOf } from '../../src/core/calibration.ts'
import type { MeasuresOf } from '../../src/core/evaluator.ts'
import { createEvaluator } from '../../src/core/evaluators.ts'
import { renderReport } from '../../src/train/report.ts'
import type { HistoryRecord, Report } from '../../src/train/report.ts'
import { renderConfusion } from '../../src/train/report/confusion.ts'
import { curvePanels, smooth } from '../../src/train/report/curves.ts'
import { renderPage } from '../../src/train/report/page.ts'
import { colors } from '../../src/train/report/palette.ts'

/** A run whose loss falls from 0.7, evaluated every 10 steps. */
function makeHistory(steps: number): HistoryRecord[] {
  return Array.from({ length: steps }, (_, index) => index + 1).flatMap((step) => {
    const [loss, accuracy] = [0.7 * Math.exp(-step / steps), 0.5 + step / (2 * steps)]
    const rates = { learningRate: 5e-4 * (1 - step / steps), gradientNorm: 1, tokensPerSecond: 12_000 }
    const records: HistoryRecord[] = [{ kind: 'step', step, epoch: 1, loss, accuracy, ...rates }]
    if (step % 10 === 0) records.push({ kind: 'evaluation', step, epoch: 1, loss, accuracy, macroF1: accuracy })
    return records
  })
}

const evil = `<script>alert("x")</script>&'`
const labels = ['ham', evil]
const probabilities = [
  [0.9, 0.1],
  [0.2, 0.8],
  [0.7, 0.3],
  [0.4, 0.6],
]

const report: Report = {
  title: `A run of ${evil}`,
  settings: { 'learning rate': 0.1 + 0.2, seed: 20231, data: evil },
  history: makeHistory(1100),
  labels,
  best: { step: 1070 },
  temperature: 2.5,
  validation: {
    ...(createEvaluator({ labels }).measure([0, 1, 1, 1], probabilities) as MeasuresOf<'single_label_classification'>),
    loss: 0.5,
    uncalibrated: {
      loss: 0.75,
      calibration: calibrationOf(
        [0, 1, 1, 1],
        [
          [1, 0],
          [0, 1],
          [1, 0],
          [0, 1],
        ],
      ),
    },
    mistakes: [{ text: `${evil} ${'x'.repeat(1000)}`, label: evil, predicted: 'ham', confidence: 0.7 }],
  },
}

/** The texts of a picture, entities decoded. */
const textsOf = (svg: string): string[] =>
  [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) =>
    (text ?? '')
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
      .replaceAll('&quot;', '"')
      .replaceAll('&#39;', "'")
      .replaceAll('&amp;', '&'),
  )

describe('renderReport', () => {
  it('gives the page and the picture, and nothing else', () => {
    const files = renderReport(report)
    expect(Object.keys(files).sort()).toEqual(['curves.svg', 'report.html'])
    const picture = files['curves.svg'] ?? ''
    expect(picture).toMatch(/^<svg [^>]*xmlns="http:\/\/www\.w3\.org\/2000\/svg"/)
    expect(textsOf(picture)).toEqual(
      expect.arrayContaining(['Loss', 'Accuracy', 'Learning rate', 'validation', 'best']),
    )
  })

  it('has a row for the title and one for the names of the lines, within the picture', () => {
    const history = report.history.map((record) =>
      record.kind === 'evaluation' ? { ...record, calibratedLoss: record.loss } : record,
    )
    const { 'report.html': page = '' } = renderReport({ ...report, history })
    const loss = page.slice(page.indexOf('>Loss<') - 2000, page.indexOf('>Accuracy<'))
    const placeOf = (text: string) => {
      const [, x, y] = new RegExp(`translate\\(([\\d.]+) ([\\d.]+)\\)[^>]*>${text}<`).exec(loss) ?? []
      return { x: Number(x), y: Number(y) }
    }
    const names = ['train, each step', 'train, smoothed', 'validation', 'calibrated'].map(placeOf)
    expect(new Set(names.map(({ y }) => y)).size).toBe(1)
    expect(names[0]!.y - placeOf('Loss').y).toBeGreaterThan(15)
    expect(names.at(-1)!.x).toBeLessThan(520 - 70)
  })

  it('has no picture where there is no history', () => {
    expect(Object.keys(renderReport({ ...report, history: [] }))).toEqual(['report.html'])
  })
})

describe('renderPage', () => {
  const page = renderPage(report)

  it('needs no script and no other file', () => {
    expect(page).not.toMatch(/<script|<link|<img|<iframe|@import|\bsrc=|\bon\w+=/i)
    const addresses = [...page.matchAll(/(?:https?:)?\/\/[\w.-]+/g)].map(([address]) => address)
    expect(new Set(addresses)).toEqual(new Set(['http://www.w3.org'])) // the SVG name space
    expect(page).not.toMatch(/url\((?!#)/)
  })

  it('escapes what users named, and shows it', () => {
    expect(page).not.toContain(evil)
    expect(page).toContain('&#60;script&#62;alert(&#34;x&#34;)&#60;/script&#62;&#38;&#39;')
  })

  it('shows settings as typed, and metrics rounded', () => {
    expect(page).toContain('<th>learning rate</th><td>0.3</td>')
    expect(page).toContain('<th>seed</th><td>20231</td>')
    expect(page).toContain('<b>step 1,070</b>')
    expect(page).toContain('<span>Validation accuracy</span><b>75.0%</b>')
    // ham: one of two predictions right, one of one found.
    expect(page).toMatch(/<td>ham<\/td><td class="number">50\.0%<\/td><td class="number">100\.0%<\/td>/)
  })

  it('shows how honest confidence is, before and after, and the most confident mistakes', () => {
    expect(textsOf(page)).toEqual(expect.arrayContaining(['Before temperature scaling', 'After temperature scaling']))
    expect(page).toMatch(/<td>before<\/td><td class="number">100\.0%<\/td><td class="number">0\.250<\/td>/)
    // |0.9 - 1|, |0.8 - 1|, |0.7 - 0|, |0.6 - 1|: their mean.
    expect(page).toMatch(/<td>after \(T = 2\.50\)<\/td><td class="number">75\.0%<\/td><td class="number">0\.350<\/td>/)
    expect(page).toContain('data-name="Confidence">70.0%<')
    expect(page).toMatch(/x{100}…<\/td>/)
    expect(page).not.toContain('x'.repeat(400))
    expect(page).toContain('4 texts: one of them is 25.0 points of accuracy.')
  })

  it('shows one diagram where the temperature is 1', () => {
    const texts = textsOf(renderPage({ ...report, temperature: 1 }))
    expect(texts).toContain('Confidence')
    expect(texts).not.toContain('Before temperature scaling')
  })

  it('leaves out the sets that were not evaluated, and curves where nothing was recorded', () => {
    expect(page).toContain('Validation set')
    expect(page).not.toContain('Test set')
    const bare = renderPage({ ...report, history: [], validation: undefined })
    expect(bare).not.toContain('<svg')
    expect(bare).toContain('Settings')
  })

  it('swaps every colour of the pictures in the dark', () => {
    const visible = page.replace(/stroke="#\w+" stroke-width="0"/g, '')
    const drawn = [...visible.matchAll(/(?:fill|stroke)="(#\w{6})"/g)].map(([, color]) => color)
    for (const color of new Set(drawn)) expect(page).toContain(`svg [fill="${color}"]{fill:`)
    expect(drawn).toContain(colors.validation)
  })
})

describe('curvePanels', () => {
  it('shows training with its trend, validation, learning rate and gradient norm', () => {
    const panels = curvePanels(report)
    expect(panels.map(({ title, lines }) => [title, lines.map(({ points }) => points.length)])).toEqual([
      ['Loss', [1100, 1100, 110]],
      ['Accuracy', [1100, 1100, 110]],
      ['Learning rate', [1100]],
      ['Gradient norm', [1100, 1100]],
    ])
  })

  it('shows the loss after calibration, which checkpoints are chosen by', () => {
    const history = report.history.map((record) =>
      record.kind === 'evaluation' ? { ...record, calibratedLoss: record.loss / 2 } : record,
    )
    const [loss] = curvePanels({ ...report, history })
    expect(loss?.lines.at(-1)).toMatchObject({ name: 'calibrated', points: { length: 110 } })
  })

  it('leaves out what is not finite', () => {
    const diverged = report.history.map((record) => (record.step > 40 ? { ...record, loss: NaN } : record))
    const [loss] = curvePanels({ ...report, history: diverged })
    expect(loss?.lines.map(({ points }) => points.length)).toEqual([40, 40, 4])
  })

  it('draws what is all but nothing as nothing, which charts cannot', () => {
    const faint = report.history.map((record) => ({ ...record, loss: 1e-30, learningRate: 1e-22 }))
    expect(Object.keys(renderReport({ ...report, history: faint }))).toContain('curves.svg')
  })

  it('smooths without a bias towards zero', () => {
    expect(smooth(Array.from({ length: 50 }, (_, step) => [step, 3])).map(([, value]) => value)).toEqual(
      Array.from({ length: 50 }, () => expect.closeTo(3, 10)),
    )
    expect(smooth([])).toEqual([])
  })
})

describe('renderConfusion', () => {
  it('shows counts and shares of the row', () => {
    const texts = textsOf(
      renderConfusion(
        ['ham', 'spam'],
        [
          [1380, 20],
          [0, 0],
        ],
      ),
    )
    expect(texts).toEqual(
      expect.arrayContaining(['ham', 'spam', '1,380', '99%', '20', '1.4%', '0', '0%', 'truth', 'predicted']),
    )
  })

  it('puts the truth in rows: the first label on top, its predictions beside it', () => {
    const svg = renderConfusion(
      ['ham', 'spam'],
      [
        [11, 22],
        [33, 44],
      ],
    )
    const place = (text: string) =>
      new RegExp(`translate\\(([\\d.]+) ([\\d.]+)\\)[^>]*>${text}<`).exec(svg)?.slice(1).map(Number) ?? []
    const [x11 = NaN, y11 = NaN] = place('11')
    const [x22 = NaN, y22 = NaN] = place('22')
    const [x33 = NaN, y33 = NaN] = place('33')
    expect([x22 > x11, y22 === y11]).toEqual([true, true])
    expect([x33 === x11, y33 > y11]).toEqual([true, true])
  })

  it('shows every label of 77, and only the counts that are there', () => {
    const names = Array.from({ length: 77 }, (_, id) => `intent_${id}`)
    const svg = renderConfusion(
      names,
      names.map((_, row) => names.map((_, column) => (row === column ? 40 : 0))),
    )
    const texts = textsOf(svg)
    expect(texts).toHaveLength(77 + 77 + 77 + 2) // rows, columns, the diagonal, two axis names
    expect(svg.length).toBeLessThan(200_000)
  })

  it('shortens long names', () => {
    const texts = textsOf(
      renderConfusion(
        ['a'.repeat(100), 'b'],
        [
          [1, 0],
          [0, 1],
        ],
      ),
    )
    expect(texts).toContain(`${'a'.repeat(31)}…`)
  })
})
