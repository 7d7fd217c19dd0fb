/** The page: puts its parts together, and keeps the one model that they work with. */
import { type Device, type WebClassifier, createClassifier } from '../index.ts'
import { createAdapterTool, nameOf } from './adapters.ts'
import { askedDevice, setUpDevices } from './device.ts'
import { byId, create } from './dom.ts'
import { type DroppedFolder, acceptDrops } from './drop.ts'
import { debounce, latest } from './latest.ts'
import { endLoading, showFailure, showLoadProgress, startLoading } from './loading.ts'
import { fadeResults, showResults } from './results.ts'
import { createTableTool } from './table.ts'
import { createTaskPicker } from './tasks.ts'

/** Pause in typing after which the text is classified. */
const PAUSE_MS = 100

const site = new URL('./', document.baseURI)
const text = byId('text', HTMLTextAreaElement)

let opened: WebClassifier | undefined
const ready = (): WebClassifier => {
  if (opened) return opened
  throw new Error('The model is not there yet')
}

const picker = createTaskPicker(() => classify())
const table = createTableTool({ classifier: ready, adapters: picker.chosen })
const adapters = createAdapterTool({
  classifier: ready,
  onAdded(adapter) {
    picker.show(ready().model.tasks)
    picker.choose(adapter)
  },
})

/** Classifies the text with the chosen tasks, in one batch. */
const classifyLatest = latest(async (classifier: WebClassifier) => {
  const chosen = picker.chosen()
  const content = text.value
  if (content.trim() === '') return showResults([], { milliseconds: 0, maxLength: 0 })
  const started = performance.now()
  try {
    const classified = await (chosen.length > 0
      ? classifier.classify(
          chosen.map(() => content),
          { adapter: chosen },
        )
      : classifier.classify([content]))
    const measured = { milliseconds: performance.now() - started, maxLength: classifier.model.maxLength }
    const results = classified.map((classification, at) => ({ adapter: chosen[at], classification }))
    if (classifier === opened) showResults(results, measured)
  } catch (error) {
    if (classifier === opened) showFailure('The text cannot be classified', error)
  }
})

function classify(): void {
  if (opened) classifyLatest(opened)
}

let loads = 0

/** Opens the model on a device; only the newest of several loads counts. */
async function load(device: Device): Promise<void> {
  const number = ++loads
  void opened?.close()
  opened = undefined
  startLoading()
  fadeResults()
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
    if (number === loads) showFailure('The model cannot be loaded', error)
  }
}

function showModel({ model }: WebClassifier): void {
  picker.show(model.tasks)
  showExamples(model.probes)
  byId('tools', HTMLElement).hidden = false
  byId('adapter', HTMLElement).hidden = model.tasks.every(({ adapter }) => adapter === undefined)
  const where = model.device === 'webgpu' ? 'WebGPU' : `${model.threads} CPU thread${model.threads === 1 ? '' : 's'}`
  byId('about', HTMLParagraphElement).textContent =
    `${where} · texts of up to ${model.maxLength} tokens · base ${model.baseSha256.slice(0, 8)}`
}

/** Not one letter of another script than the page's. */
const isLatin = (example: string) => !/[^\p{Script=Latin}\P{L}]/u.test(example)

/** The bundle's probe texts, but for those that are there for the edges. */
function showExamples(probes: readonly string[]): void {
  const area = byId('examples', HTMLDivElement)
  const examples = probes.filter((probe) => probe.length >= 10 && probe.length <= 120 && isLatin(probe))
  area.querySelector('ul')?.replaceChildren(
    ...examples.map((example) => {
      const button = create('button', { text: example, className: 'plain' })
      Object.assign(button, { type: 'button', title: example })
      button.addEventListener('click', () => {
        text.value = example
        classify()
      })
      const item = create('li')
      item.append(button)
      return item
    }),
  )
  area.hidden = examples.length === 0
}

function open(folders: readonly DroppedFolder[]): void {
  for (const { name, files } of folders) {
    if (files.some((file) => file.name.endsWith('.safetensors')))
      void adapters.add({ name: name || nameOf(files), files })
    else if (files[0]) table.open(files[0])
  }
}

text.addEventListener('input', debounce(classify, PAUSE_MS))
byId('retry', HTMLButtonElement).addEventListener('click', () => void load(askedDevice()))
setUpDevices((device) => void load(device))
acceptDrops(() => opened !== undefined, open)

await load(askedDevice())
// After the model, whose download matters more.
await navigator.serviceWorker?.register(new URL('service-worker.js', site)).catch(() => undefined)
