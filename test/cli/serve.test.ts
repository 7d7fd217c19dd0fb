/** `graft serve` as a child process: what it prints, the curl line, keys, and how it ends. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { get } from 'node:http'
import { type AddressInfo, connect, createServer } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { exportBundle } from '../../src/export/index.ts'
import { openBundle } from '../../src/runtime/index.ts'
import { writeBundles } from '../serve/fixtures.ts'
import { program, runGraft } from './command-line.ts'

const [apiKey, adminKey] = ['api-key-0123456789', 'admin-key-0123456789']

let files: Awaited<ReturnType<typeof writeBundles>>
const running: ChildProcess[] = []

beforeAll(async () => {
  files = await writeBundles()
  mkdirSync(join(files.dir, 'watched'))
  writeFileSync(join(files.dir, 'api.keys'), `# clients\n${apiKey}\n\n`)
  writeFileSync(join(files.dir, 'admin.keys'), adminKey)
  writeFileSync(join(files.dir, 'bad.keys'), `${apiKey}\nsecret with spaces\n`)
})
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL')
})
afterAll(() => rm(files.dir, { recursive: true }))

/** Starts the server on a free port, and waits for what it says. */
const start = (...args: string[]) => startWith({}, ...args)

interface Streams {
  /** A file descriptor in place of stderr, or a pipe that nobody reads. */
  log?: number | 'unread'
}

async function startWith({ log }: Streams, ...args: string[]) {
  const child = spawn(process.execPath, [program, 'serve', ...args, '--port', '0', '--workers', '1'], {
    cwd: files.dir,
    env: { ...process.env, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', typeof log === 'number' ? log : 'pipe'],
  })
  running.push(child)
  const output = { stdout: '', stderr: '' }
  if (log === undefined) child.stderr?.on('data', (chunk) => (output.stderr += chunk))
  /** Its exit code, or the signal that it died of. */
  const ended = new Promise((resolve) => child.on('close', (code, signal) => resolve(signal ?? code)))
  await new Promise<void>((resolve, reject) => {
    child.stdout?.on('data', (chunk) => {
      output.stdout += chunk
      if (/\n\}\n$|curl .*\n$/.test(output.stdout)) resolve()
    })
    child.on('close', () => reject(new Error(output.stderr)))
  })
  const url = /http:\/\/[\w.]+:\d+/.exec(output.stdout)?.[0] ?? ''
  return { child, url, output, ended }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

const classify = (url: string, body: object, headers: Record<string, string> = {}) =>
  fetch(`${url}/v1/classify`, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'Content-Type': 'application/json', ...headers },
  })

describe('graft serve', () => {
  it('prints models, and a curl line that works; ends at SIGTERM with 0', async () => {
    const { child, output, ended } = await start('unmerged', 'news=merged')
    expect(output.stdout).toMatch(/^unmerged +unmerged +spam, topic, mood$/m)
    expect(output.stdout).toMatch(/^news +merged/m)
    const line = /^curl .*$/m.exec(output.stdout)?.[0] ?? ''
    const { stdout } = await promisify(execFile)('sh', ['-c', line])
    expect(JSON.parse(stdout)).toMatchObject({ model: 'unmerged', adapter: 'spam', results: [{}] })
    child.kill('SIGTERM')
    expect(await ended).toBe(0)
  })

  it('serves large models, whose weights lie beside the graph', async () => {
    const { dir, base, adapters } = files
    const common = { base, probes: ['ok'], externalFrom: 1 }
    const options = { ...common, adapters: [{ dir: adapters.topic }] }
    await exportBundle({ ...options, mode: 'unmerged', dir: join(dir, 'large-unmerged') })
    await exportBundle({ ...options, mode: 'merged', dir: join(dir, 'large-merged') })
    expect(readdirSync(join(dir, 'large-merged', 'onnx'))).toContain('model.onnx_data')
    const classifier = await openBundle(files.merged, { threads: 1 })
    const [expected] = await classifier.classify(['Shares fell again'])
    await classifier.close()
    const { url } = await start('large-unmerged', 'large-merged', '--json')
    for (const model of ['large-unmerged', 'large-merged']) {
      const answer = await classify(url, { inputs: 'Shares fell again', model })
      const { results } = (await answer.json()) as { results: { label: string; score: number }[] }
      expect(results[0]?.label).toBe(expected?.label)
      expect(results[0]?.score).toBeCloseTo(expected?.score ?? NaN, 5)
    }
  })

  it('reads key files, and loads adapters from its folder', async () => {
    const keys = ['--api-key-file', 'api.keys', '--admin-key-file', 'admin.keys', '--adapter-dir', '.']
    const { url, output } = await start('unmerged', ...keys, '--json')
    expect(JSON.parse(output.stdout)).toMatchObject({ url, models: [{ name: 'unmerged', kind: 'unmerged' }] })
    const admin = { Authorization: `Bearer ${adminKey}` }
    const loaded = await fetch(`${url}/v1/adapters/new?folder=mood`, { method: 'PUT', headers: admin })
    expect(loaded.status).toBe(201)
    const body = { inputs: 'ok', adapter: 'new' }
    expect((await classify(url, body)).status).toBe(401)
    expect((await classify(url, body, { Authorization: `Bearer ${apiKey}` })).status).toBe(200)
    await expect.poll(() => output.stderr).toContain('"route":"/v1/classify"')
    expect(output.stderr).not.toContain(apiKey)
  })

  it('follows its folder of adapters with --watch', async () => {
    const { url } = await start('unmerged', '--adapter-dir', 'watched', '--watch', '--json')
    const status = async () => (await classify(url, { inputs: 'ok', adapter: 'dropped' })).status
    expect(await status()).toBe(404)
    cpSync(join(files.dir, 'mood'), join(files.dir, 'watched', 'dropped'), { recursive: true })
    await expect.poll(status, { timeout: 10_000 }).toBe(200)
    rmSync(join(files.dir, 'watched', 'dropped'), { recursive: true })
    await expect.poll(status, { timeout: 10_000 }).toBe(404)
  })

  it('loses no accepted request at SIGTERM under load', async () => {
    const { child, url, output, ended } = await start('merged', '--json')
    const outcomes: (number | 'refused')[] = []
    let stopped = false
    async function ask() {
      while (!stopped) {
        const outcome = await classify(url, { inputs: 'some text' }).then(
          ({ status }) => status,
          () => 'refused' as const,
        )
        outcomes.push(outcome)
        stopped ||= outcome === 'refused'
      }
    }
    const clients = Array.from({ length: 16 }, ask)
    await expect.poll(() => outcomes.length, { timeout: 20_000 }).toBeGreaterThan(200)
    child.kill('SIGTERM')
    expect(await ended).toBe(0)
    await Promise.all(clients)
    const answered = outcomes.filter((outcome) => outcome !== 'refused')
    expect(new Set(answered)).toEqual(new Set([200]))
    // Every request that reached the server is in its log, and its answer came.
    const logged = [...output.stderr.matchAll(/"route":"\/v1\/classify","status":(\d+)/g)].map(([, status]) =>
      Number(status),
    )
    expect(logged).toEqual(answered)
  })

  it.each([
    ['whose disk is full', () => openSync('/dev/full', 'w'), 60],
    ['that nobody reads', () => 'unread' as const, 10],
  ])('serves on and ends with a log %s', async (_, log, rounds) => {
    const { child, url, ended } = await startWith({ log: log() }, 'merged', '--json')
    const id = 'x'.repeat(250)
    const ask = async () => (await fetch(`${url}/v2/health/live`, { headers: { 'X-Request-Id': id } })).status
    for (let at = 0; at < rounds; at++) {
      expect(new Set(await Promise.all(Array.from({ length: 50 }, ask)))).toEqual(new Set([200]))
    }
    const metrics = await (await fetch(`${url}/metrics`)).text()
    const dropped = Number(/^graft_log_lines_dropped_total (\d+)$/m.exec(metrics)?.[1])
    expect(dropped > 0).toBe(rounds > 50)
    child.kill('SIGTERM')
    expect(['SIGTERM', 0]).toContain(await ended)
  })

  it('outlives a stdout that is full', async () => {
    const full = openSync('/dev/full', 'w')
    const port = await freePort()
    const args = [program, 'serve', 'merged', '--workers', '1', '--port', `${port}`]
    const child = spawn(process.execPath, args, { cwd: files.dir, stdio: ['ignore', full, 'ignore'] })
    running.push(child)
    const status = () =>
      fetch(`http://127.0.0.1:${port}/v2/health/ready`).then(
        (answer) => answer.status,
        () => 0,
      )
    await expect.poll(status, { timeout: 20_000 }).toBe(200)
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(await status()).toBe(200)
    child.kill('SIGTERM')
    expect(await once(child, 'exit')).toEqual([0, null])
  })

  it('ends in the time that is set for it, whatever a client does', async () => {
    const { child, url, ended } = await start('merged', '--drain-ms', '300', '--json')
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    socket.write(
      'POST /v1/classify HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{',
    )
    await expect.poll(async () => (await fetch(`${url}/metrics`)).text()).toContain('http_server_active_requests 2')
    child.kill('SIGTERM')
    expect(await ended).toBe('SIGTERM')
    socket.destroy()
  })

  it('answers to its own names, and refuses a bundle that was changed', async () => {
    const { url } = await start('merged', '--allowed-host', 'good.example', '--json')
    const status = (host: string) =>
      new Promise((resolve) =>
        get(`${url}/v2/health/live`, { headers: { host } }, (answer) => resolve(answer.resume().statusCode)),
      )
    expect(await Promise.all(['localhost', 'good.example', 'evil.example'].map(status))).toEqual([200, 200, 403])
    const changed = join(files.dir, 'changed')
    cpSync(files.merged, changed, { recursive: true })
    writeFileSync(join(changed, 'golden.json'), `${readFileSync(join(changed, 'golden.json'), 'utf8')}\n`)
    await expect(start('changed')).rejects.toThrow('golden.json is damaged or was changed')
    await start('changed', '--no-verify', '--json')
  })

  it('ends at once at the second signal', async () => {
    const { child, url, ended } = await start('merged', '--max-wait-ms', '20000', '--json')
    const request = classify(url, { inputs: 'ok' }).catch(() => 'cut off')
    await expect.poll(async () => (await fetch(`${url}/metrics`)).text()).toContain('graft_queue_size 1')
    child.kill('SIGTERM')
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(child.exitCode).toBe(null)
    child.kill('SIGTERM')
    expect(await ended).toBe('SIGTERM')
    expect(await request).toBe('cut off')
  })

  it.each([
    ['no bundle', [], 2, 'missing required argument'],
    ['a folder that is not there', ['nix'], 1, 'does not exist'],
    ['a key file that is not there', ['merged', '--api-key-file', 'nix.keys'], 1, 'nix.keys does not exist'],
    ['a line that is no key', ['merged', '--api-key-file', 'bad.keys'], 1, 'bad.keys, line 2: not a key'],
    ['a port that is none', ['merged', '--port', '70000'], 2, 'Expected a port'],
    ['--watch without a folder', ['unmerged', '--watch'], 2, '--watch needs a folder'],
    ['--watch with a merged bundle', ['merged', '--watch', '--adapter-dir', '.'], 2, 'there is none'],
    ['two bundles of one name', ['merged', 'merged=unmerged'], 2, 'two models are named merged'],
  ])('refuses %s', (_, args, code, message) => {
    const { status, stdout, stderr } = runGraft(['serve', ...args], { cwd: files.dir })
    expect({ status, stdout }).toEqual({ status: code, stdout: '' })
    expect(stderr).toContain(message)
    expect(stderr).not.toContain('secret')
  })
})
