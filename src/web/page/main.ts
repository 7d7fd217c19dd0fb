/** The page: puts its parts together, and keeps the one model that they work with. */
import { type Device, type GraftError, type WebClassifier, createClassifier } from '../index.ts'
import type { Shown } from './code.ts'
import { askedDevice, setUpDevices } from './device.ts'
import { byId } from './dom.ts'
import { createExamples } from './examples.ts'
import { debounce, latest } from './latest.ts'
import { endLoading, showFailure, showLoadProgress, startLoading } from './loading.ts'
import { clearResults, markPending, showResults } from './results.ts'
import { createTaskPicker } from './tasks.ts'
import type { Tools } from './tools.ts'

/** Pause in typing after which the text is classified. */
const PAUSE_MS = 100

/** After which a site that was not whole is asked again. */
const RETRY_MS = 15_000

byId('not-started', HTMLDivElement).remove()

const site = new URL('./', document.baseURI)
const text = byId('text', HTMLTextAreaElement)
const clear = byId('clear', HTMLButtonElement)

/** Of its large files the site names GPT-2's vocabulary where its bundle needs it. */
const namesGpt2 = byId('site-files', HTMLScriptElement).textContent.includes('gpt2-ranks')

let opened: WebClassifier | undefined
let tools: Tools | undefined

/** What the results on the screen are of. */
let shown: Shown = { text: '', tasks: [] }

const examples = createExamples(setText)
const picker = createTaskPicker(onTask)

/** Another task: with an example of its own, if there still is one in the field. */
function onTask(): void {
  const isExample = examples.has(text.value)
  const [task] = picker.tasks()
  examples.show(task)
  tools?.tasksChanged()
  if (isExample && !examples.has(text.value)) setText(task?.examples?.[0] ?? text.value)
  else classify()
}

function setText(value: string): void {
  text.value = value
  classify()
}

/** Classifies the text with the chosen tasks, in one batch. */
const classifyLatest = latest(async (classifier: WebClassifier) => {
  const [tasks, chosen, content] = [picker.tasks(), picker.chosen(), text.value]
  if (content.trim() === '') return clearResults()
  const started = performance.now()
  try {
    const texts = tasks.map(() => content)
    const classified = await classifier.classify(texts, chosen.length > 0 ? { adapter: chosen } : {})
    const { maxLength } = classifier.model
    // Of a text that has changed meanwhile the results are already out of date.
    if (classifier !== opened || text.value !== content || picker.chosen().join('\n') !== chosen.join('\n')) return
    shown = { text: content, tasks }
    showResults(
      classified.flatMap((classification, at) => (tasks[at] ? [{ task: tasks[at], classification }] : [])),
      { text: content, milliseconds: performance.now() - started, maxLength },
    )
    tools?.resultsChanged()
    endLoading()
  } catch (error) {
    if (classifier !== opened) return
    clearResults()
    showFailure('The text cannot be classified', error)
  }
})

/** What is shown is not this text's until the work is done. */
function classify(): void {
  noteText()
  if (opened) classifyLatest(opened)
}

const classifySoon = debounce(classify, PAUSE_MS)

function noteText(): void {
  const isEmpty = text.value.trim() === ''
  clear.hidden = text.value === ''
  if (isEmpty) clearResults()
  else markPending()
}

let loads = 0

/** Opens the model on a device; only the newest of several loads counts. */
async function load(device: Device): Promise<void> {
  const number = ++loads
  void opened?.close()
  opened = undefined
  startLoading()
  markPending()
  try {
    const classifier = await createClassifier(site, {
      device,
      gpt2: namesGpt2,
      onProgress: (progress) => number === loads && showLoadProgress(progress),
    })
    await tools?.restore(classifier)
    if (number !== loads) return void classifier.close()
    opened = classifier
    showModel(classifier)
    endLoading()
    classify()
    await openTools()
  } catch (error) {
    if (number !== loads) return
    clearResults()
    showFailure('The model cannot be loaded', error)
    const { code } = error as Partial<GraftError>
    // The site may be in the midst of an exchange, or the network away for a while.
    if (code === 'network' || code === 'checksum') setTimeout(() => number === loads && void load(device), RETRY_MS)
  }
}

function showModel({ model }: WebClassifier): void {
  picker.show(model.tasks)
  const [task] = picker.tasks()
  examples.show(task)
  if (text.value === '') text.value = task?.examples?.[0] ?? ''
  byId('adapter', HTMLElement).hidden = model.tasks.every(({ adapter }) => adapter === undefined)
  const where = model.device === 'webgpu' ? 'WebGPU' : `${model.threads} CPU thread${model.threads === 1 ? '' : 's'}`
  byId('about', HTMLParagraphElement).textContent =
    `${where} · texts of up to ${model.maxLength} tokens · base ${model.baseSha256.slice(0, 8)}`
}

/** What is beside the text, once the first result may be there. */
async function openTools(): Promise<void> {
  if (tools) return
  const { createTools } = await import('./tools.ts')
  tools ??= createTools({
    opened: () => opened,
    chosen: picker.chosen,
    shown: () => shown,
    onAdded(adapter) {
      picker.show(opened?.model.tasks ?? [])
      picker.choose(adapter)
    },
  })
  byId('tools', HTMLElement).hidden = false
}

text.addEventListener('input', () => {
  noteText()
  classifySoon()
})
// An example is there to be typed over.
text.addEventListener('focus', () => examples.has(text.value) && text.select())
clear.addEventListener('click', () => {
  setText('')
  text.focus()
})
byId('retry', HTMLButtonElement).addEventListener('click', () => void load(askedDevice()))
setUpDevices((device) => void load(device))

await load(askedDevice())
// After the model, whose download matters more.
const { setUpUpdates } = await import('./updates.ts')
await setUpUpdates(site)
