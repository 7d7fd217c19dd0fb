/** Replays probe texts on a bundle's graph and compares its logits with those of `golden.json`. */
import type { Manifest, Probe } from '../core/bundle.ts'
import { GraftError } from '../core/errors.ts'
import type { Precision } from '../core/precision.ts'
import type { Classifier } from '../runtime/classifier.ts'

export type Parity = Manifest['parity']

/**
 * Largest difference allowed, for logits up to 1; larger logits have proportionally larger rounding errors. In eight and four
 * bits a last digit that differs between two machines can put a number on the next step of its scale.
 */
const TOLERANCES: Readonly<Record<Precision, number>> = { fp32: 1e-4, fp16: 1e-4, int8: 2e-2, int4: 2e-2 }

/** The logits of all probes in one call, so that adapters and lengths are mixed in its batches. */
export function probeLogits(classifier: Classifier, golden: readonly Probe[]): Promise<Float32Array[]> {
  const adapters = golden.map(({ adapter }) => adapter)
  return classifier.logits(
    golden.map(({ text }) => text),
    { adapter: adapters.every((name) => name !== undefined) ? adapters : undefined },
  )
}

/** How far a classifier is from the logits that it has to give. */
export async function replay(classifier: Classifier, golden: readonly Probe[], precision: Precision): Promise<Parity> {
  const found = await probeLogits(classifier, golden)
  const differences = golden.flatMap(({ logits }, probe) =>
    logits.map((expected, label) => Math.abs(expected - (found[probe]?.[label] ?? Number.NaN))),
  )
  const sizes = golden.flatMap(({ logits }) => logits.map(Math.abs))
  return {
    probes: golden.length,
    maxDifference: largest(differences, 0),
    tolerance: TOLERANCES[precision] * largest(sizes, 1),
  }
}

/** NaN if any is. */
const largest = (values: number[], least: number) => values.reduce((a, b) => Math.max(a, b), least)

/** Whether the difference is tolerable; a NaN is not. */
export const isWithin = ({ maxDifference, tolerance }: Parity): boolean => maxDifference <= tolerance

/**
 * Replays the probes on a graph just made.
 * @throws GraftError `parity` where the logits differ too much
 */
export async function checkParity(
  classifier: Classifier,
  golden: readonly Probe[],
  precision: Precision,
): Promise<Parity> {
  const parity = await replay(classifier, golden, precision)
  if (isWithin(parity)) return parity
  throw new GraftError('parity', `ONNX Runtime's logits ${describeParity(parity)}`, {
    hint: 'The weights are too large for float32 arithmetic or not finite: train again with a lower learning rate.',
    value: parity.maxDifference,
  })
}

/** "differ from the golden ones by up to 3.1e-7 on 8 probes; 1e-4 is allowed" */
export const describeParity = ({ maxDifference, probes, tolerance }: Parity): string =>
  `differ from the golden ones by up to ${maxDifference.toPrecision(2)} on ${probes} probes; ${tolerance.toPrecision(2)} is allowed`
