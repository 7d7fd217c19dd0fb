/** Metrics in Prometheus' text format, with OpenTelemetry's names where it has them; times are in seconds. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { InferenceService, ServiceObserver } from './service.ts'

export interface Metrics {
  registry: Registry
  /** To be given to the inference side. */
  observer: ServiceObserver
  /** `http.server.request.duration`; its count is the number of requests. */
  requests: Histogram<'http_request_method' | 'http_route' | 'http_response_status_code'>
  active: Gauge
  texts: Counter<'model'>
  /** Log lines that were lost, as the disk was full or nobody read. */
  droppedLines: Counter
  /** Reads what the service knows at each scrape. */
  watch(service: InferenceService): void
}

/** OpenTelemetry's buckets for `http.server.request.duration`, and finer ones below. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
const powersOfTwo = (last: number) => Array.from({ length: last + 1 }, (_, exponent) => 2 ** exponent)

/**
 * Makes the metrics of one server. Memory and CPU are prom-client's own, by the names that Prometheus' clients share.
 * @example
 * import { createApp, createInference, createMetrics } from 'graft-lora/serve'
 *
 * const metrics = createMetrics()
 * const bundles = [{ name: 'sentiment', dir: 'runs/merged' }]
 * const limits = { workers: 1, maxQueue: 1000, maxBatchTokens: 2048, maxAdapters: 16 }
 * const service = await createInference({ bundles, ...limits, observer: metrics.observer })
 * const app = createApp({ service, metrics })
 * console.log(await (await app.request('/metrics')).text())
 * await service.close()
 */
export function createMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  measureEventLoop(registry)
  return {
    registry,
    observer: createObserver(registers),
    requests: new Histogram({
      name: 'http_server_request_duration_seconds',
      help: 'Time from the request to its answer',
      labelNames: ['http_request_method', 'http_route', 'http_response_status_code'],
      buckets: SECONDS,
      registers,
    }),
    active: new Gauge({ name: 'http_server_active_requests', help: 'Requests without an answer yet', registers }),
    texts: new Counter({ name: 'graft_texts_total', help: 'Texts classified', labelNames: ['model'], registers }),
    droppedLines: new Counter({
      name: 'graft_log_lines_dropped_total',
      help: 'Log lines lost, as the disk was full or nobody read them',
      registers,
    }),
    watch: (service) => watchService(service, registry),
  }
}

function createObserver(registers: Registry[]): ServiceObserver {
  const batch = (name: string, help: string, buckets: number[]) =>
    new Histogram({ name: `graft_batch_${name}`, help, buckets, labelNames: ['model'], registers })
  const duration = batch('duration_seconds', 'Time that a batch ran', SECONDS)
  const rowCount = batch('rows', 'Texts in a batch', powersOfTwo(8))
  const tokenCount = batch('tokens', 'Tokens in a batch, without padding', powersOfTwo(14))
  const padding = batch('padding_ratio', 'Share of padding in a batch', [0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1])
  const wait = new Histogram({
    name: 'graft_queue_wait_seconds',
    help: 'Time that a text waited',
    buckets: SECONDS,
    registers,
  })
  return {
    onBatch({ model, rows, tokens, paddedTokens, seconds }) {
      duration.observe({ model }, seconds)
      rowCount.observe({ model }, rows)
      tokenCount.observe({ model }, tokens)
      padding.observe({ model }, 1 - tokens / paddedTokens)
    },
    onDequeue: (seconds) => wait.observe(seconds),
  }
}

/**
 * `nodejs.eventloop.delay.*` instead of prom-client's names for the same:
 * https://opentelemetry.io/docs/specs/semconv/runtime/nodejs-metrics/
 */
function measureEventLoop(registry: Registry): void {
  for (const { name } of registry.getMetricsAsArray()) {
    if (name.startsWith('nodejs_eventloop_lag')) registry.removeSingleMetric(name)
  }
  const delay = monitorEventLoopDelay({ resolution: 10 })
  delay.enable()
  const statistics: [name: string, nanoseconds: () => number][] = [
    ['min', () => delay.min],
    ['max', () => delay.max],
    ['mean', () => delay.mean],
    ['stddev', () => delay.stddev],
    ['p50', () => delay.percentile(50)],
    ['p90', () => delay.percentile(90)],
    ['p99', () => delay.percentile(99)],
  ]
  const gauges = statistics.map(([name, nanoseconds], at) => ({
    nanoseconds,
    gauge: new Gauge({
      name: `nodejs_eventloop_delay_${name}_seconds`,
      help: `Event loop's delay since the last scrape: ${name}`,
      registers: [registry],
      ...(at === 0 && { collect: readAll }),
    }),
  }))
  /** The first gauge reads for all, as they start anew together. */
  function readAll(): void {
    if (delay.count === 0) return
    for (const { gauge, nanoseconds } of gauges) gauge.set(nanoseconds() / 1e9)
    delay.reset()
  }
}

function watchService(service: InferenceService, registry: Registry): void {
  const queueSize = new Gauge({
    name: 'graft_queue_size',
    help: 'Texts waiting',
    registers: [],
    collect() {
      this.set(service.queueSize())
    },
  })
  const adapters = new Gauge({
    name: 'graft_adapters',
    help: 'Adapters, in memory (resident) or to be read again (evicted)',
    labelNames: ['model', 'state'],
    registers: [],
    collect() {
      for (const { name: model, adapters } of service.models()) {
        const resident = adapters.filter((adapter) => adapter.resident).length
        this.set({ model, state: 'resident' }, resident)
        this.set({ model, state: 'evicted' }, adapters.length - resident)
      }
    },
  })
  for (const gauge of [queueSize, adapters]) registry.registerMetric(gauge)
}
