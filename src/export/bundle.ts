/** Writes bundles: graph, adapters, and proof that ONNX Runtime gives TF.js' logits. */
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Manifest, graphDataFile, graphPath } from '../core/bundle.ts'
import { writeModel } from '../files/model-file.ts'
import { type Output, withOutput } from '../files/output.ts'
import { tokenizerFilesOf } from '../files/tokenizer-files.ts'
import type { Precision } from '../core/precision.ts'
import { type Graph, toOnnxParts } from '../onnx/index.ts'
import { createClassifier } from '../runtime/classifier.ts'
import { type BundleAbout, describeBundle } from './about.ts'
import { type GateOptions, planGate } from './gate.ts'
import { computeGolden, probesFor } from './golden.ts'
import { type AdapterSource, type ExportInputs, readInputs } from './inputs.ts'
import { createManifest } from './manifest.ts'
import { planMerged } from './merged.ts'
import { narrowGraph } from './narrow.ts'
import { checkParity } from './parity.ts'
import type { Plan } from './plan.ts'
import { planUnmerged } from './unmerged.ts'

export interface ExportOptions extends GateOptions {
  /** Base folder; the one that the first adapter names, by default. */
  base?: string | undefined
  /** For a merged bundle one adapter, or none where the base is a classifier; for an unmerged one any number. */
  adapters?: readonly AdapterSource[]
  mode: 'merged' | 'unmerged'
  /** Folder to write. */
  dir: Output
  /** Title, description and examples, which the page shows. */
  about?: BundleAbout | undefined
  /** Replace a folder that is there already. */
  force?: boolean | undefined
  /** How the base's weights are kept; `fp32` by default. Below it, the gate's options count. */
  precision?: Precision | undefined
  /** Texts for `golden.json`; chosen for the model's size by default. */
  probes?: readonly string[]
  /** Bytes of weights from which on they get a file beside the graph; a quarter of a gigabyte by default. */
  externalFrom?: number | undefined
  /** Stops the export, which then leaves nothing behind. */
  signal?: AbortSignal | undefined
}

/**
 * Exports a bundle, whole or not at all.
 * @returns its `graft.json`
 * @throws GraftError `parity` where ONNX Runtime's logits differ from TF.js', `precision` where fewer bits lose too much, `usage`, `adapter-base`, `adapter`, `config`,
 *   `file-exists`, `file-write`, and what reading the inputs throws
 * @example
 * import { exportBundle } from 'graft-lora/export'
 *
 * const adapters = [{ name: 'sentiment', dir: 'runs/adapter' }]
 * const { files } = await exportBundle({ adapters, mode: 'unmerged', dir: 'runs/unmerged' })
 * console.log(Object.keys(files))
 */
export async function exportBundle(options: ExportOptions): Promise<Manifest> {
  const { base, adapters = [], dir, force } = options
  const inputs = await readInputs(base, adapters)
  const dirs = [inputs.base.dir, ...inputs.adapters.map((adapter) => adapter.dir)]
  return withOutput(dir, { kind: 'bundle', force, inputs: dirs }, async (output) => {
    await output.requireSpace(weightBytes(inputs))
    return output.publish((folder) => fillBundle(folder, inputs, options))
  })
}

/** The graph holds all of the base's weights. */
const weightBytes = ({ base }: ExportInputs) =>
  [...base.weights.values()].reduce((sum, { data }) => sum + data.byteLength, 0)

async function fillBundle(
  folder: string,
  inputs: ExportInputs,
  { mode, about, signal, probes, externalFrom, precision = 'fp32', ...gateOptions }: ExportOptions,
): Promise<Manifest> {
  const plan = mode === 'merged' ? planMerged(inputs) : planUnmerged(inputs)
  const fields = describeBundle(plan.fields, about)
  const texts = probes ?? (await probesFor(plan))
  const planned = planGate(plan, texts, gateOptions)

  if (mode === 'unmerged') await copyAdapters(folder, inputs)
  signal?.throwIfAborted()
  // First, since a merged graph is made of the very weights that the reference reads.
  const reference = await computeGolden(plan, texts)
  signal?.throwIfAborted()
  const exact = await plan.trace()
  const { graph, golden, gate } =
    precision === 'fp32'
      ? { graph: exact, golden: reference, gate: undefined }
      : await narrowGraph(plan, { precision, gate: planned, exact, golden: reference })
  signal?.throwIfAborted()
  await writeJson(join(folder, 'golden.json'), golden)
  await writeParts(folder, plan, graph, externalFrom)
  signal?.throwIfAborted()
  const { config, model, tokenizer } = plan
  await using classifier = await createClassifier({ graph: join(folder, graphPath), config, model, tokenizer })
  const parity = await checkParity(classifier, golden, precision)
  const manifest = await createManifest(folder, { inputs, plan: { ...plan, fields }, precision, gate, parity })
  await writeJson(join(folder, 'graft.json'), manifest)
  return manifest
}

const writeJson = (path: string, value: unknown) => writeFile(path, `${JSON.stringify(value, undefined, 2)}\n`)

/** `config.json`, the tokenizer's files and the graph. */
async function writeParts(
  folder: string,
  { config, tokenizer }: Plan,
  graph: Graph,
  externalFrom: number | undefined,
): Promise<void> {
  await writeJson(join(folder, 'config.json'), config)
  for (const [name, content] of Object.entries(tokenizerFilesOf(tokenizer, config)))
    await writeFile(join(folder, name), content)
  await mkdir(join(folder, 'onnx'))
  const parts = toOnnxParts(graph, { name: 'classifier', dataFile: graphDataFile, externalFrom })
  await writeModel(join(folder, graphPath), join(folder, 'onnx', graphDataFile), parts)
}

async function copyAdapters(folder: string, { adapters }: ExportInputs): Promise<void> {
  for (const { name, dir } of adapters) {
    const target = join(folder, 'adapters', name)
    await mkdir(target, { recursive: true })
    for (const file of ['adapter_config.json', 'adapter_model.safetensors', 'graft.json'])
      await copyFile(join(dir, file), join(target, file))
  }
}
