/** Merged bundles in transformers.js, which is no dependency: with its own runtimes it is half a gigabyte. */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { reportLines } from './python.ts'
import { note } from './report.ts'

const folder = fileURLToPath(new URL('../transformers-js', import.meta.url))

function install(): void {
  if (existsSync(join(folder, 'node_modules'))) return
  note('installing transformers.js into test/interop/transformers-js')
  const args = ['install', '--ignore-scripts', '--no-package-lock', '--no-fund', '--no-audit']
  const { status } = spawnSync('npm', args, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] })
  if (status !== 0) throw new Error(`npm ${args.join(' ')} in ${folder} ended with ${status}`)
}

/** @param root bundles with `texts.json` are in the folders `bundles` of its folders */
export function checkTransformersJs(root: string): void {
  install()
  const bundles = readdirSync(root).flatMap((family) =>
    readdirSync(join(root, family, 'bundles')).map((name) => join(root, family, 'bundles', name)),
  )
  const { status, stdout } = spawnSync(process.execPath, [join(folder, 'classify.mjs'), ...bundles], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  reportLines(stdout)
  if (status !== 0) throw new Error(`transformers.js ended with ${status}`)
}
