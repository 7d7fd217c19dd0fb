/**
 * GPT-2 small's shape with random weights, through the commands: import, 20 LoRA steps, export, verify, classify. Time and
 * peak memory of each command, as the system counts them; memory is also shown in units of the weights.
 */
import { spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type GPT2Config, createConfig } from '../src/core/families/gpt2.ts'
import { parameterShapes } from '../src/core/layers.ts'
import { serializeHeader } from '../src/core/safetensors/header.ts'
import { sizeOf } from '../src/core/tensors.ts'

const program = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url))
/** Adapted when asked for another size: `npm run bench:gpt2 -- medium`. */
const sizes: Record<string, Partial<GPT2Config>> = {
  small: { n_embd: 768, n_layer: 12, n_head: 12 },
  medium: { n_embd: 1024, n_layer: 24, n_head: 16 },
  large: { n_embd: 1280, n_layer: 36, n_head: 20 },
}
const size = process.argv[2] ?? 'small'
const config = createConfig({ ...sizes[size], n_inner: null, n_positions: 1024 })

/** Uniform in ±0.035, whose deviation is GPT-2's 0.02; a plain generator, since there are a hundred million numbers. */
function fill(values: Float32Array, seed: number): void {
  let state = seed
  for (let at = 0; at < values.length; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    values[at] = (state / 2 ** 31) * 0.035
  }
}

/** A model as it is published: no prefix, and the causal masks among the tensors. */
async function writeModel(dir: string): Promise<number> {
  await mkdir(dir)
  await writeFile(join(dir, 'config.json'), JSON.stringify({ ...config, architectures: ['GPT2LMHeadModel'] }))
  const tensors = [...parameterShapes(config)].map(([name, shape]): [string, number[]] => [
    name.replace('transformer.', ''),
    shape,
  ])
  const masks = tensors
    .slice(0, config.n_layer)
    .map((_, at): [string, number[]] => [`h.${at}.attn.bias`, [1, 1, 1024, 1024]])
  const all = [...tensors, ...masks].map(([name, shape]) => [name, { dtype: 'F32', shape }] as const)
  const file = createWriteStream(join(dir, 'model.safetensors'))
  const write = (bytes: Uint8Array) =>
    new Promise<void>((done, failed) => file.write(bytes, (error) => (error ? failed(error) : done())))
  const { header } = serializeHeader(all, { format: 'pt' })
  await write(header)
  for (const [at, [name, { shape }]] of all.entries()) {
    const values = new Float32Array(sizeOf(shape))
    if (/ln_\w+\.weight$/.test(name)) values.fill(1)
    else fill(values, at + 1)
    await write(new Uint8Array(values.buffer))
  }
  await new Promise<void>((done) => file.end(done))
  return 4 * tensors.reduce((sum, [, shape]) => sum + sizeOf(shape), 0)
}

interface Measurement {
  seconds: number
  /** Largest resident set, bytes. */
  memory: number
}

/** Runs a command of the built program in a process of its own. */
async function run(dir: string, args: string[]): Promise<Measurement> {
  const report = join(dir, 'memory.txt')
  const hook = `import { writeFileSync } from 'node:fs'; process.on('exit', () => writeFileSync(${JSON.stringify(report)}, String(process.resourceUsage().maxRSS)))`
  const started = performance.now()
  const child = spawn(
    process.execPath,
    ['--import', `data:text/javascript,${encodeURIComponent(hook)}`, program, ...args],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  )
  let errors = ''
  child.stderr.on('data', (chunk) => (errors += String(chunk)))
  const status = await new Promise((done) => child.on('close', done))
  if (status !== 0) throw new Error(`graft ${args.join(' ')} failed:\n${errors}`)
  return { seconds: (performance.now() - started) / 1000, memory: 1024 * Number(await readFile(report, 'utf8')) }
}

async function main(): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'graft-gpt2-'))
  const path = (name: string) => join(dir, name)
  try {
    const weights = await writeModel(path('model'))
    const fileBytes = (await stat(join(path('model'), 'model.safetensors'))).size
    console.log(
      `GPT-2 ${size}'s shape: weights of ${(weights / 1e6).toFixed(0)} MB, file of ${(fileBytes / 1e6).toFixed(0)} MB`,
    )
    const rows = (await readFile(new URL('../examples/data/spam.csv', import.meta.url), 'utf8'))
      .split('\n')
      .slice(0, 201)
    await writeFile(path('data.csv'), rows.join('\n'))
    await run(dir, ['data', path('data.csv'), '--out', path('data'), '--split', '0.8,0.1,0.1'])
    const train = ['--batch-size', '8', '--max-length', '64', '--epochs', '1', '--rank', '8']
    const stages: [string, number | undefined, string[]][] = [
      ['import', (1.5 * fileBytes) / weights, ['import', path('model'), '--out', path('base')]],
      [
        'train, 20 steps of 8 × 64',
        4,
        ['train', '--base', path('base'), '--data', path('data'), '--out', path('adapter'), ...train],
      ],
      ['export, merged', 2.5, ['export', '--adapter', path('adapter'), '--mode', 'merged', '--out', path('merged')]],
      [
        'export, unmerged',
        2.5,
        ['export', '--adapter', path('adapter'), '--mode', 'unmerged', '--out', path('unmerged')],
      ],
      ['verify, merged', undefined, ['verify', path('merged')]],
      ['verify, unmerged', undefined, ['verify', path('unmerged')]],
      ['classify, merged', undefined, ['classify', '--model', path('merged'), 'You have won a prize!']],
      ['classify, unmerged', undefined, ['classify', '--model', path('unmerged'), 'You have won a prize!']],
    ]
    console.log('\n| command | seconds | peak memory | in weights | bar |\n| --- | --- | --- | --- | --- |')
    for (const [name, bar, args] of stages) {
      const { seconds, memory } = await run(dir, args)
      const share = (memory / weights).toFixed(2)
      console.log(
        `| ${name} | ${seconds.toFixed(1)} | ${(memory / 1e6).toFixed(0)} MB | ${share} × | ${bar ? `≤ ${bar.toFixed(2)} ×` : ''} |`,
      )
    }
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

await main()
