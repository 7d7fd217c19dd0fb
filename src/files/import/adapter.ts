/** Imports an adapter that PEFT wrote: checked against its base, with labels, and with a head. */
import { taskFields } from '../../core/task.ts'
import { type PeftAdapter, parsePeftAdapter } from '../../core/adapter.ts'
import { baseConfigOf } from '../../core/adapter/base-config.ts'
import { fitAdapter } from '../../core/adapter/fit.ts'
import { GraftError } from '../../core/errors.ts'
import { modelOf } from '../../core/families.ts'
import { labelsOfConfig, problemTypeOf } from '../../core/labels.ts'
import { isHead, labelCount } from '../../core/layers.ts'
import { tokenizerIdentity } from '../../core/tokenizer.ts'
import { writeAdapter } from '../adapter-folder.ts'
import { type Base, readBase } from '../base-folder.ts'
import type { ImportOptions, ImportResult } from '../import.ts'
import type { OutputFolder } from '../output.ts'
import { readBytes, readJson } from '../read.ts'
import { readTokenizer } from '../tokenizer-files.ts'
import { nameLabels } from './labels.ts'
import { type Source, isPickle, pickleError } from './source.ts'

const WEIGHTS = 'adapter_model.safetensors'

async function readFiles(source: Source) {
  const pickle = [...source.names].find(isPickle)
  if (!source.names.has(WEIGHTS) && pickle !== undefined) {
    const load = `torch.load('${pickle}', weights_only=True)`
    throw pickleError(
      `${source.name}/${pickle}`,
      `import torch; from safetensors.torch import save_file; save_file(${load}, '${WEIGHTS}')`,
    )
  }
  return {
    'adapter_config.json': await readJson(await source.fetch('adapter_config.json')),
    [WEIGHTS]: await readBytes(await source.fetch(WEIGHTS)),
  } as const
}

/**
 * Makes an adapter folder of PEFT's two files. An adapter without a head takes its base's.
 * @throws GraftError `usage` without a base, `adapter` where it does not fit the base or is of a kind that is not supported
 */
export async function importAdapter(
  source: Source,
  options: ImportOptions,
  output: OutputFolder,
): Promise<ImportResult> {
  const { out, base: baseDir } = options
  if (baseDir === undefined) {
    throw new GraftError('usage', `${source.name} is an adapter, which needs its base`, {
      hint: 'Import the base first, then give its folder with --base.',
      value: source.name,
    })
  }
  const read = await parsePeftAdapter(await readFiles(source), source.name)
  const base = await readBase(baseDir)
  const peft = withHead(await fitAdapter(read, base.config, source.name), base)
  const count = labelCount(peft.head, base.config)
  if (count === undefined) throw headless(source.name, baseDir)
  // PEFT's files do not say: it is what the base is for.
  const problemType = problemTypeOf(base.config)
  const labels = nameLabels(count, options.labels, () => ownLabels(count, base), { source: source.name, problemType })
  const { positions } = modelOf(base.config).sizes
  const info = {
    formatVersion: 1 as const,
    kind: 'adapter' as const,
    labels,
    ...taskFields({ problemType }),
    baseSha256: base.sha256,
    baseConfig: baseConfigOf(base.config, tokenizerIdentity(await readTokenizer(baseDir, base.config))),
    maxLength: Math.min(options.maxLength ?? positions, positions),
    hyperparameters: { importedFrom: source.name, ...(source.revision && { revision: source.revision }) },
    metrics: {},
  }
  const config = { ...peft.config, base_model_name_or_path: baseDir, task_type: 'SEQ_CLS' as const }
  await writeAdapter(output, { ...peft, config, info })
  const trainedOn = peft.config.base_model_name_or_path ?? undefined
  return {
    kind: 'adapter',
    out,
    source: source.name,
    revision: source.revision,
    sha256: base.sha256,
    labels,
    trainedOn,
  }
}

/** The adapter's own head, or else its base's. */
const withHead = (adapter: PeftAdapter, { weights }: Base): PeftAdapter =>
  adapter.head.size > 0 ? adapter : { ...adapter, head: new Map([...weights].filter(([name]) => isHead(name))) }

/** The base's names, where it has as many labels as the head. */
function ownLabels(count: number, { config, dir }: Base): string[] | undefined {
  const names = labelsOfConfig(config, dir)
  return names?.length === count ? names : undefined
}

const headless = (adapter: string, base: string) =>
  new GraftError('adapter', `${adapter} has no classification head, and neither has its base ${base}`, {
    hint: 'Give a base that is a classifier, or train an adapter for classification with `graft train`.',
    file: adapter,
  })
