/** The import rule: which folder may import which, and which libraries. */
import { readFileSync, readdirSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const src = fileURLToPath(new URL('../src', import.meta.url))

/** The folders that each folder may import from, besides itself. */
const allowed: Record<string, string[]> = {
  core: [],
  files: ['core'],
  model: ['core'],
  onnx: ['core'],
  runtime: ['core', 'files'],
  train: ['core', 'files', 'model', 'onnx'],
  export: ['core', 'files', 'model', 'onnx', 'runtime'],
  serve: ['core', 'files', 'runtime'],
  web: ['core'],
  cli: ['core', 'files', 'model', 'onnx', 'runtime', 'train', 'export', 'serve'],
  // The package's root entry.
  'index.ts': ['core', 'runtime'],
}

/** Libraries, and the only folders that may load them. */
const libraries: [RegExp, string[]][] = [
  [/^node:/, ['files', 'runtime', 'train', 'export', 'serve', 'cli']],
  [/^@tensorflow\//, ['model', 'onnx', 'train', 'export', 'cli']],
  [/^onnxruntime-node/, ['runtime', 'train', 'export', 'serve', 'cli']],
  [/^onnxruntime-web/, ['web']],
  [/^commander/, ['cli']],
]

const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => name.replaceAll('\\', '/'))
const folderOf = (file: string) => file.split('/')[0] ?? ''

/** What a source text imports or exports from, statically or not. */
const importsOf = (text: string): string[] =>
  [
    ...text.matchAll(
      /^(?:import|export|\})(?: .*)? from ['"](.+?)['"]|^import ['"](.+?)['"]|\bimport\(\s*['"](.+?)['"]/gm,
    ),
  ].flatMap(([, from, bare, dynamic]) => from ?? bare ?? dynamic ?? [])

/** What is wrong with an import; undefined if nothing is. */
function fault(file: string, specifier: string): string | undefined {
  const folder = folderOf(file)
  if (specifier.startsWith('.')) {
    const target = relative(src, join(src, dirname(file), specifier)).replaceAll('\\', '/')
    const isAllowed =
      folderOf(target) === folder || target === '../package.json' || allowed[folder]?.includes(folderOf(target))
    return isAllowed ? undefined : `src/${file} imports src/${target}: ${folder} may not import ${folderOf(target)}`
  }
  const restricted = libraries.find(([pattern]) => pattern.test(specifier))
  if (!restricted || restricted[1].includes(folder)) return undefined
  return `src/${file} imports ${specifier}: ${folder} may not load it`
}

describe('the source', () => {
  it('has only folders that the rule knows', () => {
    expect(files.filter((file) => !(folderOf(file) in allowed))).toEqual([])
  })

  it('imports only what the rule allows', () => {
    const imports = files.flatMap((file) =>
      importsOf(readFileSync(join(src, file), 'utf8')).map((specifier) => [file, specifier] as const),
    )
    expect(imports.length).toBeGreaterThan(files.length)
    expect(imports.flatMap(([file, specifier]) => fault(file, specifier) ?? [])).toEqual([])
  })

  it('exports its one error from each entry', () => {
    const { exports } = JSON.parse(readFileSync(join(src, '../package.json'), 'utf8')) as { exports: object }
    const entries = Object.keys(exports).filter((name) => !name.endsWith('.json'))
    const without = entries.filter(
      (name) => !/^export .*\bGraftError\b/m.test(readFileSync(join(src, name, 'index.ts'), 'utf8')),
    )
    expect(without).toEqual([])
  })

  it('touches the process only in the command line', () => {
    const touching = files.filter((file) =>
      /\bprocess\.|from 'node:process'/.test(readFileSync(join(src, file), 'utf8')),
    )
    // A lock names its process.
    expect(touching.filter((file) => folderOf(file) !== 'cli' && file !== 'files/claim.ts')).toEqual([])
  })
})

describe('the rule', () => {
  it('sees every form of import', () => {
    const text = [
      `import a from './a.ts'`,
      `import { b, type B } from './b.ts'`,
      `import type { C } from './c.ts'`,
      `import {`,
      `  d,`,
      `} from './d.ts'`,
      `export * from './e.ts'`,
      `export { f } from './f.ts'`,
      `import "./g.ts"`,
      `const { h } = await import('./h.ts')`,
      `import * as i from './i.ts'`,
      `type J = typeof import('./j.ts')`,
    ].join('\n')
    expect(importsOf(text)).toEqual([...'abcdefghij'].map((name) => `./${name}.ts`))
  })

  it.each([
    ['core/a.ts', '../files/b.ts', 'core may not import files'],
    ['core/a.ts', 'node:fs', 'core may not load it'],
    ['core/a/b.ts', '@tensorflow/tfjs', 'core may not load it'],
    ['model/ops/a.ts', '../../train/b.ts', 'model may not import train'],
    ['runtime/a.ts', '@tensorflow/tfjs', 'runtime may not load it'],
    ['train/a.ts', '../export/b.ts', 'train may not import export'],
    ['export/a.ts', '../cli/ui.ts', 'export may not import cli'],
    ['web/a.ts', '../files/b.ts', 'web may not import files'],
    ['files/a.ts', '../../test/b.ts', 'files may not import ..'],
  ])('refuses %s importing %s', (file, specifier, message) => {
    expect(fault(file, specifier)).toContain(message)
  })

  it.each([
    ['core/a.ts', './b.ts'],
    ['core/a/b.ts', '../errors.ts'],
    ['core/a.ts', 'zod'],
    ['export/a.ts', '../runtime/b.ts'],
    ['cli/a/b.ts', '../../train/c.ts'],
  ])('allows %s importing %s', (file, specifier) => {
    expect(fault(file, specifier)).toBeUndefined()
  })
})
