/** A BERT and a Llama, tiny and made here, by every command: from random weights to answers, a server and a site. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { writeTokenizer } from '../fixtures/tokenizer.ts'
import { program, runGraft } from './command-line.ts'

const words = {
  fruit: ['apple', 'pear', 'plum', 'fig', 'grape', 'melon'],
  tool: ['hammer', 'saw', 'drill', 'file', 'plane', 'wrench'],
}

let dir: string
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'graft-families-'))
  const rows = Array.from({ length: 72 }, (_, at) => {
    const [first, second] = [Math.floor(at / 2) % 6, Math.floor(at / 12)]
    const label = at % 2 === 0 ? 'fruit' : 'tool'
    return `${words[label][first]} and ${words[label][second]},${label}`
  })
  writeFileSync(path('words.csv'), `text,label\n${rows.join('\n')}\n`)
  graft('data', 'words.csv', '--out', 'data')
})
afterAll(() => rmSync(dir, { recursive: true }))

const running: ChildProcess[] = []
afterEach(() => running.splice(0).forEach((child) => child.kill('SIGKILL')))

const path = (...names: string[]) => join(dir, ...names)

/** What the command prints with --json. */
function graft<T>(...args: string[]): T {
  const { status, stdout, stderr } = runGraft([...args, '--json'], { cwd: dir })
  expect([args, status, stderr.includes('Error:')]).toEqual([args, 0, false])
  return JSON.parse(stdout) as T
}

/** Starts the server on a free port, and waits until it says which. */
async function serve(bundle: string): Promise<string> {
  const args = ['serve', bundle, '--port', '0', '--workers', '1', '--json']
  const child = spawn(process.execPath, [program, ...args], { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] })
  running.push(child)
  let output = ''
  for await (const chunk of child.stdout) {
    output += chunk
    if (output.endsWith('\n}\n')) return (JSON.parse(output) as { url: string }).url
  }
  throw new Error(`graft serve ended: ${output}`)
}

interface Trained {
  test: { accuracy: number }
}

interface Answer {
  label: string
  score: number
  tokens: number
}

/** One command after the other, each on what the one before it wrote. */
describe.each([
  // [CLS] apple and plum [SEP]; a token that begins a text, and its bytes.
  { family: 'bert', tokenizer: 'word-piece', targets: 'word_embeddings,query,key,value,dense', tokens: 5 },
  {
    family: 'llama',
    tokenizer: 'byte-level',
    targets: 'q_proj,k_proj,v_proj,o_proj,gate_proj,up_proj,down_proj',
    tokens: 15,
  },
] as const)('$family', ({ family, tokenizer, targets, tokens }) => {
  const [source, base, adapter] = [`${family}-source`, `${family}-base`, `${family}-adapter`]
  const [merged, unmerged] = [`${family}-merged`, `${family}-unmerged`]
  const texts = ['apple and plum', 'drill and saw']
  let answers: Answer[]

  it('is made, and imported', () => {
    writeTokenizer(path(`${family}-tokenizer`), tokenizer, [...words.fruit, ...words.tool, 'and'])
    const sizes = '--embd 16 --layer 2 --head 2 --inner 24 --positions 48 --seed 1'.split(' ')
    const files = ['--tokenizer', `${family}-tokenizer`, '--out', source]
    expect(graft('init', '--family', family, ...sizes, ...files)).toMatchObject({ config: { model_type: family } })
    expect(graft('import', source, '--out', base)).toMatchObject({ kind: 'base', parameters: expect.any(Number) })
  })

  it('is trained, and measured', () => {
    const settings = '--epochs 16 --batch-size 8 --learning-rate 0.03 --rank 4 --dropout 0 --seed 1'.split(' ')
    const files = ['--base', base, '--data', 'data', '--out', adapter]
    const trained = graft<Trained>('train', ...files, '--target-modules', targets, ...settings)
    expect(trained.test.accuracy).toBeGreaterThan(0.8)
    const { target_modules } = JSON.parse(readFileSync(path(adapter, 'adapter_config.json'), 'utf8'))
    expect(target_modules).toEqual(targets.split(','))
    const measured = graft<Trained['test']>('eval', '--model', adapter, '--data', 'data')
    expect(measured.accuracy).toBe(trained.test.accuracy)
  })

  it('is exported both ways, each sound', () => {
    for (const [bundle, mode] of [
      [merged, 'merged'],
      [unmerged, 'unmerged'],
    ] as const) {
      const exported = graft('export', '--adapter', adapter, '--mode', mode, '--out', bundle)
      expect(exported).toMatchObject({ kind: mode, tokenizer: 'tokenizer.json' })
      expect(graft('verify', bundle)).toMatchObject({ ok: true })
    }
  })

  it('classifies, with the same answers merged and unmerged', () => {
    answers = graft<Answer[]>('classify', '--model', merged, ...texts)
    expect(answers.map(({ label }) => label)).toEqual(['fruit', 'tool'])
    expect(answers[0]?.tokens).toBe(tokens)
    const others = graft<Answer[]>('classify', '--model', unmerged, ...texts)
    others.forEach(({ label, score }, at) => {
      expect(label).toBe(answers[at]?.label)
      expect(score).toBeCloseTo(answers[at]?.score ?? Number.NaN, 5)
    })
  })

  it('answers by HTTP', async () => {
    const url = await serve(unmerged)
    const response = await fetch(`${url}/v1/classify`, {
      method: 'POST',
      body: JSON.stringify({ inputs: texts }),
      headers: { 'Content-Type': 'application/json' },
    })
    expect(response.status).toBe(200)
    const { results } = (await response.json()) as { results: Answer[] }
    expect(results.map(({ label, tokens: count }) => [label, count])).toEqual(
      answers.map(({ label, tokens: count }) => [label, count]),
    )
  })

  it('becomes a site, with its tokenizer', () => {
    graft('web', merged, '--out', `${family}-site`)
    expect(readdirSync(path(`${family}-site`))).toContain('index.html')
    for (const file of ['graft.json', 'config.json', 'tokenizer.json', 'tokenizer_config.json', 'onnx/model.onnx'])
      expect(readFileSync(path(`${family}-site`, 'bundle', file))).toEqual(readFileSync(path(merged, file)))
  })
})
