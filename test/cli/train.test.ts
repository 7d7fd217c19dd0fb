/** `graft train`: what it prints and returns, and Ctrl-C in the middle. */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readAdapter } from '../../src/files/adapter-folder.ts'
import { type Fixture, writeFixture } from '../train/fixtures.ts'
import { program, runGraft } from './command-line.ts'

let fixture: Fixture
beforeAll(async () => void (fixture = await writeFixture()))
afterAll(() => rmSync(fixture.dir, { recursive: true }))

interface TrainOptions {
  /** Text on stderr at which the process gets the signal. */
  interruptAt?: string
  signal?: NodeJS.Signals
}

/** Runs `graft train` in the fixture's folder. */
async function train(args: string[], { interruptAt, signal = 'SIGINT' }: TrainOptions = {}) {
  if (interruptAt === undefined) return runGraft(['train', ...args], { cwd: fixture.dir })
  const child = spawn(process.execPath, [program, 'train', ...args], {
    cwd: fixture.dir,
    env: { ...process.env, NO_COLOR: '1' },
  })
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk) => (output.stdout += chunk))
  let interrupted = false
  child.stderr.on('data', (chunk) => {
    output.stderr += chunk
    if (interrupted || !output.stderr.includes(interruptAt)) return
    interrupted = child.kill(signal)
  })
  const status = await new Promise<number | null>((resolve) => child.on('close', resolve))
  return { status, ...output }
}

const path = (...names: string[]) => join(fixture.dir, ...names)
const files = ['--base', 'base', '--data', 'data', '--device', 'cpu']
const short = ['--epochs', '2', '--batch-size', '8', '--threads', '1']

describe('graft train', () => {
  it('prints the plan, evaluations and the result, and progress on stderr', async () => {
    const { status, stdout, stderr } = await train([...files, '--out', 'adapter', ...short, '--rank', '2'])
    expect(status).toBe(0)
    const lines = stdout.split('\n')
    expect(lines[0]).toMatch(/^method +layers replaced +parameters +trained +share +steps +engine$/)
    // Of each block r · (in + out): 2 · (8 + 24), 2 · (8 + 8), 2 · (8 + 12) and 2 · (12 + 8); and the head's 2 · 8.
    expect(lines[1]).toMatch(/^lora +8 +403,632 +368 +0\.09 % +10 +compiled \(onnxruntime-node\)$/)
    expect(stdout).toMatch(/^epoch 1, step 5: validation loss \d\.\d{4}, \d\.\d{4} calibrated, accuracy \d+\.\d %$/m)
    expect(stdout).toMatch(/^The validation part is small: 10 texts, each worth 10\.0 points of accuracy\./m)
    expect(stdout).toMatch(/^Kept step \d+ of 10, the best on the validation part\. \d+\.\d s\.$/m)
    expect(stdout).toMatch(/^test +\d+\.\d % +\d\.\d{3} +\d\.\d{4} +\d+\.\d % +\d\.\d{3} +\d\.\d{3}$/m)
    expect(stdout).toContain('Wrote adapter; its curves: adapter/report.html')
    expect(stderr).toMatch(/^Training +10% .*loss \d\.\d{3} +accuracy \d+\.\d % +\d+ tokens\/s$/m)
    expect(stderr).toMatch(/^Training +100%/m)
    expect((await readAdapter(path('adapter'))).config.r).toBe(2)
  })

  it('keeps stdout for the result with --json, and takes all options', async () => {
    writeFileSync(path('recipe.json'), JSON.stringify({ lora: { alpha: 9 }, batchSize: 4, maxSteps: 7, beta2: 0.9 }))
    const options =
      '--recipe recipe.json --alpha 4 --dropout 0 --scaling alpha --target-modules c_attn,mlp.c_proj --initialization kaiming ' +
      '--learning-rate 0.01 --warmup 0 --weight-decay 0.1 --max-gradient-norm 2 --max-length 3 --eval-every 2 ' +
      '--patience 9 --seed 5 --json'
    const { status, stdout, stderr } = await train([...files, '--out', 'all', ...short, ...options.split(' ')])
    expect(status).toBe(0)
    const result = JSON.parse(stdout) as { test: { accuracy: number } }
    const { config, info } = await readAdapter(path('all'))
    expect(result).toMatchObject({ out: 'all', steps: 10, test: { accuracy: info.metrics['testAccuracy'] } })
    expect(stderr).toMatch(/^lora +4 /m)
    expect(stderr).toMatch(/^given: .*alpha 4, .*epochs 2, /m)
    expect(stderr).toMatch(/^recipe file: beta2 0\.9$/m)
    expect(stderr).toMatch(/^defaults: .*rank 8/m)
    expect(config).toMatchObject({ lora_alpha: 32, r: 8, target_modules: ['c_attn', 'mlp.c_proj'] })
    expect(info).toMatchObject({
      maxLength: 3,
      seed: 5,
      hyperparameters: {
        method: 'lora',
        lora: { alpha: 4, dropout: 0, scaling: 'alpha', initialization: 'kaiming' },
        learningRate: 0.01,
        warmup: 0,
        weightDecay: 0.1,
        maxGradientNorm: 2,
        evalEvery: 2,
        patience: 9,
        batchSize: 8,
        beta2: 0.9,
        maxSteps: 0,
        device: 'cpu',
      },
    })
  })

  it.each([
    ['no data', 2, ['--out', 'x'], "required option '--data <dir>' not specified"],
    ['an unknown method', 2, [...files, '--out', 'x', '--method', 'qlora'], 'Allowed choices are lora, full'],
    ['all tokens dropped', 2, [...files, '--out', 'x', '--token-dropout', '1'], 'a number of 0 or more, below 1'],
    [
      'a rank where no adapter is',
      2,
      [...files, '--out', 'x', '--method', 'full', '--rank', '4'],
      '--rank is for adapters',
    ],
    ['targets that match nothing', 2, [...files, '--out', 'x', '--target-modules', 'q_proj'], 'match no layer'],
    ['an output that exists', 1, [...files, '--out', 'data'], 'data is what this command reads'],
  ])('refuses %s with %d', async (_, code, args, message) => {
    const { status, stdout, stderr } = await train(args)
    expect({ status, stdout }).toEqual({ status: code, stdout: '' })
    expect(stderr).toContain(message)
    expect(readdirSync(fixture.dir)).not.toContain('x')
  })

  it('stopped by Ctrl-C or SIGTERM leaves a checkpoint, and resumed gives what an uninterrupted run does', async () => {
    const long = ['--epochs', '20', '--batch-size', '2', '--eval-every', '33', '--threads', '1', '--json']
    const [whole, stopped] = await Promise.all([
      train([...files, '--out', 'whole', ...long]),
      train([...files, '--out', 'stopped', ...long], { interruptAt: 'Training   10%' }),
    ])
    expect(whole.status).toBe(0)
    expect(stopped.status).toBe(130)
    expect(JSON.parse(stopped.stdout)).toMatchObject({ error: { code: 'interrupted' } })
    expect(stopped.stderr).toContain('Stopping.')
    expect(stopped.stderr).toContain('Go on with --resume, or start over with --force.')
    const left = readdirSync(fixture.dir).filter((name) => name.includes('stopped'))
    expect(left).toEqual(['stopped.checkpoint.safetensors'])

    const again = { interruptAt: 'Going on after', signal: 'SIGTERM' } as const
    const terminated = await train([...files, '--out', 'stopped/', ...long, '--resume'], again)
    expect(terminated.status).toBe(143)
    expect(readdirSync(fixture.dir).filter((name) => name.includes('stopped'))).toEqual(left)

    const resumed = await train([...files, '--out', 'stopped', ...long, '--resume'])
    expect(resumed.status).toBe(0)
    expect(resumed.stderr).toMatch(/^Going on after step \d+\.$/m)
    for (const file of ['adapter_model.safetensors', 'graft.json']) {
      expect(readFileSync(path('stopped', file))).toEqual(readFileSync(path('whole', file)))
    }
    const withoutTime = (text: string) => ({ ...(JSON.parse(text) as object), seconds: 0, memoryBytes: 0, out: '' })
    expect(withoutTime(resumed.stdout)).toEqual(withoutTime(whole.stdout))
    expect(existsSync(path('stopped.checkpoint.safetensors'))).toBe(false)
  })
})
