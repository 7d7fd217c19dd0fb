/** A sweep: runs over a grid of settings on one data set, each done once, and their results side by side. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { GraftError } from '../core/errors.ts'
import type { TargetModules } from '../core/lora.ts'
import { growFolder } from '../files/growing-folder.ts'
import { sha256 } from '../files/hash.ts'
import { withOutput } from '../files/output.ts'
import { readRecord } from '../files/record.ts'
import { LEARNING_RATES, type TrainSettings, type TrainingMethod, trainDefaults } from './settings.ts'

export interface SweepGrid {
  methods: readonly TrainingMethod[]
  /** LoRA's own, of no effect on runs that train all weights. */
  ranks: readonly number[]
  alphas: readonly number[]
  targetModules: readonly TargetModules[]
  /** Each method's default where none is given. */
  learningRates?: readonly number[] | undefined
  seeds: readonly number[]
}

/** Settings that all runs share. */
export type SweepSettings = Pick<TrainSettings, 'epochs' | 'batchSize' | 'maxLength'>

const range = z.object({ accuracy: z.number(), macroF1: z.number() })

const resultSchema = z.object({
  /** Of all that determines the run. */
  key: z.string(),
  method: z.enum(['lora', 'full']),
  rank: z.number(),
  alpha: z.number(),
  targetModules: z.union([z.string(), z.array(z.string())]),
  learningRate: z.number(),
  seed: z.number(),
  validation: range,
  test: range,
  parameters: z.object({ total: z.number(), trainable: z.number() }),
  seconds: z.number(),
  /** Of the run's process, at its peak. */
  memoryBytes: z.number(),
  /** What was trained: the adapter, or all weights. */
  fileBytes: z.number(),
})

export type SweepResult = z.infer<typeof resultSchema>

/** What a run gives; the rest of a result is known before it. */
export type SweepOutcome = Pick<
  SweepResult,
  'validation' | 'test' | 'parameters' | 'seconds' | 'memoryBytes' | 'fileBytes'
>

export interface SweepOptions {
  /** SHA-256 of base and training data, which results belong to. */
  baseSha256: string
  dataSha256: string
  grid: SweepGrid
  settings: SweepSettings
  /** Folder of `results.jsonl` and of the runs. */
  out: string
  /** Files and folders that the runs read. */
  inputs?: string[]
  /** The most runs that a grid may ask for. */
  maxRuns: number
  /** Goes on with an earlier sweep: what it finished is not done again. */
  resume?: boolean | undefined
  force?: boolean | undefined
  signal?: AbortSignal | undefined
  /** Trains into the folder `out`, or goes on with a run that was interrupted there. */
  run: (settings: TrainSettings, out: string) => Promise<SweepOutcome>
  /** Contents by name of further files of the folder, once all runs are done. */
  report?: ((results: SweepResult[]) => Record<string, string>) | undefined
  onResult?: ((result: SweepResult, done: number, total: number) => void) | undefined
}

/** The settings of every run of a grid, in order: what is the same for a method is run once. */
export function gridSettings(grid: SweepGrid, shared: SweepSettings): TrainSettings[] {
  return grid.methods.flatMap((method) => {
    const defaults = trainDefaults(method)
    const { lora } = defaults
    const adapters =
      method === 'full'
        ? [lora]
        : grid.ranks.flatMap((rank) =>
            grid.alphas.flatMap((alpha) =>
              grid.targetModules.map((targetModules) => ({ ...lora, rank, alpha, targetModules })),
            ),
          )
    return adapters.flatMap((adapter) =>
      (grid.learningRates ?? [LEARNING_RATES[method]]).flatMap((learningRate) =>
        grid.seeds.map((seed) => ({ ...defaults, ...shared, lora: adapter, learningRate, seed })),
      ),
    )
  })
}

const RESULTS = 'results.jsonl'
const resultsFile = (out: string) => join(out, RESULTS)

/**
 * Runs a grid. Results are in `<out>/results.jsonl` as soon as each run ends.
 * @returns those of this grid, in its order
 * @throws GraftError `usage` for more runs than `maxRuns`, `file-exists`, and what a run throws
 */
export async function sweep(options: SweepOptions): Promise<SweepResult[]> {
  const { grid, out, maxRuns, run, signal, onResult } = options
  const all = gridSettings(grid, options.settings)
  if (all.length > maxRuns) {
    throw new GraftError('usage', `the grid asks for ${all.length} runs, more than ${maxRuns}`, {
      hint: 'Give fewer values, or allow more with --max-runs.',
      value: all.length,
    })
  }
  const keyed = all.map((settings) => ({ settings, key: keyOf(options, settings) }))
  const isEarlier = existsSync(resultsFile(out)) || (await readRecord(out))?.kind === 'sweep'
  if (isEarlier && !options.resume && !options.force) throw earlierSweep(out)
  const goesOn = isEarlier && options.resume === true
  return withOutput(
    out,
    { kind: 'sweep', force: options.force && !options.resume, inputs: options.inputs, goesOn },
    async (output) => {
      const known = goesOn ? await readResults(out) : new Map<string, SweepResult>()
      const folder = await growFolder(output, {
        kind: 'sweep',
        goesOn,
        outputs: keyed.map(({ key }) => runFolder(key)),
      })
      const results: SweepResult[] = []
      for (const { settings, key } of keyed) {
        const earlier = known.get(key)
        if (!earlier) {
          signal?.throwIfAborted()
          const outcome = await run(settings, join(output.path, runFolder(key)))
          known.set(key, { key, ...describe(settings), ...outcome })
          await folder.writeFile(RESULTS, [...known.values()].map((each) => `${JSON.stringify(each)}\n`).join(''))
        }
        const result = known.get(key)
        if (!result) throw new Error('a result was lost')
        results.push(result)
        onResult?.(result, results.length, all.length)
      }
      for (const [name, text] of Object.entries(options.report?.(results) ?? {})) await folder.writeFile(name, text)
      return results
    },
  )
}

/** Of all that determines a run. */
const keyOf = ({ baseSha256, dataSha256 }: SweepOptions, settings: TrainSettings): string =>
  sha256(JSON.stringify([baseSha256, dataSha256, settings]))

const runFolder = (key: string) => `runs/${key.slice(0, 12)}`

const describe = ({ method, lora: { rank, alpha, targetModules }, learningRate, seed }: TrainSettings) => ({
  method,
  rank,
  alpha,
  targetModules,
  learningRate,
  seed,
})

const earlierSweep = (out: string) =>
  new GraftError('file-exists', `${resultsFile(out)} holds the results of an earlier sweep`, {
    hint: 'Go on with --resume, or start over with --force.',
    file: resultsFile(out),
  })

async function readResults(out: string): Promise<Map<string, SweepResult>> {
  const file = resultsFile(out)
  // The first run may have been interrupted.
  if (!existsSync(file)) return new Map()
  const lines = (await readFile(file, 'utf8')).trimEnd().split('\n')
  const results = lines.map((line, at) => parseResult(line, file, at + 1))
  return new Map(results.map((result) => [result.key, result]))
}

function parseResult(line: string, file: string, number: number): SweepResult {
  try {
    return resultSchema.parse(JSON.parse(line))
  } catch (cause) {
    throw new GraftError('file-format', `${file}, line ${number}: not a result of a sweep`, {
      hint: 'Remove the line, or start over with --force.',
      file,
      line: number,
      cause,
    })
  }
}

/** Runs that differ by their seed alone. */
export interface SweepGroup extends Pick<SweepResult, 'method' | 'rank' | 'alpha' | 'targetModules' | 'learningRate'> {
  results: SweepResult[]
}

/** Results by what they have in common but for the seed, in order. */
export function groupSeeds(results: readonly SweepResult[]): SweepGroup[] {
  const groups = new Map<string, SweepGroup>()
  for (const result of results) {
    const { method, rank, alpha, targetModules, learningRate } = result
    const common = { method, rank, alpha, targetModules, learningRate }
    const group = groups.get(JSON.stringify(common)) ?? { ...common, results: [] }
    groups.set(JSON.stringify(common), group)
    group.results.push(result)
  }
  return [...groups.values()]
}
