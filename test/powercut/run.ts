/**
 * Cuts the power at random moments while a folder is written over and over, and looks at what is on the disk after a restart: always
 * the old folder or the new one, whole. `npm run test:powercut`; `-- export 200` for more cuts of one writer.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { exportBundle } from '../../src/export/index.ts'
import { readAdapter } from '../../src/files/adapter-folder.ts'
import { readBundle } from '../../src/files/bundle-folder.ts'
import { sha256File } from '../../src/files/hash.ts'
import { readDataset, train } from '../../src/train/index.ts'
import { writeFixture } from '../train/fixtures.ts'
import { type Disk, makeDisk, whyNoDisk } from './disk.ts'

const [only, count = '50'] = process.argv.slice(2)
const CUTS = Number(count)

/** A process that writes version after version, and how many it says are done. */
interface Writer {
  child: ChildProcess
  done: number
  ended: boolean
}

interface Subject {
  /** Name of the folder that is written. */
  folder: string
  start(disk: Disk): Promise<Writer>
  /** @returns the version that is there; throws where it is not whole */
  versionIn(folder: string): Promise<number>
}

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))

/** What all writers read, on another disk. */
async function prepare() {
  const fixture = await writeFixture()
  const { dir, base, data } = fixture
  const settings = { device: 'cpu', epochs: 1, batchSize: 16, seed: 0, recipe: 'none' } as const
  const dataset = await readDataset(data)
  await train({ base, dataset, out: join(dir, 'adapter'), ...settings, threads: 1 })
  await exportBundle({ base, adapters: [{ dir: join(dir, 'adapter') }], mode: 'unmerged', dir: join(dir, 'bundle') })
  writeFileSync(join(dir, 'key'), `${'k'.repeat(32)}\n`)
  return fixture
}

const looping = (what: string, work: string) => async (disk: Disk) => {
  const child = spawn(process.execPath, ['--import', 'tsx', path('writer.ts'), what, work, disk.dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const writer: Writer = { child, done: 0, ended: false }
  createInterface(child.stdout).on('line', (line) => (writer.done = Number(line)))
  return writer
}

/** Uploads version after version to a server. */
const uploading = (work: string) => async (disk: Disk) => {
  const bundle = join(work, 'bundle')
  const args = [path('../../bin/graft.js'), 'serve', bundle, '--port', '0', '--workers', '1', '--json']
  const options = ['--adapter-dir', disk.dir, '--admin-key-file', join(work, 'key')]
  const child = spawn(process.execPath, [...args, ...options], { stdio: ['ignore', 'pipe', 'ignore'] })
  let text = ''
  child.stdout.on('data', (chunk) => (text += chunk))
  while (!text.includes('\n}')) await sleep(20)
  const { url } = JSON.parse(text) as { url: string }
  const writer: Writer = { child, done: 0, ended: false }
  void upload(url, join(work, 'adapter'), writer)
  return writer
}

async function upload(url: string, adapter: string, writer: Writer): Promise<void> {
  const info = JSON.parse(readFileSync(join(adapter, 'graft.json'), 'utf8')) as object
  for (let version = 1; !writer.ended; version++) {
    const body = new FormData()
    for (const name of ['adapter_config.json', 'adapter_model.safetensors'])
      body.set(name, new Blob([new Uint8Array(readFileSync(join(adapter, name)))]), name)
    body.set('graft.json', new Blob([JSON.stringify({ ...info, seed: version })]), 'graft.json')
    const headers = { Authorization: `Bearer ${'k'.repeat(32)}` }
    const response = await fetch(`${url}/v1/adapters/out`, { method: 'PUT', headers, body }).catch((error: unknown) => {
      if (!writer.ended) throw error
    })
    if (!response) return
    if (!response.ok) throw new Error(`the upload was refused: ${await response.text()}`)
    writer.done = version
  }
}

/** Files that a record of Graft lists are there with their hashes, and no others. */
async function checkRecord(folder: string): Promise<void> {
  const file = join(folder, '.graft-files.json')
  if (!existsSync(file)) throw new Error(`${folder} has no record of its files`)
  const { files } = JSON.parse(readFileSync(file, 'utf8')) as { files: Record<string, string> }
  const there = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
  if (there.length !== Object.keys(files).length + 1) throw new Error(`${there.length} files in ${folder}`)
  await checkHashes(folder, files)
}

async function checkHashes(folder: string, files: Record<string, string>): Promise<void> {
  for (const [name, hash] of Object.entries(files)) {
    if ((await sha256File(join(folder, name))) !== hash) throw new Error(`${name} is not as it was written`)
  }
}

async function adapterVersion(folder: string): Promise<number> {
  const { info } = await readAdapter(folder)
  await checkRecord(folder)
  return info.seed ?? -1
}

async function bundleVersion(folder: string): Promise<number> {
  const { manifest, golden } = await readBundle(folder)
  await checkHashes(folder, manifest.files)
  await checkRecord(folder)
  return Number(/\d+/.exec(golden[0]?.text ?? '')?.[0] ?? -1)
}

/** A moment while something is being written, or any other. */
async function moment(disk: Disk): Promise<void> {
  if (Math.random() < 0.3) return sleep(400 * Math.random())
  const controller = new AbortController()
  const began = new Promise<void>((resolve) =>
    watch(
      disk.dir,
      { signal: controller.signal },
      (_, name) => /^\.out\.[0-9a-f-]{36}\.tmp$/.test(name ?? '') && resolve(),
    ),
  )
  await Promise.race([began, sleep(3000)])
  controller.abort()
  // As long as the writing, syncing and swapping of these small folders takes here.
  await sleep(60 * Math.random())
}

async function check(name: string, { folder, start, versionIn }: Subject): Promise<number> {
  const disk = makeDisk()
  const writer = await start(disk)
  let [failures, old, fresh] = [0, 0, 0]
  try {
    while (writer.done < 1 && writer.child.exitCode === null) await sleep(20)
    for (let cut = 1; cut <= CUTS; cut++) {
      await moment(disk)
      writer.child.kill('SIGSTOP')
      await sleep(5) // what it has said by then is read
      const { done } = writer
      await disk.cut(async (after) => {
        try {
          const version = await versionIn(join(after, folder))
          if (version < done) throw new Error(`version ${done} was written, and ${version} is there`)
          if (version === done) old++
          else fresh++
        } catch (error) {
          failures++
          const names = await readdir(after)
          console.log(
            `${name}, cut ${cut}: ${error instanceof Error ? error.message : error} (on the disk: ${names.join(', ')})`,
          )
        }
      })
      writer.child.kill('SIGCONT')
    }
  } finally {
    writer.ended = true
    writer.child.kill('SIGCONT')
    writer.child.kill('SIGKILL')
    if (writer.child.exitCode === null) await once(writer.child, 'exit')
    disk.close()
  }
  console.log(
    `${name}: ${CUTS} cuts during ${writer.done} versions: ${old} left the last one that was reported, ${fresh} the next, ${failures} neither whole`,
  )
  return failures
}

const reason = whyNoDisk()
if (reason !== undefined) console.log(`Skipped: ${reason}.`)
else {
  const { dir: work } = await prepare()
  const subjects: Record<string, Subject> = {
    train: { folder: 'out', start: looping('train', work), versionIn: adapterVersion },
    export: { folder: 'out', start: looping('export', work), versionIn: bundleVersion },
    upload: { folder: 'out', start: uploading(work), versionIn: adapterVersion },
  }
  let failures = 0
  for (const [name, subject] of Object.entries(subjects)) {
    if (only === undefined || only === name) failures += await check(name, subject)
  }
  rmSync(work, { recursive: true })
  process.exitCode = failures > 0 ? 1 : 0
}
