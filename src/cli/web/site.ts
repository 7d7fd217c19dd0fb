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

const isRanks = (path: string) => path.includes('gpt2-ranks')
const isTokenizerFile = (path: string) => /^bundle\/tokenizer(_config)?\.json$/.test(path)

/** What each part consists of; the first that fits counts. */
const kindsOf = ({ tokenizer }: Manifest): [name: string, isPart: (path: string) => boolean][] => [
  ['model', (path) => path === `bundle/${graphPath}`],
  ['adapters', (path) => path.startsWith('bundle/adapters/')],
  ['tokenizer', tokenizer === 'gpt2' ? isRanks : isTokenizerFile],
  ['other files of the bundle', (path) => path.startsWith('bundle/')],
  ['ONNX Runtime for WebGPU, where it is asked for', (path) => path.includes('jspi')],
  ["GPT-2's vocabulary, where another bundle needs it", isRanks],
  ['tables, where one is opened', (path) => /assets\/(table|parquet)-/.test(path)],
  ['regular expressions, where an adapter has some', (path) => /\bre2-.*\.js$/.test(path)],
  ['ONNX Runtime (WebAssembly)', (path) => path.endsWith('.wasm')],
  ['page: JavaScript and CSS', (path) => /\.(m?js|css)$/.test(path)],
]

/** A site's parts, those first that every visitor needs. */
async function listParts(dir: string, manifest: Manifest): Promise<SitePart[]> {
  const kinds = kindsOf(manifest)
  const parts = kinds.map(([name]): SitePart => ({ name, files: [], bytes: 0 }))
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const file = join(entry.parentPath, entry.name)
    const path = relative(dir, file).replaceAll('\\', '/')
    const part = parts[kinds.findIndex(([, isPart]) => isPart(path))]
    part?.files.push(path)
    if (part) part.bytes += (await stat(file)).size
  }
  return parts.filter(({ files }) => files.length > 0).reverse()
}
