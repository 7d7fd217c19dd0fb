/** The report's colours: pictures are drawn in the light ones, and a style sheet swaps them where the reader wants dark. */

/** `[light, dark]`. No light colour stands for two things, so that each can be swapped on its own. */
const pairs = {
  background: ['#ffffff', '#161b22'],
  page: ['#f4f5f7', '#0d1117'],
  text: ['#1f2328', '#e6edf3'],
  muted: ['#59636e', '#9198a1'],
  rule: ['#e1e4e8', '#30363d'],
  train: ['#2563c9', '#6ea8fe'],
  validation: ['#c2570c', '#f0a35e'],
  calibrated: ['#0b7285', '#66d9e8'],
  learningRate: ['#177245', '#56d08d'],
  gradient: ['#7a3fb8', '#c79bf2'],
  onHeat: ['#fefefe', '#fdfdfd'],
} as const satisfies Record<string, readonly [string, string]>

/** Red, green, blue of the heat map. With its transparency it does on both backgrounds. */
export const heatRgb = '37,99,201'

type Color = keyof typeof pairs

const shade = (index: 0 | 1) =>
  Object.fromEntries(Object.entries(pairs).map(([name, pair]) => [name, pair[index]])) as Record<Color, string>

/** Colours to draw in. */
export const colors = shade(0)

const variables = (values: Record<Color, string>): string =>
  Object.entries(values)
    .map(([name, value]) => `--${name}:${value}`)
    .join(';')

const darkPictures = Object.values(pairs)
  .flatMap(([light, dark]) =>
    ['fill', 'stroke'].map((attribute) => `svg [${attribute}="${light}"]{${attribute}:${dark}}`),
  )
  .join('\n')

/** CSS: each colour as a variable of its name, and the dark scheme for page and pictures. */
export const paletteCss = `:root{color-scheme:light dark;${variables(colors)}}
@media (prefers-color-scheme:dark){:root{${variables(shade(1))}}
${darkPictures}}`
