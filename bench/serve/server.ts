/** The server under test, put together as `graft serve` does, in a process of its own that can also feed its workers directly. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { pino } from 'pino'
import { createApp, createInference, createMetrics, startServer } from '../../src/serve/index.ts'
import { BUNDLE } from './adapters.ts'

export interface Settings {
  workers: number
  maxAdapters: number
  adminKey: string
}

/** What the benchmark asks for. */
export type Command =
  | { type: 'direct'; texts: string[]; concurrency: number; seconds: number; adapter: string }
  | { type: 'begin' }
  | { type: 'end' }
  | { type: 'close' }

export interface Usage {
  /** CPU of the server's process since `begin`. */
  cpuSeconds: number
  /** 99th percentile of the event loop's lag since `begin`, milliseconds. */
  lagMs: number
}

/** The monitor counts the time from one look to the next: what is over the interval is lag. */
const LAG_INTERVAL_MS = 10

async function main({ workers, maxAdapters, adminKey }: Settings): Promise<void> {
  const metrics = createMetrics()
  const bundles = [{ name: 'quickstart', dir: BUNDLE }]
  const limits = { workers, maxAdapters, maxQueue: 1024, maxBatchTokens: 2048 }
  const service = await createInference({ bundles, observer: metrics.observer, ...limits })
  const log = pino(pino.destination({ fd: 2, sync: false, minLength: 4096, periodicFlush: 100 }))
  const app = createApp({ service, metrics, log, adminKeys: [adminKey] })
  const server = await startServer({ app, port: 0, host: '127.0.0.1' })

  /** What the workers do without HTTP: texts classified. */
  async function feed({ texts, concurrency, seconds, adapter }: Extract<Command, { type: 'direct' }>): Promise<number> {
    const end = performance.now() + 1000 * seconds
    let count = 0
    async function repeat(): Promise<void> {
      while (performance.now() < end) {
        const text = texts[count++ % texts.length] ?? ''
        await service.classify({ model: 'quickstart', adapter, texts: [text], truncate: true })
      }
    }
    await Promise.all(Array.from({ length: concurrency }, repeat))
    return count
  }

  const lag = monitorEventLoopDelay({ resolution: LAG_INTERVAL_MS })
  let cpu = process.cpuUsage()
  function begin(): void {
    lag.reset()
    lag.enable()
    cpu = process.cpuUsage()
  }
  function end(): Usage {
    lag.disable()
    const { user, system } = process.cpuUsage(cpu)
    return { cpuSeconds: (user + system) / 1e6, lagMs: lag.percentile(99) / 1e6 - LAG_INTERVAL_MS }
  }

  async function obey(command: Command): Promise<unknown> {
    if (command.type === 'direct') return feed(command)
    if (command.type === 'begin') return begin()
    if (command.type === 'end') return end()
    await server.close()
    await service.close()
    setImmediate(() => process.disconnect())
    return undefined
  }
  process.on('message', async (command: Command) => {
    const answer = await obey(command)
    process.send?.({ answer })
  })
  process.send?.({ answer: server.url })
}

await main(JSON.parse(process.argv[2] ?? '{}') as Settings)
