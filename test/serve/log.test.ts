/** Logs that cannot be written: the disk is full, or nobody reads. */
import { execFileSync } from 'node:child_process'
import { closeSync, constants, existsSync, mkdtempSync, openSync, readFileSync, readSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { createLog } from '../../src/serve/index.ts'

const dir = mkdtempSync(join(tmpdir(), 'graft-log-'))
afterAll(() => rmSync(dir, { recursive: true }))

const LINES = 20_000

/** Lines of more than the log holds back, written at once. */
function fill(fd: number) {
  const state = { dropped: 0 }
  const log = createLog({ fd, onDrop: () => state.dropped++ })
  for (let at = 0; at < LINES; at++) log.logger.info({ at }, 'line')
  return { log, state }
}

const lines = (text: string) => text.split('\n').slice(0, -1)

describe('a log', () => {
  it('is written whole, however fast it comes', async () => {
    const file = join(dir, 'log')
    const fd = openSync(file, 'a')
    const log = createLog({ fd, onDrop: () => expect.unreachable() })
    for (let at = 0; at < 2000; at++) log.logger.info({ at }, 'line')
    expect(await log.flush(10_000)).toBe(true)
    expect(lines(readFileSync(file, 'utf8')).map((line) => JSON.parse(line).at)).toEqual([...Array(2000).keys()])
    closeSync(fd)
  })

  it.skipIf(!existsSync('/dev/full'))('on a full disk loses lines and counts them', async () => {
    const { log, state } = fill(openSync('/dev/full', 'w'))
    expect(await log.flush(1000)).toBe(false)
    expect(state.dropped).toBeGreaterThan(0)
  })

  it('in a pipe that nobody reads loses lines, and goes on when somebody does', async () => {
    const pipe = join(dir, 'pipe')
    execFileSync('mkfifo', [pipe])
    const fd = openSync(pipe, 'r+')
    const { log, state } = fill(fd)
    expect(await log.flush(500)).toBe(false)
    expect(state.dropped).toBeGreaterThan(0)

    const reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK)
    const chunk = Buffer.alloc(2 ** 16)
    let text = ''
    const read = () => {
      try {
        text += chunk.toString('utf8', 0, readSync(reader, chunk))
      } catch {
        // nothing there yet
      }
      return lines(text).length
    }
    await expect.poll(read, { interval: 1, timeout: 20_000 }).toBe(LINES - state.dropped)
    // Each is whole, and they are the first ones.
    expect(lines(text).map((line) => JSON.parse(line).at)).toEqual([...Array(LINES - state.dropped).keys()])
    log.logger.info('once more')
    await expect.poll(read, { interval: 1 }).toBe(LINES - state.dropped + 1)
    closeSync(reader)
    closeSync(fd)
  })
})
