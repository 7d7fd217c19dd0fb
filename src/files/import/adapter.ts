/** Imports an adapter that PEFT wrote: checked against its base, with labels, and with a head. */
import { checkFit, completeAdapter, parsePeftAdapter } from '../../core/adapter.ts'
import { baseConfigOf } from '../../core/adapter/base-config.ts'
import { GraftError } from '../../core/errors.ts'
import { writeAdapter } from '../adapter-folder.ts'
import { readBase } from '../base-folder.ts'
import type { ImportOptions, ImportResult } from '../import.ts'
import { readBytes, readJson } from '../read.ts'
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
export async function importAdapter(source: Source, options: ImportOptions): Promise<ImportResult> {
  const { out, force, base: baseDir } = options
  if (baseDir === undefined) {
    throw new GraftError('usage', `${source.name} is an adapter, which needs its base`, {
      hint: 'Import the base first, then give its folder with --base.',
      value: source.name,
    })
  }
  const peft = parsePeftAdapter(await readFiles(source), source.name)
  const base = await readBase(baseDir)
  checkFit(peft, base.config, source.name)
  const bias = base.weights.get('score.bias')
  const score = peft.score ?? base.weights.get('score.weight')
  const saved = !peft.score && bias ? new Map(peft.saved).set('score.bias', bias) : peft.saved
  const labels = options.labels ?? labelNames(score?.shape[0] ?? 0, base.config.id2label)
  const info = {
    formatVersion: 1 as const,
    kind: 'adapter' as const,
    labels,
    baseSha256: base.sha256,
    baseConfig: baseConfigOf(base.config),
    maxLength: Math.min(options.maxLength ?? base.config.n_positions, base.config.n_positions),
    hyperparameters: { importedFrom: source.name, ...(source.revision && { revision: source.revision }) },
    metrics: {},
  }
  const config = { ...peft.config, base_model_name_or_path: baseDir }
  const adapter = completeAdapter({ ...peft, config, score, saved }, info, source.name)
  await writeAdapter(out, adapter, { force })
  return { kind: 'adapter', out, source: source.name, revision: source.revision, sha256: base.sha256, labels }
}

/** The base's names where it has as many, else those that transformers makes up. */
function labelNames(count: number, id2label: Record<string, string> = {}): string[] {
  const names = Object.values(id2label)
  return names.length === count ? names : Array.from({ length: Math.max(2, count) }, (_, id) => `LABEL_${id}`)
}
