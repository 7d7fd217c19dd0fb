/**
 * Times of encoding, for each kind of tokenizer: an SMS, and runs without a place to break of 20,000 and 200,000 characters,
 * which must take about ten times as long as each other.
 *
 * Usage: npx tsx bench/tokenizer.ts [folder of a tokenizer.json …]
 */
import { readFileSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Table from 'cli-table3'
import ranks from 'js-tiktoken/ranks/gpt2'
import type { Tokenizer } from '../src/core/tokenizer.ts'
import { createGpt2Tokenizer } from '../src/core/tokenizer/gpt2.ts'
import { createJsonTokenizer } from '../src/core/tokenizer/json.ts'
import { median } from './measure.ts'

const SMS =
  "Free entry in 2 a wkly comp to win FA Cup final tkts 21st May 2005. Text FA to 87121 to receive entry, I'm told!"
const UNITS = ['a', ' ', '1', '🎉', '\u0301', '世']
const RUNS = 5

function milliseconds(run: () => unknown): number {
  const times = Array.from({ length: RUNS }, () => {
    const started = performance.now()
    run()
    return performance.now() - started
  })
  return median(times)
}

const golden = fileURLToPath(new URL('../test/interop/golden/tokenizers', import.meta.url))
const folders = process.argv.length > 2 ? process.argv.slice(2) : readdirSync(golden).map((name) => join(golden, name))

function open(folder: string): Promise<Tokenizer> {
  const file = join(folder, 'tokenizer.json')
  return createJsonTokenizer(JSON.parse(readFileSync(file, 'utf8')), undefined, file)
}

const table = new Table({ head: ['tokenizer', 'SMS, µs', ...UNITS.map((unit) => `${JSON.stringify(unit)}, ms`)] })
for (const [name, tokenizer] of [
  ['GPT-2', createGpt2Tokenizer(ranks)] as const,
  ...(await Promise.all(folders.map(async (folder) => [basename(folder), await open(folder)] as const))),
]) {
  const sms = milliseconds(() => {
    for (let at = 0; at < 1_000; at++) tokenizer.encode(SMS)
  })
  const runs = UNITS.map((unit) =>
    [20_000, 200_000].map((length) =>
      milliseconds(() => tokenizer.encode(unit.repeat(length / unit.length))).toFixed(0),
    ),
  )
  table.push([name, sms.toFixed(0), ...runs.map((times) => times.join(' / '))])
}
console.log(table.toString())
