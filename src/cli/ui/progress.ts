/** Progress of long work: a bar on a terminal, about ten plain lines where there is none. */
import { MultiBar } from 'cli-progress'

export interface Progress {
  /**
   * Reports that `done` of the total is behind us.
   * @param note shown last, such as `loss 0.31`
   */
  update(done: number, note?: string): void
  /** Ends the display; what is on it stays. Calling it twice does no harm. */
  stop(): void
}

export interface ProgressOptions {
  /** What is counted, in the plural: `steps`. `bytes` are shown as megabytes. */
  unit?: string
}

interface State {
  label: string
  unit: string
  total: number
  done: number
  note: string
  /** Units a second since the first update; undefined until it can be told. */
  rate: number | undefined
}

const redrawEvery = 150 // milliseconds
const barWidth = 24

const grouped = (value: number, digits = 0): string =>
  value.toLocaleString('en-US', { maximumFractionDigits: digits, minimumFractionDigits: digits })

/** A count in its unit; a rate below ten keeps a decimal. */
function amount(value: number, unit: string): string {
  return unit === 'bytes' ? grouped(value / 1e6, 1) : grouped(value, Number.isInteger(value) || value >= 10 ? 0 : 1)
}

const twoDigits = (value: number): string => String(Math.floor(value)).padStart(2, '0')

/** Seconds as `48 s`, `3 m 05 s` or `2 h 07 m`. */
function formatDuration(seconds: number): string {
  const whole = Math.ceil(seconds)
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} m ${twoDigits(whole % 60)} s`
  return `${Math.floor(whole / 3600)} h ${twoDigits((whole % 3600) / 60)} m`
}

const percentage = ({ done, total }: State): number =>
  total > 0 ? Math.min(100, Math.floor((100 * done) / total)) : 100

/** The text of a display. The bar shrinks, then goes, where the terminal (`columns`) is narrow. */
function describe(state: State, columns?: number): string {
  const { label, unit, total, done, note, rate } = state
  const shownUnit = unit === 'bytes' ? 'MB' : unit
  const numbers = [
    `${percentage(state)}%`.padStart(4),
    `${amount(done, unit).padStart(amount(total, unit).length)}/${amount(total, unit)} ${shownUnit}`.trimEnd(),
    rate !== undefined && `${amount(rate, unit)} ${shownUnit}/s`.replace(' /s', '/s'),
    rate !== undefined && done < total && `ETA ${formatDuration((total - done) / rate)}`,
    note,
  ]
  const text = numbers.filter(Boolean).join('  ')
  const room = Math.min(barWidth, (columns ?? 0) - label.length - text.length - 5)
  if (room < 4) return `${label}  ${text}`
  const filled = Math.round((room * percentage(state)) / 100)
  return `${label}  ${'━'.repeat(filled)}${'─'.repeat(room - filled)}  ${text}`
}

interface Display {
  update(state: State): void
  stop(): void
}

/** The one bar on the terminal, if there is one: what is printed meanwhile has to go above it. */
let active: (Display & { above(text: string): void }) | undefined

function createBar(stream: NodeJS.WriteStream, state: State): Display {
  const bars = new MultiBar({
    stream,
    format: () => describe(state, stream.columns),
    gracefulExit: false,
    linewrap: true, // leave the terminal's setting alone: a killed process could not restore it
  })
  let drawn = 0
  bars.on('update-post', () => (drawn = Date.now()))
  bars.create(state.total, 0)
  const bar = {
    update() {
      // The bar draws by a timer, which does not fire while synchronous work holds the event loop.
      if (active === bar && Date.now() - drawn >= redrawEvery) bars.update()
    },
    stop() {
      if (active !== bar) return
      bars.update()
      bars.stop()
      active = undefined
    },
    above: (text: string) => bars.log(text),
  }
  return (active = bar)
}

function createLines(stream: NodeJS.WriteStream): Display {
  let printed = 0
  return {
    update(state) {
      const tenth = Math.floor(percentage(state) / 10)
      if (tenth <= printed) return
      printed = tenth
      stream.write(`${describe(state)}\n`)
    },
    stop() {},
  }
}

/** Starts a display of `total` units of work on `stream`. */
export function startProgress(
  stream: NodeJS.WriteStream,
  label: string,
  total: number,
  { unit = '' }: ProgressOptions = {},
): Progress {
  stopProgress()
  const state: State = { label, unit, total, done: 0, note: '', rate: undefined }
  const display = stream.isTTY ? createBar(stream, state) : createLines(stream)
  let first: { done: number; time: number } | undefined
  return {
    update(done, note = '') {
      const time = performance.now()
      // Counted from the first update, so that neither resumed work nor the start-up looks like speed.
      first ??= { done, time }
      const rate = (1000 * (done - first.done)) / (time - first.time)
      Object.assign(state, { done, note, rate: Number.isFinite(rate) && rate > 0 ? rate : undefined })
      display.update(state)
    },
    stop: () => display.stop(),
  }
}

/** Prints text on `stream` without tearing a bar that is on the same terminal. */
export function writeAbove(stream: NodeJS.WriteStream, text: string): void {
  if (active && stream.isTTY) active.above(text)
  else stream.write(text)
}

/** Takes the bar down, if there is one: before an error message, and so that its timer does not keep the process. */
export function stopProgress(): void {
  active?.stop()
}
