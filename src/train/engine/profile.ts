/** Where a training step's time goes, by operator, from ONNX Runtime's profiler. */
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { InferenceSession } from 'onnxruntime-node'

/** All runs of one operator on one execution provider, in a step. */
export interface OperatorTime {
  operator: string
  /** As ONNX Runtime names it: `CPUExecutionProvider`. */
  provider: string
  /** Nodes of the graph. */
  count: number
  /**
   * Of a step, mean over the steps measured. With WebGPU the time on the GPU, where its driver tells; with CUDA the time to hand
   * the work over.
   */
  milliseconds: number
}

export interface StepProfile {
  /** Steps measured. */
  steps: number
  /** A whole step, mean: operators and what lies between them. */
  milliseconds: number
  /** The slowest first. */
  operators: OperatorTime[]
}

export interface Profiler {
  sessionOptions: InferenceSession.SessionOptions
  /** To be called after each run. */
  ran(session: InferenceSession): void
  /** Ends the measurement; undefined if there were too few steps. */
  finish(session: InferenceSession): Promise<StepProfile | undefined>
  dispose(): Promise<void>
}

/** The first runs allocate memory and, on a GPU, compile. */
const WARMUPS = 3
/** ONNX Runtime keeps a million events at most; a large model's step has some thousands. */
const STEPS = 20

/** A profiler of one session, which writes to a folder of its own. */
export async function createProfiler(): Promise<Profiler> {
  const dir = await mkdtemp(join(tmpdir(), 'graft-profile-'))
  let runs = 0
  let ended = false
  const end = (session: InferenceSession) => {
    if (!ended) session.endProfiling()
    ended = true
  }
  return {
    sessionOptions: { enableProfiling: true, profileFilePrefix: join(dir, 'profile') },
    ran(session) {
      if (++runs === WARMUPS + STEPS) end(session)
    },
    async finish(session) {
      end(session)
      const [file = ''] = await readdir(dir)
      return summarize(JSON.parse(await readFile(join(dir, file), 'utf8')))
    },
    dispose: () => rm(dir, { recursive: true, force: true }),
  }
}

/** What is used of an event: times in microseconds. */
export interface ProfileEvent {
  /** `Session` for runs, `Node` for operators as the host sees them, `Api` for kernels on the GPU (WebGPU only). */
  cat: string
  /** Of a kernel: node, operator and program, with `&` between them. */
  name: string
  ts: number
  dur: number
  args?: { op_name?: string; provider?: string }
}

/** Sums up the events of all runs but the first ones. */
export function summarize(events: readonly ProfileEvent[], warmups = WARMUPS): StepProfile | undefined {
  const all = events
    .filter(({ cat, name }) => cat === 'Session' && name === 'model_run')
    .toSorted((a, b) => a.ts - b.ts)
  const runs = all.slice(warmups)
  const [first] = runs
  if (!first) return undefined
  const operators = new Map<string, OperatorTime>()
  for (const { dur, args } of events.filter(({ cat, ts }) => cat === 'Node' && ts >= first.ts)) {
    const { op_name: operator, provider } = args ?? {}
    if (operator === undefined || provider === undefined) continue
    const sum = operators.get(`${operator} ${provider}`) ?? { operator, provider, count: 0, milliseconds: 0 }
    sum.count += 1 / runs.length
    sum.milliseconds += dur / 1000 / runs.length
    operators.set(`${operator} ${provider}`, sum)
  }
  for (const [operator, time] of gpuTimes(events, all.length)) {
    const sum = operators.get(`${operator} WebGpuExecutionProvider`)
    if (sum) sum.milliseconds = time
  }
  return {
    steps: runs.length,
    milliseconds: runs.reduce((sum, { dur }) => sum + dur, 0) / 1000 / runs.length,
    operators: [...operators.values()].toSorted((a, b) => b.milliseconds - a.milliseconds),
  }
}

/** Milliseconds of each operator's kernels in a run. Their clock is the GPU's, so the first runs are among them. */
function gpuTimes(events: readonly ProfileEvent[], runs: number): Map<string, number> {
  const times = new Map<string, number>()
  for (const { cat, name, dur } of events) {
    const [, operator] = name.split('&')
    if (cat !== 'Api' || operator === undefined) continue
    times.set(operator, (times.get(operator) ?? 0) + dur / 1000 / runs)
  }
  return times
}
