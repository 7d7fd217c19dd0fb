/** Two that write to one folder, and what an interruption left. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, cp, mkdir, readFile, rename, utimes, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { writeFileAtomic } from '../../../src/files/atomic.ts'
import { besidePath, listBeside } from '../../../src/files/claim.ts'
import { openOutput } from '../../../src/files/output.ts'
import { readJson } from '../../../src/files/read.ts'
import { content, failureOf, names, path, write } from './folder.ts'

describe('two that write to one folder', () => {
  const script = `
    import { openOutput } from '${new URL('../../../src/files/output.ts', import.meta.url).href}'
    const output = await openOutput(process.argv[1], { kind: 'model' }).catch((error) => error)
    console.log(output.code ?? 'open')
    if (output.code === undefined) setInterval(() => {}, 1000)
  `
  const start = async (out: string) => {
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script, out], {
      cwd: fileURLToPath(new URL('../../..', import.meta.url)),
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [said] = (await once(child.stdout, 'data')) as [Buffer]
    return { child, said: said.toString().trim() }
  }
  const kill = async ({ child }: Awaited<ReturnType<typeof start>>) => {
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  }

  it('the second is refused at its start, until the first is done or dead', async () => {
    const first = await start(path('out'))
    expect(first.said).toBe('open')
    const refused = await failureOf(write(`${path('out')}/`))
    expect(refused).toMatchObject({ code: 'file-locked', value: first.child.pid })
    expect(refused.message).toContain(`process ${first.child.pid}`)
    await write(path('out2'))
    await kill(first)
    await write(path('out'))
    expect(await names()).toEqual(['out', 'out2'])
  })

  it('of those that find a dead one’s lock at once, never two go on', async () => {
    await kill(await start(path('out')))
    expect((await listBeside(path('out'))).size).toBe(1)
    const starters = await Promise.all(Array.from({ length: 4 }, () => start(path('out'))))
    expect(starters.filter(({ said }) => said === 'open').length).toBe(1)
    expect(starters.filter(({ said }) => said === 'file-locked').length).toBe(3)
    await Promise.all(starters.map(kill))
  })

  it('in one process are told apart, too', async () => {
    const output = await openOutput(path('out'), { kind: 'model' })
    expect(await failureOf(write(path('out')))).toMatchObject({ code: 'file-locked' })
    await output.close()
    await write(path('out'))
  })

  it('a lock is not held by a process that got a dead one’s number, nor by one of before a restart', async () => {
    const output = await openOutput(path('out'), { kind: 'model' })
    const [[id] = ['']] = await listBeside(path('out'))
    const owner = JSON.parse(await readFile(besidePath(path('out'), id, 'lock'), 'utf8')) as Record<string, unknown>
    await output.close()
    for (const [at, change] of [{ started: '1' }, { boot: 'another' }].entries()) {
      const other = `00000000-0000-4000-8000-00000000000${at}`
      await writeFile(besidePath(path('out'), other, 'lock'), JSON.stringify({ ...owner, ...change }))
    }
    await write(path('out'))
    expect(await names()).toEqual(['out'])
  })

  it('a lock of another machine holds as long as it is touched', async () => {
    const lock = besidePath(path('out'), '00000000-0000-4000-8000-000000000000', 'lock')
    await writeFile(lock, JSON.stringify({ pid: 1, host: 'elsewhere' }))
    expect(await failureOf(write(path('out')))).toMatchObject({
      code: 'file-locked',
      message: expect.stringContaining('process 1 on elsewhere'),
    })
    const hourAgo = new Date(Date.now() - 3_600_000)
    await utimes(lock, hourAgo, hourAgo)
    await write(path('out'))
    expect(await names()).toEqual(['out'])
  })
})

describe('what an interruption left', () => {
  const id = '11111111-2222-4333-8444-555555555555'

  /** As a process leaves it that is ended between the two steps of a swap. */
  async function interruptSwap({ isNewThere = true } = {}): Promise<void> {
    await write(path('out'))
    if (isNewThere) {
      await write(path('new'), 'two')
      await rename(path('new'), besidePath(path('out'), id, 'tmp'))
    }
    await rename(path('out'), besidePath(path('out'), id, 'old'))
  }

  it('is ended by a reader: the new folder gets the name', async () => {
    await interruptSwap()
    expect(await readJson(path('out', 'a.json'))).toBe('two')
  })

  it('is ended by a reader: the old folder comes back where there is no new one', async () => {
    await interruptSwap({ isNewThere: false })
    expect(await readJson(path('out', 'a.json'))).toBe('one')
    expect(await names()).toEqual(['out'])
  })

  it('is ended by the next writer, and cleaned up', async () => {
    await interruptSwap()
    expect(await failureOf(write(path('out')))).toMatchObject({ code: 'file-exists' })
    expect(await content('out')).toBe('"two"')
    expect(await names()).toEqual(['out'])
  })

  it('is left alone by a reader while a living process is at it, and read afterwards', async () => {
    const output = await openOutput(path('out'), { kind: 'model' })
    const [[mine] = ['']] = await listBeside(path('out'))
    await write(path('new'), 'two')
    await cp(path('new'), besidePath(path('out'), mine, 'old'), { recursive: true })
    const reading = readJson(path('out', 'a.json'))
    await rename(path('new'), path('out'))
    expect(await reading).toBe('two')
    await output.close()
  })

  it('is removed, but for what a living process writes', async () => {
    await mkdir(besidePath(path('out'), id, 'tmp'))
    await writeFile(besidePath(path('file'), id, 'tmp'), '')
    const living = await openOutput(path('out2'), { kind: 'model' })
    await living.publish(async (temporary) => {
      await write(path('out'))
      await writeFileAtomic(path('file'), '')
      await access(temporary)
      expect((await names()).filter((name) => name.includes(id))).toEqual([])
    })
    await living.close()
    expect(await names()).toEqual(['file', 'out', 'out2'])
  })
})
