/** The table of `--profile`: a step's time by operator, and what did not run where it should. */
import type { OperatorTime, StepProfile } from '../train/engine/profile.ts'
import type { Ui } from './ui.ts'

/** Operators that take less than this share stand in one row. */
const SMALL = 0.005

export function printProfile(ui: Ui, profile: StepProfile | undefined): void {
  if (!profile) return ui.line('\nToo few steps for a profile: the first three are not counted.')
  const { steps, milliseconds, operators } = profile
  const row = (name: string, { provider, count, milliseconds: time }: Omit<OperatorTime, 'operator'>) => [
    name,
    provider.replace('ExecutionProvider', ''),
    count.toFixed(0),
    time.toFixed(2),
    `${((100 * time) / milliseconds).toFixed(1)} %`,
  ]
  const [shown, small] = [true, false].map((isLarge) =>
    operators.filter((operator) => operator.milliseconds >= SMALL * milliseconds === isLarge),
  ) as [OperatorTime[], OperatorTime[]]
  const providers = [...new Set(small.map(({ provider }) => provider))]
  ui.line(`\nA step, mean of ${steps}: ${milliseconds.toFixed(1)} ms`)
  ui.table(
    ['operator', 'provider', 'count', 'ms', 'share'],
    [
      ...shown.map((operator) => row(operator.operator, operator)),
      ...providers.map((provider) =>
        row(
          'others',
          sum(
            small.filter((each) => each.provider === provider),
            provider,
          ),
        ),
      ),
      row('between operators', {
        provider: '',
        count: 0,
        milliseconds: milliseconds - sum(operators, '').milliseconds,
      }),
    ],
  )
  printFallbacks(ui, operators)
}

const sum = (operators: readonly OperatorTime[], provider: string): Omit<OperatorTime, 'operator'> => ({
  provider,
  count: operators.reduce((total, { count }) => total + count, 0),
  milliseconds: operators.reduce((total, { milliseconds }) => total + milliseconds, 0),
})

/** On a GPU: what ONNX Runtime gave to the CPU, since the provider lacks it or shapes are computed there on purpose. */
function printFallbacks(ui: Ui, operators: readonly OperatorTime[]): void {
  const onCpu = operators.filter(({ provider }) => provider === 'CPUExecutionProvider')
  if (onCpu.length === operators.length) return
  const { count } = sum(onCpu, '')
  const list = onCpu.map((each) => `${each.operator} × ${each.count.toFixed(0)}`).join(', ')
  ui.line(`\nOn the CPU: ${count === 0 ? 'none' : `${count.toFixed(0)} operators: ${list}`}`)
}
