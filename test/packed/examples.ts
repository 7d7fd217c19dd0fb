/** The examples that the documentation shows: README's lines of library, and the `@example` of each public function. */
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'

export interface Example {
  /** The function that it shows. */
  name: string
  /** What it is imported from. */
  entry: string
  /** The program. */
  code: string
}

/** The package's entries, and the files that they are. */
const ENTRIES: Readonly<Record<string, string>> = {
  'graft-lora': 'index.ts',
  'graft-lora/train': 'train/index.ts',
  'graft-lora/export': 'export/index.ts',
  'graft-lora/serve': 'serve/index.ts',
  'graft-lora/onnx': 'onnx/index.ts',
  'graft-lora/web': 'web/index.ts',
}

const source = join(import.meta.dirname, '../../src')

/** The code of a comment's `@example`: all lines up to the next tag. */
function exampleIn(comment: string): string | undefined {
  const lines = comment.split('\n').map((line) => line.replace(/^\s*\* ?/, ''))
  const start = lines.findIndex((line) => line.startsWith('@example'))
  if (start < 0) return undefined
  const end = lines.findIndex((line, at) => at > start && line.startsWith('@'))
  const code = lines.slice(start + 1, end < 0 ? undefined : end)
  return code
    .filter((line) => !line.startsWith('```'))
    .join('\n')
    .trim()
}

/** The comment in front of what a file exports by a name. */
function commentOf(name: string, text: string): string | undefined {
  const at = text.search(new RegExp(`^export (async )?(function\\*?|const|class) ${name}\\b`, 'm'))
  if (at < 0) return undefined
  const before = text.slice(0, at).trimEnd()
  return before.endsWith('*/') ? before.slice(before.lastIndexOf('/**') + 3, -2) : ''
}

/** The example of every function of every entry; a function without one is an error. */
export async function readExamples(): Promise<Example[]> {
  const files = (await readdir(source, { recursive: true })).filter((file) => file.endsWith('.ts'))
  const texts = await Promise.all(files.map((file) => readFile(join(source, file), 'utf8')))
  const examples: Example[] = []
  for (const [entry, file] of Object.entries(ENTRIES)) {
    const exported = (await import(join(source, file))) as Record<string, unknown>
    for (const [name, value] of Object.entries(exported)) {
      // An error class is shown where it is caught.
      if (typeof value !== 'function' || name === 'GraftError') continue
      const found = texts.flatMap((text, at) => {
        const comment = commentOf(name, text)
        return comment === undefined ? [] : [{ comment, file: files[at]! }] // as many files as texts
      })
      // Its own folder's, or the one that its folder passes on.
      const own = found.filter((each) => each.file.startsWith(`${file.split('/')[0]}/`))
      const [only, ...others] = own.length > 0 ? own : found.filter((each) => !each.file.startsWith('web/'))
      if (!only || others.length > 0) throw new Error(`it is not clear which ${name} is ${entry}'s`)
      const code = exampleIn(only.comment)
      if (code === undefined) throw new Error(`${name} of ${entry} has no @example (src/${only.file})`)
      examples.push({ name, entry, code })
    }
  }
  return examples
}

/** README's lines of library, as one program. */
export async function readmeProgram(): Promise<string> {
  const text = await readFile(join(source, '../README.md'), 'utf8')
  const block = /```ts\n(.*?)```/s.exec(text)?.[1]
  if (block === undefined) throw new Error('README has no block of TypeScript')
  return block
}
