/** The worker behind `graft-lora/web`: answers calls, each with its result or its failure. */
import { GraftError } from '../../core/errors.ts'
import { type CallName, type Calls, type FromWorker, type ToWorker, toFailure } from '../protocol.ts'
import { type Engine, openEngine } from './engine.ts'

const post = (message: FromWorker) => postMessage(message)

/** Ends of calls that can be ended, by id. */
const running = new Map<number, AbortController>()

let opening: Promise<Engine> | undefined

async function engine(): Promise<Engine> {
  if (opening) return opening
  throw new GraftError('runtime', 'no model is open', { hint: 'Open one first.' })
}

interface Context<Name extends CallName> {
  onProgress: (progress: Calls[Name]['progress']) => void
  signal: AbortSignal
}

type Handlers = {
  [Name in CallName]: (request: Calls[Name]['request'], context: Context<Name>) => Promise<Calls[Name]['result']>
}

/** Loaded by those who give a table. */
const tables = () => import('./table.ts')

const handlers: Handlers = {
  async open(request, { onProgress }) {
    opening = openEngine(request, onProgress)
    return (await opening).info
  },
  classify: async ({ texts, ...options }) => (await engine()).classifier.classify(texts, options),
  logits: async ({ texts, ...choice }) => (await engine()).classifier.logits(texts, choice),
  readTable: async (request) => (await tables()).readTable(request),
  classifyTable: async (request, context) =>
    (await tables()).classifyTable((await engine()).classifier, request, context),
  addAdapter: async (request) => (await engine()).addAdapter(request),
}

async function answer<Name extends CallName>(id: number, name: Name, request: Calls[Name]['request']): Promise<void> {
  const controller = new AbortController()
  running.set(id, controller)
  const onProgress = (progress: Calls[Name]['progress']) => post({ id, type: 'progress', progress })
  try {
    post({ id, type: 'done', result: await handlers[name](request, { onProgress, signal: controller.signal }) })
  } catch (error) {
    post({ id, type: 'failed', failure: toFailure(error) })
  } finally {
    running.delete(id)
  }
}

addEventListener('message', ({ data }: MessageEvent<ToWorker>) => {
  if (data.call === 'cancel') running.get(data.id)?.abort()
  else void answer(data.id, data.call, data.request)
})
