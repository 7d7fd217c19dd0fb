/** Load over HTTP: so many connections that each ask again at once, or requests that come at random at a given rate. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Pool } from 'undici'
import { createRandom } from '../../src/core/random.ts'

export interface Load {
  /** Requests answered. */
  count: number
  seconds: number
  /** Milliseconds of each request. */
  latencies: number[]
  /** CPU of this process, which shares the cores with the server. */
  cpuSeconds: number
}

export interface LoadOptions {
  seconds: number
  /** JSON of the next request. */
  next(): string
}

const headers = { 'Content-Type': 'application/json' }

/** Connections to one server. */
export function createClient(url: string, connections: number) {
  const pool = new Pool(url, { connections, pipelining: 1 })

  async function ask(body: string): Promise<void> {
    const answer = await pool.request({ method: 'POST', path: '/v1/classify', headers, body })
    const text = await answer.body.text()
    if (answer.statusCode !== 200) throw new Error(`${answer.statusCode}: ${text}`)
  }

  async function measure(run: (latencies: number[]) => Promise<unknown>): Promise<Load> {
    const latencies: number[] = []
    const [started, cpu] = [performance.now(), process.cpuUsage()]
    await run(latencies)
    const { user, system } = process.cpuUsage(cpu)
    const seconds = (performance.now() - started) / 1000
    return { count: latencies.length, seconds, latencies, cpuSeconds: (user + system) / 1e6 }
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
      return Promise.all(Array.from({ length: connections }, repeat))
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

  return { ask, saturate, arrive, close: () => pool.close() }
}
