/**
 * A LoRA step on each device that works, and with PyTorch and PEFT beside them, at GPT-2 small's shape: tokens a second, memory, and
 * the largest difference of ten losses from the CPU's. `npm run bench:gpu -- --python path/to/python`, one with torch, transformers
 * and peft; `--size tiny` shows on any machine that it runs.
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { tryDevice } from '../src/cli/device/try.ts'
import { DEVICE_NAMES } from '../src/core/devices.ts'

const { values } = parseArgs({
  options: { size: { type: 'string', default: 'small' }, python: { type: 'string' } },
})

const sizes: Record<string, { shape: Record<string, number>; batches: number[] }> = {
  small: { shape: { layers: 12, width: 768, heads: 12, length: 128, steps: 20 }, batches: [8, 32, 128] },
  tiny: { shape: { layers: 2, width: 64, heads: 2, length: 16, steps: 5 }, batches: [2, 4] },
}
const { shape, batches } = sizes[values.size] ?? fail(`--size is one of ${Object.keys(sizes).join(', ')}`)

interface Result {
  tokensPerSecond: number
  memoryBytes: number
  losses?: number[]
}

function fail(message: string): never {
  throw new Error(message)
}

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))

/** Runs a program of the folder that prints one JSON line; undefined where it fails, as for lack of memory. */
async function run(
  program: string,
  args: string[],
  options: Record<string, string | number>,
): Promise<Result | undefined> {
  const flags = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)])
  try {
    const { stdout } = await promisify(execFile)(program, [...args, ...flags], { timeout: 1_800_000 })
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Result
  } catch (error) {
    console.error(String(error).split('\n').slice(-3).join('\n'))
    return undefined
  }
}

const runners: [string, (rows: number) => Promise<Result | undefined>][] = []
for (const device of DEVICE_NAMES.filter((name) => name !== 'tfjs-cpu')) {
  const { works, problem } = await tryDevice(device)
  if (!works) {
    console.log(`${device}: ${problem?.reason}`)
    continue
  }
  const args = ['--import', import.meta.resolve('tsx'), path('gpu/step.ts')]
  runners.push([device, (rows) => run(process.execPath, args, { ...shape, rows, device })])
}
const { python } = values
for (const dtype of python === undefined ? [] : ['float32', 'bfloat16']) {
  runners.push([`PyTorch ${dtype}`, (rows) => run(python ?? '', [path('gpu/peft_step.py')], { ...shape, rows, dtype })])
}
if (python === undefined) console.log('PyTorch: not measured, since no --python was given')

console.log(`\n| device | batch | tokens/s | memory | largest difference of 10 losses from the CPU's |\n|-|-|-|-|-|`)
for (const rows of batches) {
  let expected: number[] | undefined
  for (const [name, measure] of runners) {
    const result = await measure(rows)
    if (name === 'cpu') expected = result?.losses
    const differences = result?.losses?.map((loss, at) => Math.abs(loss / (expected?.[at] ?? Number.NaN) - 1))
    const cells = result
      ? [
          Math.round(result.tokensPerSecond).toLocaleString('en-US'),
          `${(result.memoryBytes / 1e6).toFixed(0)} MB`,
          differences ? Math.max(...differences).toExponential(1) : '',
        ]
      : ['failed', '', '']
    console.log(`| ${[name, rows, ...cells].join(' | ')} |`)
  }
}
