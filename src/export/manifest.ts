/** Describes a bundle just written: `graft.json`, with the hash of every file and where it all came from. */
import { readdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join, relative, sep } from 'node:path'
import { type Manifest, parseManifest } from '../core/bundle.ts'
import type { Gate, Precision } from '../core/precision.ts'
import { sha256File } from '../files/hash.ts'
import type { ExportInputs } from './inputs.ts'
import type { Parity } from './parity.ts'
import type { Plan } from './plan.ts'

export interface ManifestParts {
  inputs: ExportInputs
  plan: Plan
  precision: Precision
  gate?: Gate | undefined
  parity: Parity
}

const { version }: { version: string } = createRequire(import.meta.url)('../../package.json')

/** @param folder the bundle, complete but for `graft.json` */
export async function createManifest(
  folder: string,
  { inputs, plan, precision, gate, parity }: ManifestParts,
): Promise<Manifest> {
  const manifest = {
    formatVersion: 1,
    ...plan.fields,
    maxLength: plan.maxLength,
    tokenizer: plan.tokenizer === 'gpt2' ? 'gpt2' : 'tokenizer.json',
    precision,
    ...(gate && { gate }),
    files: await hashFiles(folder),
    provenance: await provenance(inputs, plan),
    parity,
  }
  return parseManifest(manifest, 'graft.json')
}

/** SHA-256 by path, `/` between its parts on every system. */
async function hashFiles(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
  const hashes: Record<string, string> = {}
  for (const path of paths.toSorted()) hashes[relative(folder, path).replaceAll(sep, '/')] = await sha256File(path)
  return hashes
}

async function provenance({ base, adapters }: ExportInputs, { fields }: Plan): Promise<Manifest['provenance']> {
  const { info } = adapters[0]?.adapter ?? base
  const weights = adapters.map(({ dir }) => sha256File(join(dir, 'adapter_model.safetensors')))
  return {
    graftVersion: version,
    baseSha256: base.sha256,
    adapterSha256s: await Promise.all(weights),
    ...(fields.kind === 'merged' && info && 'dataSha256' in info && { dataSha256: info.dataSha256 }),
    createdAt: new Date().toISOString(),
  }
}
