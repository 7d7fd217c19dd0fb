/** Runs the scripts of this folder where the Hugging Face libraries are. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type Result, report } from './report.ts'

const howToInstall =
  'In a virtual environment run `pip install -r test/interop/requirements.txt`, then ' +
  '`npm run test:interop -- --python PATH/bin/python`.'

/** Runs a script of test/interop with arguments; what it prints is returned, and what it says on stderr shown where it fails. */
export type Python = (script: string, args: readonly string[], input?: string) => string

export function createPython(program: string): Python {
  return (script, args, input) => {
    const path = fileURLToPath(new URL(`../${script}`, import.meta.url))
    const options = { encoding: 'utf8', maxBuffer: 2 ** 30, input } as const
    const { status, stdout, stderr, error } = spawnSync(program, [path, ...args], options)
    if (status === 0) return stdout
    console.error(error?.message ?? stderr)
    if (args[0] === 'versions') console.error(`\n${program} lacks the libraries. ${howToInstall}`)
    process.exit(1)
  }
}

/** Values that a script prints, one a line. */
export const parseLines = <T>(output: string): T[] =>
  output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T)

/** Results that a script prints. */
export function reportLines<T extends Result>(output: string): T[] {
  const checked = parseLines<T>(output)
  checked.forEach(report)
  return checked
}
