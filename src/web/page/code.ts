/** What is on the screen as a program: TypeScript for Node, or a request to `graft serve`. */
import { byId } from './dom.ts'

/** A text, and the adapters that classify it; none if merged. */
export interface Shown {
  text: string
  adapters: readonly string[]
}

const literal = (value: string) => JSON.stringify(value)

function typescript({ text, adapters }: Shown): string {
  const run = (choice: string) => `console.log(await classifier.classify(${literal(text)}${choice}))`
  return [
    '// npm install graft-lora',
    "import { openBundle } from 'graft-lora'",
    '',
    "const classifier = await openBundle('bundle') // the folder that `graft export` wrote",
    ...(adapters.length === 0 ? [run('')] : adapters.map((name) => run(`, { adapter: ${literal(name)} }`))),
    'await classifier.close()',
  ].join('\n')
}

const quoted = (value: string) => `'${value.replaceAll("'", String.raw`'\''`)}'`

function curl({ text, adapters }: Shown): string {
  const choices = adapters.length === 0 ? [{}] : adapters.map((adapter) => ({ adapter }))
  const requests = choices.map(
    (choice) =>
      "curl http://127.0.0.1:8080/v1/classify -H 'Content-Type: application/json' \\\n" +
      `  -d ${quoted(JSON.stringify({ inputs: text, ...choice }))}`,
  )
  return ['# graft serve bundle --port 8080   # the folder that `graft export` wrote', ...requests].join('\n')
}

/** @param shown what is on the screen now */
export function setUpCode(shown: () => Shown): { update: () => void } {
  const [area, code, copy] = [
    byId('code', HTMLDetailsElement),
    byId('code-text', HTMLElement),
    byId('copy', HTMLButtonElement),
  ]
  const languages = [...area.querySelectorAll('input')]

  function update(): void {
    if (!area.open) return
    const isCurl = languages.some(({ checked, value }) => checked && value === 'curl')
    code.textContent = isCurl ? curl(shown()) : typescript(shown())
    copy.textContent = 'Copy'
  }

  area.addEventListener('toggle', update)
  area.addEventListener('change', update)
  copy.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(code.textContent)
      copy.textContent = 'Copied'
    } catch {
      // Not allowed here: the code is selected, for the keyboard.
      getSelection()?.selectAllChildren(code)
      copy.textContent = 'Press Ctrl+C'
    }
  })
  return { update }
}
