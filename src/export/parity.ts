/** Replays probe texts on a bundle's graph and compares its logits with those that TF.js gave. */
import type { Manifest, Probe } from '../core/bundle.ts'
import { GraftError } from '../core/errors.ts'
import { type Classifier, createClassifier } from '../runtime/classifier.ts'
import type { Plan } from './plan.ts'

export type Parity = Manifest['parity']

/** Largest difference allowed, for logits up to 1; larger logits have proportionally larger rounding errors. */
const TOLERANCE = 1e-4

/** Runs all probes in one call, so that adapters and lengths are mixed in its batches. */
export async function replay(classifier: Classifier, golden: readonly Probe[]): Promise<Parity> {
  const adapters = golden.map(({ adapter }) => adapter)
  const found = await classifier.logits(
    golden.map(({ text }) => text),
    { adapter: adapters.every((name) => name !== undefined) ? adapters : undefined },
  )
  const differences = golden.flatMap(({ logits }, probe) =>
    logits.map((expected, label) => Math.abs(expected - (found[probe]?.[label] ?? Number.NaN))),
  )
  const sizes = golden.flatMap(({ logits }) => logits.map(Math.abs))
  return { probes: golden.length, maxDifference: largest(differences, 0), tolerance: TOLERANCE * largest(sizes, 1) }
}

/** NaN if any is. */
const largest = (values: number[], least: number) => values.reduce((a, b) => Math.max(a, b), least)

/** Whether the difference is tolerable; a NaN is not. */
export const isWithin = ({ maxDifference, tolerance }: Parity): boolean => maxDifference <= tolerance

/**
 * Replays the probes on a graph just written.
 * @throws GraftError `parity` where the logits differ too much
 */
export async function checkParity(
  graph: string,
  { config, model, tokenizer }: Plan,
  golden: readonly Probe[],
): Promise<Parity> {
  const classifier = await createClassifier({ graph, config, model, tokenizer })
  try {
    const parity = await replay(classifier, golden)
    if (isWithin(parity)) return parity
    throw new GraftError('parity', `ONNX Runtime's logits ${describeParity(parity)}`, {
      hint: 'The weights are too large for float32 arithmetic or not finite: train again with a lower learning rate.',
      value: parity.maxDifference,
    })
  } finally {
    await classifier.close()
  }
}

/** "differ from TF.js' by up to 3.1e-7 on 8 probes; 1e-4 is allowed" */
export const describeParity = ({ maxDifference, probes, tolerance }: Parity): string =>
  `differ from TF.js' by up to ${maxDifference.toPrecision(2)} on ${probes} probes; ${tolerance.toPrecision(2)} is allowed`
