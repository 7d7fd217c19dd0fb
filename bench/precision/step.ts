/** The LoRA step on a frozen base in each precision, and PyTorch + PEFT's beside it, in turns. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { ADAMW_DEFAULTS } from '../../src/train/optimizer.ts'
import { createCompiledEngine } from '../../src/train/engine/compiled.ts'
import type { Engine } from '../../src/train/engine.ts'
import { median } from '../measure.ts'
import { SHAPES, type ShapeName, createBatch, createProgram } from '../shapes.ts'
import { printTable, ratio } from './table.ts'

const PRECISIONS = ['fp32', 'int8', 'int4', 'nf4'] as const
const PEERS = { 'PyTorch fp32': [], 'PyTorch bf16': ['--bfloat16'] } as const
const ROUNDS = 3
const STEPS = 4

/** Milliseconds of the median step of a process of its own. */
async function peerStep(
  python: string,
  shape: ShapeName,
  options: readonly string[],
  threads: number,
): Promise<number> {
  const args = ['bench/peers/step.py', '--shape', shape, '--steps', '6', '--threads', String(threads), ...options]
  const { stdout } = await promisify(execFile)(python, args)
  return (JSON.parse(stdout) as { milliseconds: number }).milliseconds
}

async function measureShape(name: ShapeName, threads: number, python: string | undefined): Promise<string[][]> {
  const shape = SHAPES[name]
  const batch = createBatch(shape)
  const engines: Engine[] = []
  const times: Record<string, number[]> = {}
  for (const precision of PRECISIONS) {
    const program = createProgram(shape.config(), precision)
    engines.push(await createCompiledEngine({ program, optimizer: ADAMW_DEFAULTS, seed: 1 }, { threads }))
  }
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [at, precision] of PRECISIONS.entries()) {
      for (let step = 0; step < STEPS; step++) {
        const started = performance.now()
        await engines[at]?.step(batch, { learningRate: 1e-4, step: round * STEPS + step + 1 })
        // The first round only warms up.
        if (round > 0) (times[precision] ??= []).push(performance.now() - started)
      }
    }
    if (round === 0 || python === undefined) continue
    for (const [peer, options] of Object.entries(PEERS))
      (times[peer] ??= []).push(await peerStep(python, name, options, threads))
  }
  await Promise.all(engines.map((engine) => engine.dispose()))
  return Object.entries(times).map(([what, each]) => [
    `${name}, ${shape.rows} × ${shape.length}`,
    what,
    `${median(each).toFixed(0)} (${Math.min(...each).toFixed(0)}–${Math.max(...each).toFixed(0)})`,
    ((1000 * shape.rows * shape.length) / median(each)).toFixed(0),
    ratio(times['fp32'], each),
    ...(python === undefined ? [] : [ratio(times['PyTorch bf16'], each)]),
  ])
}

/** @param python an interpreter that has torch and peft; without one the table is Graft's alone */
export async function measureSteps(threads: number, python: string | undefined): Promise<void> {
  const rows: string[][] = []
  for (const name of ['tutorial', 'minilm-32', 'gpt2-small'] as const)
    rows.push(...(await measureShape(name, threads, python)))
  const columns = ['step', 'base', 'ms', 'tokens/s', 'against fp32', ...(python === undefined ? [] : ['against bf16'])]
  printTable(`LoRA r 8 on all linear layers, ${threads} threads`, columns, rows)
}
