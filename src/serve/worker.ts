/** The thread behind `pool.ts`: opens all models, then runs what it is told, one message after the other. */
import { parentPort, workerData } from 'node:worker_threads'
import { type Answer, type FromWorker, type Task, type ToWorker, type WorkerData, toFailure } from './protocol.ts'
import { openRunner, type Runner } from './runner.ts'

const post = (message: FromWorker) => parentPort?.postMessage(message)

async function open({ models, maxBatchTokens, runtimeMark }: WorkerData): Promise<Map<string, Runner>> {
  const runners = new Map<string, Runner>()
  for (const model of models) runners.set(model.name, await openRunner(model, { maxBatchTokens, runtimeMark }))
  return runners
}

async function answer(runner: Runner | undefined, task: Task): Promise<Answer> {
  if (!runner) throw new Error(`no model ${task.model}`)
  return task.type === 'run'
    ? { type: 'done', result: await runner.run(task.rows) }
    : { type: 'prepared', adapter: await runner.prepare(task) }
}

async function obey(runners: Map<string, Runner>, message: ToWorker): Promise<void> {
  if (message.type === 'close') return parentPort?.close()
  const runner = runners.get(message.model)
  if (message.type === 'slot') return runner?.fill(message.slot, message.memory)
  const failed = (error: unknown): FromWorker => ({ type: 'failed', failure: toFailure(error) })
  post(await answer(runner, message).catch(failed))
}

function listen(runners: Map<string, Runner>): void {
  let last: Promise<void> = Promise.resolve()
  parentPort?.on('message', (message: ToWorker) => (last = last.then(() => obey(runners, message))))
}

try {
  listen(await open(workerData as WorkerData))
  post({ type: 'ready' })
} catch (error) {
  post({ type: 'start-failed', failure: toFailure(error) })
}
