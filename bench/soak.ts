/**
 * Whether `graft serve` keeps its memory: concurrency 20 while adapters come and go, for half an hour. Resident memory may
 * grow by less than 50 MB after the first five minutes (or after the first half of a shorter run), and every request must
 * be answered. Exits with 1 where it does not hold.
 *
 * Usage: npm run quickstart && npm run soak [-- --minutes 30] [--warm-up MINUTES] [--plant-leak]
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Pool } from 'undici'
import { createRandom } from '../src/core/random.ts'
import { median } from './measure.ts'
import { BUNDLE, readSpamAdapter, vary } from './serve/adapters.ts'
import { readTexts } from './serve/texts.ts'
import { type Change, createChanges } from './soak/changes.ts'

const CONCURRENCY = 20
/** Names that come and go; fewer fit in memory, so that some are evicted and come back. */
const NAMES = Array.from({ length: 24 }, (_, at) => `a${at}`)
const MAX_ADAPTERS = 16
const VERSIONS = 32
const CHANGE_EVERY_MS = 250
const SAMPLE_EVERY_MS = 1000
const LIMIT_MB = 50
const adminKey = 'soak-admin-key-0123456789'

/** `graft serve` in a process of its own; rejects where it ends before it listens. */
async function startServer(dir: string, plantLeak: boolean) {
  const keyFile = join(dir, 'admin.key')
  await writeFile(keyFile, adminKey)
  const leak = plantLeak ? ['--import', resolve('bench/soak/leak.mjs')] : []
  const options = [
    '--port',
    '0',
    '--json',
    '--admin-key-file',
    keyFile,
    '--adapter-dir',
    dir,
    '--max-adapters',
    `${MAX_ADAPTERS}`,
  ]
  const child = spawn(process.execPath, [...leak, 'bin/graft.js', 'serve', BUNDLE, ...options], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const ended = new Promise<number | null>((done) => child.once('exit', done))
  const url = await new Promise<string>((listening, failed) => {
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      const found = /"url": "(http:[^"]+)"/.exec(output)?.[1]
      if (found) listening(found)
    })
    child.once('exit', () => failed(new Error('the server has ended')))
  })
  return { url, stop: () => (child.kill('SIGTERM'), ended) }
}

/** Memory, as the server itself tells it, MB; heap and external memory are the main thread's part of the resident memory. */
async function readMemory(url: string) {
  const metrics = await (await fetch(`${url}/metrics`)).text()
  const read = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(metrics)?.[1]) / 1e6
  return {
    resident: read('process_resident_memory_bytes'),
    heap: read('nodejs_heap_size_used_bytes'),
    external: read('nodejs_external_memory_bytes'),
  }
}

interface Settings {
  minutes: number
  warmUp: number
  plantLeak: boolean
}

async function main({ minutes, warmUp, plantLeak }: Settings): Promise<boolean> {
  if (!existsSync(BUNDLE)) throw new Error(`${BUNDLE} is not there: run \`npm run quickstart\` first`)
  const dir = await mkdtemp(join(tmpdir(), 'graft-soak-'))
  const { texts } = await readTexts()
  const spam = await readSpamAdapter()
  const versions = Array.from({ length: VERSIONS }, (_, seed) => vary(spam, seed))
  const { url, stop } = await startServer(dir, plantLeak)
  const { change, mayAnswer } = createChanges({ url, adminKey, dir, names: NAMES, versions, random: createRandom(1) })
  const random = createRandom(2)
  const pool = new Pool(url, { connections: CONCURRENCY, pipelining: 1 })
  const statuses = new Map<number, number>()
  let wrong = 0
  const changes = new Map<Change, number>()
  const count = <K>(counts: Map<K, number>, key: K) => counts.set(key, (counts.get(key) ?? 0) + 1)

  const started = performance.now()
  const elapsed = () => (performance.now() - started) / 60_000
  const headers = { 'Content-Type': 'application/json' }
  async function ask(): Promise<void> {
    while (elapsed() < minutes) {
      const adapter = NAMES[random.integer(NAMES.length)] ?? ''
      const asked = performance.now()
      const body = JSON.stringify({ inputs: texts[random.integer(texts.length)], adapter })
      const answer = await pool.request({ method: 'POST', path: '/v1/classify', headers, body })
      await answer.body.dump()
      const { statusCode: status } = answer
      count(statuses, status)
      if (!mayAnswer(status, adapter, asked)) wrong++
    }
  }
  async function keepChanging(): Promise<void> {
    for (; elapsed() < minutes; await sleep(CHANGE_EVERY_MS)) count(changes, await change())
  }
  const samples: { minute: number; megabytes: number }[] = []
  async function watch(): Promise<void> {
    let shown = 0
    for (; elapsed() < minutes; await sleep(SAMPLE_EVERY_MS)) {
      const minute = elapsed()
      const { resident, heap, external } = await readMemory(url)
      samples.push({ minute, megabytes: resident })
      if (minute < shown) continue
      shown++
      const parts = `heap ${heap.toFixed(0)}, external ${external.toFixed(0)}`
      console.log(`${minute.toFixed(0).padStart(3)} min  ${resident.toFixed(0)} MB (main thread: ${parts})`)
    }
  }
  const leak = plantLeak ? ', with a leak planted: 16 KB a request' : ''
  console.log(`graft serve ${BUNDLE}, concurrency ${CONCURRENCY}, ${minutes} minutes${leak}`)
  await Promise.all([...Array.from({ length: CONCURRENCY }, ask), keepChanging(), watch()])
  await pool.close()
  const exitCode = await stop()
  await rm(dir, { recursive: true })

  // Medians of a fifth at each end: single samples move by tens of MB with each garbage collection.
  const warm = samples.filter(({ minute }) => minute >= warmUp).map(({ megabytes }) => megabytes)
  const fifth = Math.ceil(warm.length / 5)
  const growth = median(warm.slice(-fifth)) - median(warm.slice(0, fifth))
  const requests = [...statuses.values()].reduce((sum, each) => sum + each, 0)
  const changed = [...changes].map(([kind, times]) => `${times} × ${kind}`).join(', ')
  const answers = [...statuses].map(([status, times]) => `${times} × ${status}`).join(', ')
  console.log(`${requests} requests: ${answers}; ${changed}`)
  console.log(`wrong answers: ${wrong} (right: 200, or 404 if the adapter was absent at some moment of the request)`)
  console.log(
    `memory after ${warmUp} minutes: ${growth >= 0 ? '+' : ''}${growth.toFixed(1)} MB (bar: < ${LIMIT_MB} MB); the server ended with ${exitCode}`,
  )
  const passed = growth < LIMIT_MB && wrong === 0 && exitCode === 0
  const reasons = [
    growth < LIMIT_MB ? [] : 'memory leaks',
    wrong === 0 ? [] : 'wrong answers',
    exitCode === 0 ? [] : 'the server did not end well',
  ].flat()
  console.log(passed ? 'PASSED' : `FAILED: ${reasons.join(', ')}`)
  return passed
}

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    'warm-up': { type: 'string' },
    'plant-leak': { type: 'boolean', default: false },
  },
})
const minutes = Number(values.minutes)
const passed = await main({
  minutes,
  warmUp: Number(values['warm-up'] ?? Math.min(5, minutes / 2)),
  plantLeak: values['plant-leak'],
})
process.exitCode = passed ? 0 : 1
