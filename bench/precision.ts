/**
 * What fewer bits buy: the tables of docs/precision.md but for accuracy, which `npm run bench:accuracy -- --base-precision` has.
 *
 * Usage: npm run bench:precision [-- --part step|memory|inference|adapters|page …] [--threads 2] [--python PYTHON]
 *
 * With PYTHON, an interpreter that has torch and peft, their step is measured beside Graft's in turns.
 */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { parseArgs, promisify } from 'node:util'
import { measureAdapters, measureInference } from './precision/inference.ts'
import { measureMemory } from './precision/memory.ts'
import { measureSteps } from './precision/step.ts'

const { values } = parseArgs({
  options: {
    part: { type: 'string', multiple: true },
    threads: { type: 'string', default: String(availableParallelism()) },
    python: { type: 'string' },
  },
})

/** Instructions for products of small integers that the processor has, as Linux names them. */
function instructions(): string {
  const known = ['amx_int8', 'avx512_vnni', 'avx_vnni', 'asimddp', 'i8mm']
  try {
    const flags = new Set(readFileSync('/proc/cpuinfo', 'utf8').split(/\s+/))
    return known.filter((name) => flags.has(name)).join(', ') || 'none of ' + known.join(', ')
  } catch {
    return 'unknown on this system'
  }
}

const parts: Record<string, () => Promise<void>> = {
  step: () => measureSteps(Number(values.threads), values.python),
  memory: measureMemory,
  inference: () => measureInference(1),
  adapters: () => measureAdapters(1),
  page: async () => {
    // In the browser's types, which are not Node's.
    const { stdout } = await promisify(execFile)('npx', ['tsx', 'bench/web/precision.ts'])
    process.stdout.write(stdout)
  },
}
const unknown = values.part?.find((name) => !(name in parts))
if (unknown === undefined) {
  console.log(`${cpus()[0]?.model ?? 'a processor'}; products of small integers: ${instructions()}`)
  for (const [name, run] of Object.entries(parts)) if (values.part?.includes(name) ?? true) await run()
} else {
  console.error(`--part is one of ${Object.keys(parts).join(', ')}, not ${unknown}`)
  process.exitCode = 1
}
