/** GPT-2's shapes with random weights as published files, and commands of the built program in processes that are measured. */
import { spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type GPT2Config, createConfig } from '../../src/core/families/gpt2.ts'
import { parameterShapes } from '../../src/core/layers.ts'
import { serializeHeader } from '../../src/core/safetensors/header.ts'
import { sizeOf } from '../../src/core/tensors.ts'

const program = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

const sizes: Record<string, Partial<GPT2Config>> = {
  small: { n_embd: 768, n_layer: 12, n_head: 12 },
  medium: { n_embd: 1024, n_layer: 24, n_head: 16 },
  large: { n_embd: 1280, n_layer: 36, n_head: 20 },
}
const configOf = (size: string): GPT2Config => createConfig({ ...sizes[size], n_inner: null, n_positions: 1024 })

/** Uniform in ±0.035, whose deviation is GPT-2's 0.02; a plain generator, since there are a hundred million numbers. */
function fill(values: Float32Array, seed: number): void {
  let state = seed
  for (let at = 0; at < values.length; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    values[at] = (state / 2 ** 31) * 0.035
  }
}

/**
 * Writes a model as it is published: no prefix, and the causal masks among the tensors.
 * @param size small, medium or large
 * @returns bytes of its weights
 */
export async function writeModel(dir: string, size: string): Promise<number> {
  const config = configOf(size)
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

export interface Measurement {
  seconds: number
  /** Largest resident set, bytes. */
  memory: number
}

/** Runs a command of the built program in a process of its own. */
export async function runMeasured(dir: string, args: string[]): Promise<Measurement> {
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
