/** A sweep: runs over a grid of settings on one data set, each done once, and their results side by side. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { GraftError } from '../core/errors.ts'
import { growFolder } from '../files/growing-folder.ts'
import { sha256 } from '../files/hash.ts'
import { withOutput } from '../files/output.ts'
import { readRecord } from '../files/record.ts'
import { type FlatTrainSettings, type TrainSettings, nestGiven, settingsInForce } from './settings.ts'
import { type ResolveOptions, resolveSettings } from './settings/resolve.ts'

/** Values of settings, by their flat names: every combination is a run. */
export type SweepGrid = { readonly [Name in keyof FlatTrainSettings]?: readonly FlatTrainSettings[Name][] | undefined }

const figures = z.object({ accuracy: z.number(), macroF1: z.number() })

const finished = z.object({
  status: z.literal('finished'),
  validation: figures,
  test: figures,
  parameters: z.object({ total: z.number(), trainable: z.number() }),
  seconds: z.number(),
  /** Of the run's process, at its peak. */
  memoryBytes: z.number().optional(),
  /** What was trained: the adapter, or all weights. */
  fileBytes: z.number().optional(),
})

/** A run whose loss became no number. */
const diverged = z.object({
  status: z.literal('diverged'),
  /** Where and how. */
  message: z.string(),
})

const run = {
  /** Of all that determines the run. */
  key: z.string(),
  /** All that the run trained with, by flat names; without LoRA's where all weights are trained. */
  settings: z.record(z.string(), z.union([z.string(), z.number(), z.array(z.string())])),
}

const resultSchema = z.discriminatedUnion('status', [finished.extend(run), diverged.extend(run)])

export type SweepResult = z.infer<typeof resultSchema>
export type FinishedSweepRun = Extract<SweepResult, { status: 'finished' }>

/** What a run gives; the rest of a result is known before it. */
export type SweepOutcome = z.infer<typeof finished> | z.infer<typeof diverged>

export interface SweepOptions {
  /** Of all that decides a result besides the settings, as `identityOf` gives it. */
  identity: string
  /** The settings of every run, as `gridSettings` gives them. */
  runs: readonly TrainSettings[]
  /** Folder of `results.jsonl` and of the runs. */
  out: string
  /** Files and folders that the runs read. */
  inputs?: (string | undefined)[]
  /** The most runs that a grid may ask for; by default any number. */
  maxRuns?: number | undefined
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

/** All combinations of a grid's values, the last setting's changing fastest. */
function combinations(grid: SweepGrid): Partial<FlatTrainSettings>[] {
  let all: Partial<FlatTrainSettings>[] = [{}]
  for (const [name, values] of Object.entries(grid)) {
    if (values !== undefined) all = all.flatMap((chosen) => values.map((value) => ({ ...chosen, [name]: value })))
  }
  return all
}

/**
 * The settings of every run of a grid, in order: what comes to the same is run once. What the grid does not have is the
 * recipe's or the default.
 * @throws GraftError what `resolveSettings` throws
 * @example
 * import { gridSettings, readBase, shippedBase } from 'graft-lora/train'
 *
 * const runs = await gridSettings({ rank: [2, 8], seed: [1, 2, 3] }, { base: await readBase(shippedBase()) })
 * console.log(runs.length) // 6
 */
export async function gridSettings(
  grid: SweepGrid,
  { base, recipe }: Pick<ResolveOptions, 'base' | 'recipe'>,
): Promise<TrainSettings[]> {
  const runs = new Map<string, TrainSettings>()
  for (const given of combinations(grid)) {
    const { settings } = await resolveSettings({ base, recipe, given: nestGiven(given) })
    const key = JSON.stringify(settingsInForce(settings))
    if (!runs.has(key)) runs.set(key, settings)
  }
  return [...runs.values()]
}

const RESULTS = 'results.jsonl'
const resultsFile = (out: string) => join(out, RESULTS)

/**
 * Runs a grid. Results are in `<out>/results.jsonl` as soon as each run ends; a run that diverges is a result too.
 * @returns those of this grid, in its order
 * @throws GraftError `usage` for more runs than `maxRuns`, `file-exists`, and what a run throws
 * @example
 * import { gridSettings, identityOf, readBase, readDataset, shippedBase, sweep, train } from 'graft-lora/train'
 *
 * const base = await readBase(shippedBase())
 * const dataset = await readDataset('runs/data')
 * const results = await sweep({
 *   identity: await identityOf(base, dataset),
 *   runs: await gridSettings({ rank: [2, 4], maxSteps: [20] }, { base }),
 *   out: 'runs/sweep',
 *   run: async (settings, out) => ({ status: 'finished', ...(await train({ base: base.dir, dataset, out, ...settings })) }),
 * })
 * console.log(results.map(({ settings }) => settings.rank))
 */
export async function sweep(options: SweepOptions): Promise<SweepResult[]> {
  const { identity, runs, out, maxRuns = Infinity, signal, onResult } = options
  if (runs.length > maxRuns) {
    throw new GraftError('usage', `the grid asks for ${runs.length} runs, more than ${maxRuns}`, {
      hint: 'Give fewer values, or allow more with --max-runs.',
      value: runs.length,
    })
  }
  const keyed = runs.map((settings) => ({ settings, key: keyOf(identity, settings) }))
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
        let result = known.get(key)
        if (!result) {
          signal?.throwIfAborted()
          const outcome = await options.run(settings, join(output.path, runFolder(key)))
          result = resultSchema.parse({ ...outcome, key, settings: settingsInForce(settings) })
          known.set(key, result)
          await folder.writeFile(RESULTS, [...known.values()].map((each) => `${JSON.stringify(each)}\n`).join(''))
        }
        results.push(result)
        onResult?.(result, results.length, runs.length)
      }
      for (const [name, text] of Object.entries(options.report?.(results) ?? {})) await folder.writeFile(name, text)
      return results
    },
  )
}

/** Of all that determines a run. */
const keyOf = (identity: string, settings: TrainSettings): string =>
  sha256(JSON.stringify([identity, settingsInForce(settings)]))

const runFolder = (key: string) => `runs/${key.slice(0, 12)}`

const earlierSweep = (out: string) =>
  new GraftError('file-exists', `${out} holds an earlier sweep`, {
    hint: 'Go on with --resume, or start over with --force.',
    file: out,
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
    throw new GraftError('file-format', `${file}, line ${number}: not a result of a sweep by this version of Graft`, {
      hint: 'Remove the line, or start over with --force.',
      file,
      line: number,
      cause,
    })
  }
}

/** Runs that differ by their seed alone. */
export interface SweepGroup {
  /** What they have in common. */
  settings: SweepResult['settings']
  finished: FinishedSweepRun[]
  /** How many diverged. */
  diverged: number
}

/** Results by what they have in common but for the seed, in order. */
export function groupSeeds(results: readonly SweepResult[]): SweepGroup[] {
  const groups = new Map<string, SweepGroup>()
  for (const result of results) {
    const { seed: _, ...settings } = result.settings
    const key = JSON.stringify(settings)
    const group = groups.get(key) ?? { settings, finished: [], diverged: 0 }
    groups.set(key, group)
    if (result.status === 'finished') group.finished.push(result)
    else group.diverged++
  }
  return [...groups.values()]
}

const ALWAYS_SHOWN = ['method', 'rank', 'alpha', 'targetModules', 'learningRate']

/** The names of settings that tell groups apart, and of those that one always looks for. */
export function tellingSettings(groups: readonly SweepGroup[]): string[] {
  const names = new Set([...ALWAYS_SHOWN, ...groups.flatMap(({ settings }) => Object.keys(settings))])
  // All weights have no adapters' settings, which is no difference between adapters.
  const values = (name: string) =>
    groups.flatMap(({ settings }) => (settings[name] === undefined ? [] : [JSON.stringify(settings[name])]))
  return [...names].filter((name) => ALWAYS_SHOWN.includes(name) || new Set(values(name)).size > 1)
}
