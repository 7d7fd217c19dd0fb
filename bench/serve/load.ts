/** Load over HTTP: so many connections that each ask again at once, or requests that come at random at a given rate. */
import { setTimeout as sleep } from 'node:timers/promises'
import { createRandom } from '../../src/core/random.ts'
import { type Connection, openConnection } from './connection.ts'

export interface Load {
  /** Requests answered. */
  count: number
  seconds: number
  /** Milliseconds of each request. */
  latencies: number[]
}

export interface LoadOptions {
  seconds: number
  /** JSON of the next request. */
  next(): string
}

/** Connections to one server. */
export async function createClient(url: string, count: number) {
  const free = await Promise.all(Array.from({ length: count }, () => openConnection(url)))
  const waiting: ((connection: Connection) => void)[] = []

  /** Asks on the connection that was free for longest. */
  async function ask(body: string): Promise<void> {
    const first = free.shift() ?? (await new Promise<Connection>((resolve) => waiting.push(resolve)))
    const connection = first.isOpen() ? first : await openConnection(url)
    await connection.ask(body)
    const next = waiting.shift()
    if (next) next(connection)
    else free.push(connection)
  }

  async function measure(run: (latencies: number[]) => Promise<unknown>): Promise<Load> {
    const latencies: number[] = []
    const started = performance.now()
    await run(latencies)
    return { count: latencies.length, seconds: (performance.now() - started) / 1000, latencies }
  }

  /** Every connection asks again as soon as it has its answer. */
  const saturate = ({ seconds, next }: LoadOptions): Promise<Load> =>
    measure((latencies) => {
      const end = performance.now() + 1000 * seconds
      async function repeat(): Promise<void> {
        for (let since = performance.now(); since < end; since = performance.now()) {
          await ask(next())
          latencies.push(performance.now() - since)
        }
      }
      return Promise.all(Array.from({ length: count }, repeat))
    })

  /**
   * Requests come as in a Poisson process, whether or not earlier ones were answered: a server that stalls is not spared.
   * Latency counts from the moment when the request was due.
   * @param rate requests a second
   */
  const arrive = ({ seconds, next, rate, seed }: LoadOptions & { rate: number; seed: number }): Promise<Load> =>
    measure(async (latencies) => {
      const random = createRandom(seed)
      const pending: Promise<void>[] = []
      const started = performance.now()
      let due = started
      while (due < started + 1000 * seconds) {
        const since = due
        pending.push(ask(next()).then(() => void latencies.push(performance.now() - since)))
        due += (-Math.log(1 - random.uniform()) * 1000) / rate
        if (due > performance.now()) await sleep(due - performance.now())
      }
      await Promise.all(pending)
    })

  return { ask, saturate, arrive, close: () => free.forEach((connection) => connection.close()) }
}
