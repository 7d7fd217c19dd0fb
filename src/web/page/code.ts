/** What is on the screen as a program: TypeScript for Node, or a request to `graft serve`. */
import type { TaskInfo } from '../protocol.ts'
import { byId } from './dom.ts'

/** A text, and the tasks that it is classified by. */
export interface Shown {
  text: string
  tasks: readonly TaskInfo[]
}

/** What of a result the text's answer is, where it is not one label with its score. */
function answerOf({ problemType }: TaskInfo): { field: string; meaning: string } | undefined {
  if (problemType === 'multi_label_classification') return { field: 'labels', meaning: 'all that the text has' }
  if (problemType === 'regression') return { field: 'value', meaning: 'the number' }
  return undefined
}

const literal = (value: string) => JSON.stringify(value)

function typescript({ text, tasks }: Shown): string {
  const run = (task: TaskInfo) => {
    const choice = task.adapter === undefined ? '' : `, { adapter: ${literal(task.adapter)} }`
    const result = `await classifier.classify(${literal(text)}${choice})`
    const answer = answerOf(task)
    return answer ? `console.log((${result}).${answer.field}) // ${answer.meaning}` : `console.log(${result})`
  }
  return [
    '// npm install graft-lora',
    "import { openBundle } from 'graft-lora'",
    '',
    "const classifier = await openBundle('bundle') // the folder that `graft export` wrote",
    ...tasks.map(run),
    'await classifier.close()',
  ].join('\n')
}

const quoted = (value: string) => `'${value.replaceAll("'", String.raw`'\''`)}'`

function curl({ text, tasks }: Shown): string {
  const requests = tasks.map((task) => {
    const answer = answerOf(task)
    return (
      (answer ? `# results[0].${answer.field} of the answer: ${answer.meaning}\n` : '') +
      "curl http://127.0.0.1:8080/v1/classify -H 'Content-Type: application/json' \\\n" +
      `  -d ${quoted(JSON.stringify({ inputs: text, adapter: task.adapter }))}`
    )
  })
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
