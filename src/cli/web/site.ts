/** Puts the page and a bundle together into a folder for any static host. */
import { cp, readdir, stat } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { type Manifest, graphDataFile, graphPath } from '../../core/bundle.ts'
import { GraftError } from '../../core/errors.ts'
import { verifyBundle } from '../../export/verify.ts'
import { readBundle } from '../../files/bundle-folder.ts'
import { type OutputFolder, type WriteOptions, withOutput } from '../../files/output.ts'
import { copyPage, fitPage } from './page.ts'

/** What a visitor downloads, by kind. */
export interface SitePart {
  name: string
  /** Whether only some visitors download it, or none. */
  optional: boolean
  /** Paths of its files in the site. */
  files: string[]
  bytes: number
}

/**
 * Writes the site of a bundle, which is verified first: its golden logits too.
 * @throws GraftError `bundle` for one that is not sound, or too large for a page; `file-exists`, `file-write`, and what `readBundle` throws
 */
export async function writeSite(bundle: string, out: string, { force }: WriteOptions): Promise<SitePart[]> {
  const options = { kind: 'site', force, inputs: [bundle], keepsOthers: true } as const
  return withOutput(out, options, (output) => makeSite(bundle, output))
}

async function makeSite(bundle: string, output: OutputFolder): Promise<SitePart[]> {
  const { manifest } = await readBundle(bundle, { verify: false })
  const failed = (await verifyBundle(bundle)).checks.find(({ ok }) => !ok)
  if (failed) {
    throw new GraftError('bundle', `${bundle} is not sound: ${failed.name}: ${failed.detail}`, {
      hint: 'Look at it with `graft verify`, and make it again with `graft export`.',
      file: bundle,
    })
  }
  if (`onnx/${graphDataFile}` in manifest.files) {
    throw new GraftError('bundle', `${bundle} is too large for a page: its weights lie beside the graph`, {
      hint: 'A page takes models of less than 256 MB: export one of a smaller base. Serve this one with `graft serve`.',
      file: bundle,
    })
  }
  return output.publish(async (dir) => {
    await copyPage(dir)
    await fitPage(dir, manifest)
    for (const path of ['graft.json', ...Object.keys(manifest.files)]) {
      await cp(join(bundle, path), join(dir, 'bundle', path))
    }
    return listParts(dir, manifest)
  })
}

interface Kind {
  name: string
  isPart(path: string): boolean
  optional?: true
}

/** What each part consists of; the first that fits counts. */
function kindsOf({ tokenizer }: Manifest): Kind[] {
  const matching = (pattern: RegExp) => (path: string) => pattern.test(path)
  const vocabulary = /gpt2-ranks/
  const ownTokenizer = /^bundle\/tokenizer(_config)?\.json$/
  return [
    { name: 'ONNX Runtime for WebGPU, where it is asked for', isPart: matching(/jspi/), optional: true },
    { name: 'tables, where one is opened', isPart: matching(/assets\/(table|parquet)-/), optional: true },
    { name: 'regular expressions, where an adapter has some', isPart: matching(/\bre2-.*\.js$/), optional: true },
    { name: 'page: JavaScript and CSS', isPart: matching(/\.(m?js|css)$/) },
    { name: 'ONNX Runtime (WebAssembly)', isPart: matching(/\.wasm$/) },
    { name: 'tokenizer', isPart: matching(tokenizer === 'gpt2' ? vocabulary : ownTokenizer) },
    { name: "GPT-2's vocabulary, where another bundle needs it", isPart: matching(vocabulary), optional: true },
    { name: 'model', isPart: (path) => path === `bundle/${graphPath}` },
    { name: 'adapters', isPart: matching(/^bundle\/adapters\//) },
    { name: 'what the bundle says of itself', isPart: matching(/^bundle\/(graft|config|golden)\.json$/) },
    { name: 'files of the bundle for other programs', isPart: matching(/^bundle\//), optional: true },
  ]
}

/** A site's parts, those first that every visitor needs. */
async function listParts(dir: string, manifest: Manifest): Promise<SitePart[]> {
  const kinds = kindsOf(manifest)
  const parts = kinds.map(({ name, optional = false }): SitePart => ({ name, optional, files: [], bytes: 0 }))
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const file = join(entry.parentPath, entry.name)
    const path = relative(dir, file).replaceAll('\\', '/')
    const part = parts[kinds.findIndex(({ isPart }) => isPart(path))]
    part?.files.push(path)
    if (part) part.bytes += (await stat(file)).size
  }
  return parts.filter(({ files }) => files.length > 0).sort((a, b) => Number(a.optional) - Number(b.optional))
}
