/**
 * `graft serve` on the quickstart's unmerged bundle and SMS messages, one text a request, all numbers as ratios in one run:
 * HTTP against the same workers fed directly, many adapters against one, and latencies while adapters are loaded and
 * swapped. The load generator runs on the same cores as the server.
 *
 * Usage: npm run quickstart && npm run bench:serve [-- --rounds N]
 */
import { fork } from 'node:child_process'
import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { request } from 'undici'
import { median } from './measure.ts'
import { BUNDLE, encodeUpload, readSpamAdapter, vary } from './serve/adapters.ts'
import { createClient, type Load } from './serve/load.ts'
import type { Command, Settings, Usage } from './serve/server.ts'
import { readTexts } from './serve/texts.ts'

const CONNECTIONS = 64
const ADAPTERS = 256
/** Of the adapter that is uploaded; no name gets the version that it has. */
const VERSIONS = 31
const SECONDS = 4
/** Milliseconds from one upload to the next, while latencies are measured. */
const UPLOAD_EVERY_MS = 500
const adminKey = 'bench-admin-key-0123456789'

/** Starts the server's process. */
async function startServer(settings: Settings) {
  const child = fork(new URL('./serve/server.ts', import.meta.url), [JSON.stringify(settings)], {
    stdio: ['ignore', 'inherit', 'ignore', 'ipc'],
  })
  child.once('exit', (code) => code !== 0 && process.exit(1))
  const answer = <T>() =>
    new Promise<T>((resolve) => child.once('message', (message) => resolve((message as { answer: T }).answer)))
  const url = await answer<string>()
  const tell = <T = void>(command: Command): Promise<T> => {
    child.send(command)
    return answer<T>()
  }
  return { url, tell }
}

const percentile = (values: readonly number[], share: number) =>
  values.toSorted((a, b) => a - b)[Math.ceil(share * values.length) - 1] ?? Number.NaN

const spread = (values: readonly number[], format: (value: number) => string) =>
  `${format(median(values))} (${format(Math.min(...values))}–${format(Math.max(...values))})`
const whole = (value: number) => value.toFixed(0)
const percent = (value: number) => `${(100 * value).toFixed(0)} %`
const milliseconds = (value: number) => `${value.toFixed(1)} ms`
const times = (value: number) => value.toFixed(2)

interface Measured {
  /** Texts a second. */
  rate: number
  /** CPU of the server for each text, microseconds. */
  cpu: number
}

async function main(rounds: number): Promise<void> {
  if (!existsSync(BUNDLE)) throw new Error(`${BUNDLE} is not there: run \`npm run quickstart\` first`)
  const { file, texts } = await readTexts()
  const workers = availableParallelism()
  const { url, tell } = await startServer({ workers, maxAdapters: ADAPTERS, adminKey })
  const spam = await readSpamAdapter()
  // Made before anything is measured: the load generator's own work would count as latency.
  const versions = await Promise.all(Array.from({ length: VERSIONS }, (_, seed) => encodeUpload(vary(spam, seed))))

  async function upload(name: string, at: number): Promise<void> {
    const { body, headers } = versions[at % VERSIONS]! // VERSIONS of them
    const options = { method: 'PUT', body, headers: { ...headers, Authorization: `Bearer ${adminKey}` } } as const
    const response = await request(`${url}/v1/adapters/${name}`, options)
    const text = await response.body.text()
    if (response.statusCode >= 300) throw new Error(`upload: ${text}`)
  }

  let asked = 0
  /** Bodies of requests that go through the texts, and through so many adapters. */
  const over = (adapters: number) => () => {
    const at = asked++
    return JSON.stringify({ inputs: texts[at % texts.length], adapter: `a${(at * 7) % adapters}` })
  }
  const client = await createClient(url, CONNECTIONS)
  const counted: Usage[] = []

  async function overHttp(adapters: number): Promise<Measured> {
    await tell({ type: 'begin' })
    const { count, seconds } = await client.saturate({ seconds: SECONDS, next: over(adapters) })
    const usage = await tell<Usage>({ type: 'end' })
    counted.push(usage)
    return { rate: count / seconds, cpu: (1e6 * usage.cpuSeconds) / count }
  }

  async function direct(): Promise<Measured> {
    await tell({ type: 'begin' })
    const count = await tell<number>({
      type: 'direct',
      texts,
      concurrency: CONNECTIONS,
      seconds: SECONDS,
      adapter: 'a0',
    })
    const { cpuSeconds } = await tell<Usage>({ type: 'end' })
    return { rate: count / SECONDS, cpu: (1e6 * cpuSeconds) / count }
  }

  for (let at = 0; at < ADAPTERS; at++) await upload(`a${at}`, at)
  console.log(`${file}, ${texts.length} texts; ${workers} workers, ${CONNECTIONS} connections, ${ADAPTERS} adapters`)

  // Each round has all, so that they see the same noise of the machine. The first warms up: JavaScript gets faster for some 15 seconds.
  const measured: Record<'direct' | 'one' | 'some' | 'all', Measured>[] = []
  for (let round = 0; round <= rounds; round++) {
    if (round === 1) counted.length = measured.length = 0
    measured.push({
      direct: await direct(),
      one: await overHttp(1),
      some: await overHttp(64),
      all: await overHttp(ADAPTERS),
    })
  }
  type Phase = keyof (typeof measured)[number]
  const rates = (phase: Phase) => measured.map((each) => each[phase].rate)
  const rateRatio = (a: Phase, b: Phase) => measured.map((each) => each[a].rate / each[b].rate)
  /** Throughput that the server's CPU alone would allow. */
  const cpuRatio = (a: Phase, b: Phase) => measured.map((each) => each[b].cpu / each[a].cpu)
  const cpus = (phase: Phase) => measured.map((each) => each[phase].cpu)
  console.log(`\nThroughput, texts a second in ${rounds} rounds: median (smallest–largest)`)
  console.log(
    `  workers fed directly  ${spread(rates('direct'), whole)}, CPU a text ${spread(cpus('direct'), whole)} µs`,
  )
  console.log(`  HTTP, one adapter     ${spread(rates('one'), whole)}, CPU a text ${spread(cpus('one'), whole)} µs`)
  console.log(`  HTTP, 64 adapters     ${spread(rates('some'), whole)}, CPU a text ${spread(cpus('some'), whole)} µs`)
  console.log(`  HTTP, 256 adapters    ${spread(rates('all'), whole)}, CPU a text ${spread(cpus('all'), whole)} µs`)
  console.log(`  HTTP / direct         ${spread(rateRatio('one', 'direct'), percent)} (bar: ≥ 85 %)`)
  console.log(
    `    by the server's CPU ${spread(cpuRatio('one', 'direct'), percent)}: without the load generator's share`,
  )
  console.log(`  64 adapters / one     ${spread(rateRatio('some', 'one'), percent)} (bar: ≥ 85 %)`)
  console.log(`  256 adapters / one    ${spread(rateRatio('all', 'one'), percent)} (bar: ≥ 85 %)`)
  console.log(
    `  event loop's lag, p99 ${spread(
      counted.map(({ lagMs }) => lagMs),
      milliseconds,
    )} (bar: < 20 ms)`,
  )

  const rate = median(rates('one')) / 2
  /** With uploads: of adapters that are asked for meanwhile, replaced one after the other. */
  async function atHalfLoad(seed: number, uploads: boolean): Promise<Load> {
    const stop = new AbortController()
    async function keepUploading(): Promise<number> {
      for (let at = 0; !stop.signal.aborted; at++) {
        const since = performance.now()
        await upload(`a${at % 16}`, at)
        await sleep(Math.max(0, UPLOAD_EVERY_MS - (performance.now() - since)))
      }
      return 0
    }
    const uploading = uploads ? keepUploading() : undefined
    const load = await client.arrive({ seconds: 1.5 * SECONDS, next: over(16), rate, seed })
    stop.abort()
    await uploading
    return load
  }
  const quiet: number[][] = []
  const loading: number[][] = []
  for (let round = 0; round < rounds; round++) {
    quiet.push((await atHalfLoad(round, false)).latencies)
    loading.push((await atHalfLoad(round, true)).latencies)
  }
  const p99 = (latencies: number[]) => percentile(latencies, 0.99)
  console.log(`\nLatency at half that load: ${whole(rate)} requests a second, at random; p99 of all, and by round`)
  console.log(`  median                ${milliseconds(median(quiet.flat()))}`)
  console.log(`  p99                   ${milliseconds(p99(quiet.flat()))}: ${spread(quiet.map(p99), milliseconds)}`)
  console.log(
    `  p99, ${1000 / UPLOAD_EVERY_MS} uploads a second ${milliseconds(p99(loading.flat()))}: ${spread(loading.map(p99), milliseconds)}`,
  )
  const ratio = p99(loading.flat()) / p99(quiet.flat())
  const ratios = quiet.map((latencies, round) => p99(loading[round] ?? []) / p99(latencies))
  console.log(`  ratio of p99          ${times(ratio)}; by round ${spread(ratios, times)} (bar: ≤ 1.2)`)

  await swaps()
  client.close()
  await tell({ type: 'close' })

  /** One request after the other with one text; each second one has another adapter than the one before. */
  async function swaps(): Promise<void> {
    const single = await createClient(url, 1)
    const body = (adapter: number) => JSON.stringify({ inputs: texts[0], adapter: `a${adapter}` })
    const latencies = { same: [] as number[], swapped: [] as number[] }
    for (let at = 0; at < 400 * rounds; at++) {
      const adapter = Math.floor(at / 2) % ADAPTERS
      const since = performance.now()
      await single.ask(body(adapter))
      latencies[at % 2 === 0 ? 'swapped' : 'same'].push(performance.now() - since)
    }
    single.close()
    const part = (values: number[], round: number) => median(values.slice(200 * round, 200 * (round + 1)))
    const ratios = Array.from({ length: rounds }, (_, at) => part(latencies.swapped, at) / part(latencies.same, at))
    console.log('\nA resident adapter’s swap: requests one after the other, median latency')
    console.log(
      `  same adapter as before ${median(latencies.same).toFixed(2)} ms, another ${median(latencies.swapped).toFixed(2)} ms`,
    )
    console.log(`  ratio                  ${spread(ratios, times)} (bar: not measurable)`)
  }
}

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' } } })
await main(Number(values.rounds))
