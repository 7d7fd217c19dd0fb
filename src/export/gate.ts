/**
 * The gate that a bundle below float32 has to pass before it is written: the same texts through the float32 graph and the one with
 * fewer bits. Quantized classifiers collapse now and then, and only measuring tells.
 */
import { GraftError } from '../core/errors.ts'
import type { Evaluator } from '../core/evaluator.ts'
import { createEvaluator } from '../core/evaluators.ts'
import type { Comparison, Gate, Precision } from '../core/precision.ts'
import type { Row, Target, TaskSpec } from '../core/task.ts'
import type { Classifier } from '../runtime/classifier.ts'
import type { LabelledText } from '../runtime/evaluate.ts'
import { checkLayers, narrowableLayers } from './precision.ts'
import type { Plan } from './plan.ts'

/** Labelled texts that the answers are compared on. */
export interface CalibrationSet {
  /** The adapter that they are for, in an unmerged bundle. */
  adapter?: string | undefined
  texts: readonly LabelledText[]
}

export interface GateOptions {
  /** Validation parts; without them the probes serve, which is weak. */
  calibration?: readonly CalibrationSet[] | undefined
  /** The most that accuracy may fall; .005 by default. */
  maxAccuracyDrop?: number | undefined
  /** Layers that stay in float32; `auto` keeps those that hurt most until the gate is passed. */
  fp32Layers?: readonly string[] | 'auto' | undefined
}

/** What a probability may change by on the probes, where no labelled texts tell what that costs. */
const LARGEST_CHANGE = 0.15

/** Texts of each set that layers are tried on one by one. */
const TRIAL_TEXTS = 128

const MAX_DROP = 0.005

/** Texts of one adapter, or of the merged model. */
interface GateSet {
  adapter: string | undefined
  evaluator: Evaluator
  texts: readonly string[]
  /** What they should be answered; not of probes. */
  truth?: readonly Target[]
}

/** With what the float32 graph says of them. */
interface Reference extends GateSet {
  scores: Row[]
}

/** Opens the graph with these layers at the bundle's precision. */
export type OpenNarrow = (layers: ReadonlySet<string>) => Promise<Classifier>

/** What the gate is to measure, all of it checked. */
export interface GatePlan {
  sets: GateSet[]
  /** Base layers that may get fewer bits. */
  layers: string[]
  maxAccuracyDrop: number
  isAuto: boolean
}

/**
 * Checks the gate's options before any work is done.
 * @throws GraftError `usage` for a layer or an adapter that is not there, `data-label`
 */
export function planGate(
  plan: Plan,
  probes: readonly string[],
  { calibration = [], maxAccuracyDrop = MAX_DROP, fp32Layers = [] }: GateOptions,
): GatePlan {
  const isAuto = fp32Layers === 'auto'
  const named = isAuto ? [] : fp32Layers
  checkLayers(named, plan.config)
  const layers = narrowableLayers(plan.config).filter((layer) => !named.includes(layer))
  return { sets: setsOf(plan, probes, calibration), layers, maxAccuracyDrop, isAuto }
}

export interface GateParts {
  plan: Plan
  gate: GatePlan
  precision: Precision
  /** The float32 graph. */
  exact: Classifier
  open: OpenNarrow
}

/**
 * Finds the layers that get fewer bits.
 * @throws GraftError `precision` where too much is lost, naming the layers that hurt
 */
export async function passGate({
  plan,
  gate,
  precision,
  exact,
  open,
}: GateParts): Promise<{ layers: Set<string>; gate: Gate }> {
  const { sets, layers: all, maxAccuracyDrop, isAuto } = gate
  const references: Reference[] = []
  for (const set of sets) references.push({ ...set, scores: await scoresOf(exact, set) })
  const attempt = async (layers: Set<string>) => {
    const comparisons = await compareAll(references, open, layers)
    const failed = comparisons.find((comparison, at) => !passes(comparison, references[at], maxAccuracyDrop))
    const kept = narrowableLayers(plan.config).filter((layer) => !layers.has(layer))
    return { layers, failed, gate: { fp32Layers: kept, comparisons } }
  }

  const whole = await attempt(new Set(all))
  if (!whole.failed) return whole
  const ranked = await rankLayers(all, references, open)
  const counts = isAuto ? powersOfTwo(all.length) : []
  for (const count of counts) {
    const worst = ranked.slice(0, count)
    const part = await attempt(new Set(all.filter((layer) => !worst.includes(layer))))
    if (!part.failed) return part
  }
  throw refusal(whole.failed, { precision, maxAccuracyDrop, ranked, isAuto })
}

/** 1, 2, 4 … below a limit. */
const powersOfTwo = (limit: number): number[] =>
  Array.from({ length: Math.ceil(Math.log2(limit)) }, (_, exponent) => 2 ** exponent)

async function compareAll(
  references: readonly Reference[],
  open: OpenNarrow,
  layers: ReadonlySet<string>,
): Promise<Comparison[]> {
  await using classifier = await open(layers)
  const comparisons: Comparison[] = []
  for (const reference of references) comparisons.push(await compare(reference, classifier))
  return comparisons
}

/** The sets that are given, and the probes for adapters without one. */
function setsOf({ fields }: Plan, probes: readonly string[], calibration: readonly CalibrationSet[]): GateSet[] {
  const tasks: (TaskSpec & { name?: string })[] = fields.kind === 'merged' ? [fields] : fields.adapters
  const only = tasks.length === 1 ? tasks[0]?.name : undefined
  const given = new Map(calibration.map(({ adapter = only, texts }) => [adapter, texts]))
  for (const adapter of given.keys())
    if (!tasks.some(({ name }) => name === adapter)) throw noSuchAdapter(adapter, tasks)
  return tasks.map(({ name: adapter, ...task }) => {
    const evaluator = createEvaluator(task)
    const labelled = given.get(adapter)
    return {
      adapter,
      evaluator,
      texts: labelled?.map(({ text }) => text) ?? probes,
      ...(labelled && { truth: labelled.map((each) => evaluator.encode(each.label, each)) }),
    }
  })
}

function noSuchAdapter(adapter: string | undefined, tasks: readonly { name?: string }[]): GraftError {
  const names = tasks.flatMap(({ name }) => name ?? [])
  const problem = adapter === undefined ? 'does not say which adapter it is for' : `names the adapter "${adapter}"`
  return new GraftError('usage', `a data set to calibrate on ${problem}`, {
    hint: names.length > 0 ? `Give NAME=DIR, with one of ${names.join(', ')}.` : 'A merged bundle has none: give DIR.',
    value: adapter,
  })
}

async function scoresOf(classifier: Classifier, { adapter, evaluator, texts }: GateSet): Promise<Row[]> {
  return (await classifier.logits(texts, { adapter })).map((logits) => evaluator.scores(logits))
}

async function compare(reference: Reference, classifier: Classifier): Promise<Comparison> {
  const { adapter, evaluator, truth, scores } = reference
  const found = await scoresOf(classifier, reference)
  return {
    ...(adapter !== undefined && { adapter }),
    on: truth ? 'validation' : 'probes',
    texts: scores.length,
    ...(truth && {
      score: { fp32: evaluator.measure(truth, scores).score, kept: evaluator.measure(truth, found).score },
    }),
    agreement:
      scores.filter((row, at) => answerOf(evaluator, row) === answerOf(evaluator, found[at] ?? [])).length /
      scores.length,
    largestChange: Math.max(...changes(scores, found)),
  }
}

/** The label or the labels; of a regression nothing, since numbers always differ. */
function answerOf({ answer }: Evaluator, scores: Row): string {
  const { label, labels, value } = answer(scores)
  return value === undefined ? (labels?.join('\n') ?? label) : ''
}

/** Of each score, by how much it differs. */
const changes = (scores: readonly Row[], found: readonly Row[]): number[] =>
  scores.flatMap((row, at) => Array.from(row, (score, label) => Math.abs(score - (found[at]?.[label] ?? NaN))))

/** A NaN does not pass. Without labelled texts nothing says how far a regression's number may move, whose unit is anybody's. */
function passes({ score, largestChange }: Comparison, reference: Reference | undefined, maxDrop: number): boolean {
  if (score) return score.fp32 - score.kept <= maxDrop
  return reference?.evaluator.problemType === 'regression'
    ? Number.isFinite(largestChange)
    : largestChange <= LARGEST_CHANGE
}

/** Layers by how much scores change where only that one has fewer bits, the worst first. */
async function rankLayers(
  layers: readonly string[],
  references: readonly Reference[],
  open: OpenNarrow,
): Promise<string[]> {
  const harm = new Map<string, number>()
  for (const layer of layers) {
    await using classifier = await open(new Set([layer]))
    let total = 0
    for (const { scores, texts, ...reference } of references) {
      const trial = texts.slice(0, TRIAL_TEXTS)
      const found = await scoresOf(classifier, { ...reference, texts: trial })
      total += changes(scores.slice(0, TRIAL_TEXTS), found).reduce((sum, change) => sum + change, 0) / trial.length
    }
    harm.set(layer, total)
  }
  return layers.toSorted((a, b) => (harm.get(b) ?? 0) - (harm.get(a) ?? 0))
}

interface RefusalFacts {
  precision: Precision
  maxAccuracyDrop: number
  ranked: readonly string[]
  /** Whether layers were kept until half of them were in float32, to no avail. */
  isAuto: boolean
}

function refusal(comparison: Comparison, { precision, maxAccuracyDrop, ranked, isAuto }: RefusalFacts): GraftError {
  const worst = ranked.slice(0, 3).join(',')
  const hint = isAuto
    ? `Keeping those that hurt most, ${worst} first, did not help: export with --precision fp16.`
    : `The layers that hurt most: keep them with --keep-fp32 ${worst}, or let --keep-fp32 auto choose.`
  return new GraftError(
    'precision',
    `${precision} ${describeLoss(comparison)}; ${allowed(comparison, maxAccuracyDrop)}`,
    {
      hint,
      value: comparison,
    },
  )
}

const points = (value: number) => (100 * value).toFixed(1)

function describeLoss({ adapter, texts, score, largestChange }: Comparison): string {
  const where = `on ${texts} ${score ? 'validation texts' : 'probes'}${adapter === undefined ? '' : ` of ${adapter}`}`
  return score
    ? `loses ${points(score.fp32 - score.kept)} points ${where} (${score.fp32.toFixed(4)} → ${score.kept.toFixed(4)})`
    : `changes a score by ${largestChange.toFixed(3)} ${where}`
}

const allowed = ({ score }: Comparison, maxAccuracyDrop: number): string =>
  score ? `${points(maxAccuracyDrop)} are allowed` : `${LARGEST_CHANGE} is allowed without labelled texts`
