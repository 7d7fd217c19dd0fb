/** Checks a bundle: its description, every file's hash, that the parts fit together, and its golden logits. */
import { join } from 'node:path'
import { type Manifest, parseManifest } from '../core/bundle.ts'
import { GraftError } from '../core/errors.ts'
import { type Bundle, checkHash, readBundle } from '../files/bundle-folder.ts'
import { readJson } from '../files/read.ts'
import { openBundle } from '../runtime/index.ts'
import { describeParity, isWithin, replay } from './parity.ts'

export interface Check {
  /** `graft.json`, the path of a file, `parts` or `golden logits`. */
  name: string
  ok: boolean
  /** What was found, or what is wrong. */
  detail: string
}

export interface Verification {
  ok: boolean
  /** All that was checked; checks that need what failed before them are left out. */
  checks: Check[]
}

/**
 * Verifies a bundle.
 * @returns what failed is reported, not thrown
 * @example
 * import { verifyBundle } from 'graft-lora/export'
 *
 * const { ok, checks } = await verifyBundle('runs/merged')
 * if (!ok) console.error(checks.filter((check) => !check.ok))
 */
export async function verifyBundle(dir: string): Promise<Verification> {
  const checks: Check[] = []
  const check = async <T>(name: string, run: () => Promise<[detail: string, result: T]>): Promise<T | undefined> => {
    try {
      const [detail, result] = await run()
      checks.push({ name, ok: true, detail })
      return result
    } catch (error) {
      if (!(error instanceof GraftError)) throw error
      checks.push({ name, ok: false, detail: error.message })
      return undefined
    }
  }

  const manifest = await check('graft.json', () => readManifest(dir))
  for (const [path, hash] of Object.entries(manifest?.files ?? {})) {
    await check(path, async () => ['unchanged', await checkHash(dir, path, hash)])
  }
  const bundle = manifest && (await check('parts', () => readParts(dir)))
  if (bundle) await check('golden logits', () => checkGolden(bundle))
  return { ok: checks.every(({ ok }) => ok), checks }
}

async function readManifest(dir: string): Promise<[string, Manifest]> {
  const file = join(dir, 'graft.json')
  const manifest = parseManifest(
    await readJson(file, 'A bundle is what `graft export` makes of an adapter or a model: give that folder.'),
    file,
  )
  const precision = manifest.precision === 'fp32' ? '' : `, ${manifest.precision}`
  return [`${manifest.kind} bundle, format ${manifest.formatVersion}${precision}`, manifest]
}

async function readParts(dir: string): Promise<[string, Bundle]> {
  const bundle = await readBundle(dir, { verify: false })
  const { manifest, config, adapters } = bundle
  if (manifest.kind === 'unmerged') return [`${adapters.size} adapters fit the base`, bundle]
  const named = Object.values(config.id2label ?? {})
  const areSame = JSON.stringify(named) === JSON.stringify(manifest.labels)
  if (!areSame)
    throw fault(`config.json names the labels ${named.join(', ')}; graft.json ${manifest.labels.join(', ')}`, dir)
  return [`a classifier of ${named.length} labels`, bundle]
}

async function checkGolden({ dir, golden, manifest: { precision } }: Bundle): Promise<[string, void]> {
  const classifier = await openBundle(dir, { verify: false })
  try {
    const parity = await replay(classifier, golden, precision)
    if (!isWithin(parity)) throw fault(describeParity(parity), 'golden.json')
    return [describeParity(parity), undefined]
  } finally {
    await classifier.close()
  }
}

const fault = (message: string, file: string) =>
  new GraftError('bundle', message, { hint: 'Make the bundle again with `graft export`.', file })
