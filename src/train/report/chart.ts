/** Charts as SVG text, drawn by Apache ECharts without a browser. */
import { BarChart, HeatmapChart, LineChart, ScatterChart } from 'echarts/charts'
import {
  GridComponent,
  LegendComponent,
  MarkLineComponent,
  TitleComponent,
  VisualMapComponent,
} from 'echarts/components'
import { init, use } from 'echarts/core'
import type { EChartsCoreOption } from 'echarts/core'
import { SVGRenderer } from 'echarts/renderers'
import { colors } from './palette.ts'

use([
  BarChart,
  LineChart,
  HeatmapChart,
  ScatterChart,
  GridComponent,
  LegendComponent,
  MarkLineComponent,
  TitleComponent,
  VisualMapComponent,
  SVGRenderer,
])

export const fontFamily = 'system-ui, -apple-system, Segoe UI, Roboto, Helvetica, Arial, sans-serif'

/** Draws a chart. @param option what to draw, in ECharts' terms */
export function renderChart(option: EChartsCoreOption, width: number, height: number): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height })
  chart.setOption({
    animation: false,
    backgroundColor: colors.background,
    textStyle: { fontFamily, color: colors.text },
    ...option,
  })
  // Its only styles are hover effects, and they would keep their colours in the dark.
  const svg = chart.renderToSVGString().replace(/<style[\s\S]*?<\/style>\s*/, '')
  chart.dispose()
  return svg
}
