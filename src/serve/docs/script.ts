/** What makes the first call of `/docs` one: a few lines for the browser, which ask no other site. */
export const script = `
const $ = (id) => document.getElementById(id)
const form = $('call')
const shell = (text) => "'" + text.replaceAll("'", "'\\\\''") + "'"

function request() {
  const [model, adapter] = $('target') ? JSON.parse($('target').value) : [$('model').value, $('adapter').value]
  const body = { inputs: $('text').value }
  if (model) body.model = model
  if (adapter) body.adapter = adapter
  return body
}

function showCommand() {
  const url = new URL('v1/classify', location.href)
  const key = $('key') ? ' -H "Authorization: Bearer $GRAFT_API_KEY"' : ''
  const data = shell(JSON.stringify(request()))
  $('command').textContent = 'curl ' + url + key + " -H 'Content-Type: application/json' -d " + data
}

function element(name, className, text) {
  const made = document.createElement(name)
  made.className = className
  if (text !== undefined) made.textContent = text
  return made
}

function showScore({ label, score }, has) {
  const row = element('div', has ? 'score has' : 'score')
  const bar = element('div', 'bar')
  const filled = element('i', '')
  filled.style.width = 100 * score + '%'
  bar.append(filled)
  row.append(element('span', '', label), bar, element('span', '', (100 * score).toFixed(1) + ' %'))
  return row
}

function showAnswer({ label, labels, value, scores }) {
  if (value !== undefined) return [element('p', 'answer', label + ': ' + Number(value.toPrecision(4)))]
  const bars = scores.map((each) => showScore(each, labels?.includes(each.label)))
  return labels ? [element('p', 'answer', labels.join(', ') || 'no label'), ...bars] : bars
}

async function send(event) {
  event.preventDefault()
  $('result').replaceChildren(element('p', 'note', 'Waiting for the server …'))
  const headers = { 'Content-Type': 'application/json' }
  if ($('key')?.value) headers.Authorization = 'Bearer ' + $('key').value
  try {
    const started = performance.now()
    const body = JSON.stringify({ ...request(), top_k: 8 })
    const response = await fetch('v1/classify', { method: 'POST', headers, body })
    const answer = await response.json()
    const time = Math.round(performance.now() - started) + ' ms'
    if (response.ok) $('result').replaceChildren(...showAnswer(answer.results[0]), element('p', 'note', answer.tokens + ' tokens, ' + time))
    else $('result').replaceChildren(element('p', 'problem', response.status + ': ' + answer.detail + ' ' + (answer.hint ?? '')))
  } catch (error) {
    $('result').replaceChildren(element('p', 'problem', 'No answer: ' + error.message))
  }
}

async function copy(event) {
  const button = event.target.closest('button[data-copy]')
  if (!button) return
  await navigator.clipboard.writeText(button.parentElement.querySelector('pre').textContent)
  button.textContent = 'Copied'
  setTimeout(() => (button.textContent = 'Copy'), 1500)
}

function openLinked() {
  const linked = location.hash && document.getElementById(location.hash.slice(1))
  if (linked?.tagName === 'DETAILS') linked.open = true
}

form?.addEventListener('submit', send)
form?.addEventListener('input', showCommand)
document.addEventListener('click', copy)
addEventListener('hashchange', openLinked)
for (const button of document.querySelectorAll('button[data-copy]')) button.hidden = !navigator.clipboard
openLinked()
if (form) showCommand()
`
