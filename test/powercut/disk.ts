/** A small ext4 disk in a file, and the power cut: what is on the disk at a moment, mounted as after a restart. */
import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'

const MEGABYTES = 48

const command = (name: string, ...args: string[]) =>
  execFileSync(name, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim()

/** Why no disk can be made here; undefined where one can. */
export function whyNoDisk(): string | undefined {
  if (process.platform !== 'linux') return 'it needs Linux'
  if (process.getuid?.() !== 0) return 'it needs root, to mount disks'
  try {
    command('losetup', '--find')
    command('mkfs.ext4', '-V')
  } catch (error) {
    return `it needs loop devices and mkfs.ext4 (${error instanceof Error ? error.message.split('\n')[0] : error})`
  }
  return undefined
}

/** The writer, which only stands still here, is of before the restart. */
function restart(dir: string): void {
  const locks = readdirSync(dir).filter((name) => name.endsWith('.lock'))
  for (const lock of locks.map((name) => join(dir, name)))
    writeFileSync(lock, readFileSync(lock, 'utf8').replace(/"boot":"[^"]*"/, '"boot":"before"'))
}

export interface Disk {
  /** Where it is mounted. */
  dir: string
  /** Mounts what a power cut at this moment leaves, calls `look` with where, and throws it away. The writer must not be running. */
  cut<T>(look: (dir: string) => Promise<T>): Promise<T>
  close(): void
}

export function makeDisk(): Disk {
  // In memory where that is there: the copy is a matter of milliseconds.
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'graft-powercut-'))
  const path = (name: string) => join(folder, name)
  for (const name of ['dir', 'after']) mkdirSync(path(name))
  writeFileSync(path('image'), '')
  truncateSync(path('image'), MEGABYTES * 2 ** 20)
  command('mkfs.ext4', '-q', '-F', path('image'))
  const device = command('losetup', '--find', '--show', path('image'))
  // Names reach the disk within a second, contents when the system likes, unless they are synced: as usual, only sooner.
  command('mount', '-o', 'commit=1', device, path('dir'))
  const traffic = () => readFileSync(`/sys/block/${basename(device)}/stat`, 'utf8')

  /** Nothing may be written while it is copied. */
  function copy(): void {
    for (;;) {
      const before = traffic()
      copyFileSync(path('image'), path('copy'))
      if (traffic() === before) return
    }
  }
  return {
    dir: path('dir'),
    async cut(look) {
      copy()
      command('mount', '-o', 'loop', path('copy'), path('after'))
      try {
        restart(path('after'))
        return await look(path('after'))
      } finally {
        command('umount', path('after'))
      }
    },
    close() {
      command('umount', path('dir'))
      command('losetup', '--detach', device)
      rmSync(folder, { recursive: true })
    },
  }
}
