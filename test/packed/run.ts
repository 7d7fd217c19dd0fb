/**
 * Runs what the documentation shows where Graft is an installed package: README's lines of library, then the example of each public
 * function, in the folder that those lines leave. The page's are type-checked only: `test/web` runs them in a browser.
 *
 * Usage: npm run test:packed -- FOLDER
 */
import { execFileSync } from 'node:child_process'
import { copyFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { readExamples, readmeProgram } from './examples.ts'

const root = join(import.meta.dirname, '../..')
const folder = resolve(process.argv[2] ?? '.')

const inFolder = (program: string, args: readonly string[]) =>
  execFileSync(program, args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

function run(file: string): void {
  const started = performance.now()
  try {
    inFolder(process.execPath, [file])
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string }
    throw new Error(`${file} failed:\n${stdout}${stderr}`, { cause: error })
  }
  console.log(`${file} ran in ${((performance.now() - started) / 1000).toFixed(1)} s`)
}

await copyFile(join(root, 'examples/data/sentiment.csv'), join(folder, 'messages.csv'))
await writeFile(join(folder, 'readme.mjs'), await readmeProgram())
run('readme.mjs')
await copyFile(join(import.meta.dirname, 'serve.mjs'), join(folder, 'serve.mjs'))
run('serve.mjs')

const files: string[] = []
for (const { name, entry, code } of await readExamples()) {
  const file = `${entry.replace('/', '-')}-${name}.mjs`
  await writeFile(join(folder, file), code)
  files.push(file)
}

const compilerOptions = {
  allowJs: true,
  checkJs: true,
  noEmit: true,
  strict: true,
  target: 'es2023',
  lib: ['es2023', 'esnext.disposable', 'dom'],
  module: 'nodenext',
  types: ['node'],
  typeRoots: [join(root, 'node_modules/@types')],
  // TensorFlow.js and WebGPU each declare what the other does.
  skipLibCheck: true,
}
await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['readme.mjs', ...files] }))
console.log(inFolder(join(root, 'node_modules/.bin/tsc'), ['-p', '.']) || `${files.length} examples type-check`)

for (const file of files) if (!file.startsWith('graft-lora-web')) run(file)
