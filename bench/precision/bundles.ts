/** Bundles of one adapter in each precision, for measuring: of gpt-mini, of MiniLM where it is, and of GPT-2 small's shape. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { adaptableLayers } from '../../src/core/layers.ts'
import type { Precision } from '../../src/core/precision.ts'
import { exportBundle } from '../../src/export/index.ts'
import { readBase } from '../../src/files/base-folder.ts'
import { writeAdapter } from '../../src/files/adapter-folder.ts'
import { randomAdapter } from '../../test/fixtures/adapter.ts'

export const PRECISIONS = ['fp32', 'fp16', 'int8', 'int4'] as const satisfies Precision[]

/** Folders of bases that there are. */
export const bases = (): [string, string][] =>
  [
    ['gpt-mini', 'models/gpt-mini'],
    ['MiniLM', 'models/minilm'],
  ].filter((each): each is [string, string] => existsSync(each[1] ?? ''))

const calibration = [{ texts: [{ text: 'ok', label: 'ham', file: 'bundles.ts', line: 1 }] }]

/** Writes bundles into `dir`; what they answer does not matter here, so the gate lets everything pass. */
export async function writeBundles(
  base: string,
  dir: string,
  mode: 'merged' | 'unmerged',
  precisions: readonly Precision[] = PRECISIONS,
): Promise<Record<string, string>> {
  const { sha256: baseSha256, config } = await readBase(base)
  const targetModules = adaptableLayers(config).flatMap(({ name, kind }) => (kind === 'linear' ? [name] : []))
  const adapter = randomAdapter({ base, baseSha256, config, rank: 8, labels: ['ham', 'spam'], targetModules })
  // Small, so that the model stays what it is.
  for (const { b } of adapter.layers.values()) b.data = b.data.map((value) => value * 1e-3)
  const adapters = [{ name: 'spam', dir: join(dir, `adapter-${mode}`) }]
  await writeAdapter(adapters[0]!.dir, adapter) // just made
  const written: Record<string, string> = {}
  for (const precision of precisions) {
    const out = join(dir, `${mode}-${precision}`)
    await exportBundle({ base, adapters, mode, precision, probes: ['ok'], calibration, maxAccuracyDrop: 1, dir: out })
    written[precision] = out
  }
  return written
}
