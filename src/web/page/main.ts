/** The page: puts its parts together, and keeps the one model that they work with. */
import { type Device, type GraftError, type WebClassifier, createClassifier } from '../index.ts'
import { createAdapterTool, nameOf } from './adapters.ts'
import { type Shown, setUpCode } from './code.ts'
import { askedDevice, setUpDevices } from './device.ts'
import { byId, create } from './dom.ts'
import { type DroppedFolder, acceptDrops } from './drop.ts'
import { createExamples } from './examples.ts'
import { debounce, latest } from './latest.ts'
import { endLoading, showFailure, showLoadProgress, startLoading } from './loading.ts'
import { clearResults, markPending, showResults } from './results.ts'
import { sortDropped } from './sort.ts'
import { createTableTool } from './table.ts'
import { createTaskPicker } from './tasks.ts'
import { setUpUpdates } from './updates.ts'

/** Pause in typing after which the text is classified. */
const PAUSE_MS = 100

/** After which a site that was not whole is asked again. */
const RETRY_MS = 15_000

byId('not-started', HTMLDivElement).remove()

const site = new URL('./', document.baseURI)
const text = byId('text', HTMLTextAreaElement)
const clear = byId('clear', HTMLButtonElement)

let opened: WebClassifier | undefined
const ready = (): WebClassifier => {
  if (opened) return opened
  throw new Error('The model is not there yet')
}

/** What the results on the screen are of. */
let shown: Shown = { text: '', adapters: [] }
const code = setUpCode(() => shown)

const examples = createExamples(setText)
const picker = createTaskPicker(onTask)
const table = createTableTool({ classifier: ready, adapters: picker.chosen })
const adapters = createAdapterTool({
  classifier: ready,
  onAdded(adapter) {
    picker.show(ready().model.tasks)
    picker.choose(adapter)
  },
})

/** Another task: with an example of its own, if there still is one in the field. */
function onTask(): void {
  const isExample = examples.has(text.value)
  const [task] = picker.tasks()
  examples.show(task)
  table.tasksChanged()
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
    shown = { text: content, adapters: chosen }
    showResults(
      classified.flatMap((classification, at) => (tasks[at] ? [{ task: tasks[at], classification }] : [])),
      { text: content, milliseconds: performance.now() - started, maxLength },
    )
    code.update()
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
      onProgress: (progress) => number === loads && showLoadProgress(progress),
    })
    await adapters.restore(classifier)
    if (number !== loads) return void classifier.close()
    opened = classifier
    showModel(classifier)
    endLoading()
    classify()
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
  if (model.title !== undefined) document.title = byId('title', HTMLHeadingElement).textContent = model.title
  if (model.description !== undefined) byId('tagline', HTMLParagraphElement).textContent = model.description
  picker.show(model.tasks)
  const [task] = picker.tasks()
  examples.show(task)
  if (text.value === '') text.value = task?.examples?.[0] ?? ''
  byId('tools', HTMLElement).hidden = false
  byId('adapter', HTMLElement).hidden = model.tasks.every(({ adapter }) => adapter === undefined)
  const where = model.device === 'webgpu' ? 'WebGPU' : `${model.threads} CPU thread${model.threads === 1 ? '' : 's'}`
  byId('about', HTMLParagraphElement).textContent =
    `${where} · texts of up to ${model.maxLength} tokens · base ${model.baseSha256.slice(0, 8)}`
}

/** Each thing that was dropped is used, or gets a word. */
function open(folders: readonly DroppedFolder[]): void {
  const {
    adapter,
    table: file,
    notes,
  } = opened
    ? sortDropped(folders)
    : {
        adapter: undefined,
        table: undefined,
        notes: ['The model is still on its way. Drop them again when it is there.'],
      }
  byId('drop-notes', HTMLUListElement).replaceChildren(...notes.map((text) => create('li', { text })))
  byId('tools', HTMLElement).hidden = false
  if (adapter) void adapters.add({ name: adapter.name || nameOf(adapter.files), files: adapter.files })
  if (file) table.open(file)
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
acceptDrops(open)

await load(askedDevice())
// After the model, whose download matters more.
await setUpUpdates(site)
