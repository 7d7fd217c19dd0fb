/** Files and folders appear whole or not at all, and a failure leaves what was there. */
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, type TestContext } from 'vitest'
import { writeFileAtomic } from '../../src/files/atomic.ts'
import { writeOutputFolder } from '../../src/files/output.ts'
import { RECORD } from '../../src/files/record.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'graft-atomic-'))
})
afterEach(() => rm(dir, { recursive: true }))

const kind = { kind: 'model' } as const

/** Fills a folder with one file. */
const fillWith = (name: string, text: string) => (temporaryDir: string) => writeFile(join(temporaryDir, name), text)

/** Lines, then a failure if one is given. */
async function* texts(count: number, failure?: Error): AsyncGenerator<string> {
  for (let line = 0; line < count; line++) yield `line ${line}\n`
  if (failure) throw failure
}

describe('writeFileAtomic', () => {
  it('writes text and bytes, makes folders above, replaces an older file', async () => {
    const path = join(dir, 'a', 'b', 'file')
    await writeFileAtomic(path, 'old')
    await writeFileAtomic(path, new Uint8Array([1, 2]))
    expect([...(await readFile(path))]).toEqual([1, 2])
    expect(await readdir(join(dir, 'a', 'b'))).toEqual(['file'])
  })

  it('writes the texts of an iterable one after the other, and nothing if it fails', async () => {
    const path = join(dir, 'file')
    await writeFileAtomic(path, texts(3))
    expect(await readFile(path, 'utf8')).toBe('line 0\nline 1\nline 2\n')
    await expect(writeFileAtomic(path, texts(3, new Error('no more')))).rejects.toThrow('no more')
    expect(await readFile(path, 'utf8')).toBe('line 0\nline 1\nline 2\n')
    expect(await readdir(dir)).toEqual(['file'])
  })

  it('keeps a symbolic link and replaces what it points to', async () => {
    await writeFile(join(dir, 'real'), 'old')
    await symlink(join(dir, 'real'), join(dir, 'link'))
    await writeFileAtomic(join(dir, 'link'), 'new')
    expect(await readFile(join(dir, 'real'), 'utf8')).toBe('new')
    expect(await readlink(join(dir, 'link'))).toBe(join(dir, 'real'))
  })

  it('refuses a folder, a device and a path through a file, and leaves nothing', async () => {
    await mkdir(join(dir, 'folder'))
    await writeFile(join(dir, 'file'), '')
    const failure = { name: 'GraftError', code: 'file-write' }
    await expect(writeFileAtomic(join(dir, 'folder'), '')).rejects.toMatchObject({
      ...failure,
      message: `cannot write ${join(dir, 'folder')}: it is a folder`,
    })
    await expect(writeFileAtomic('/dev/null', '')).rejects.toMatchObject(failure)
    await expect(writeFileAtomic(join(dir, 'file', 'below'), '')).rejects.toMatchObject(failure)
    expect(await readdir(dir)).toEqual(['file', 'folder'])
  })
})

describe('writeOutputFolder', () => {
  it('gives the folder its name only when filled, and returns what fill returned', async () => {
    const path = join(dir, 'parent', 'out')
    const result = await writeOutputFolder(path, kind, async (temporaryDir) => {
      await fillWith('a', 'x')(temporaryDir)
      expect(await readdir(join(dir, 'parent'))).not.toContain('out')
      return 7
    })
    expect(result).toBe(7)
    expect(await readdir(join(dir, 'parent'))).toEqual(['out'])
    expect(await readdir(path)).toEqual([RECORD, 'a'])
  })

  it('refuses a folder that exists before fill runs, and replaces it with force', async () => {
    const path = join(dir, 'out')
    await writeOutputFolder(path, kind, fillWith('a', 'old'))
    const refused = writeOutputFolder(path, kind, () => expect.unreachable())
    await expect(refused).rejects.toMatchObject({
      code: 'file-exists',
      message: `${path} exists already`,
      hint: expect.stringContaining('--force'),
    })
    await writeOutputFolder(path, { ...kind, force: true }, fillWith('a', 'new'))
    expect(await readFile(join(path, 'a'), 'utf8')).toBe('new')
    expect(await readdir(dir)).toEqual(['out'])
  })

  it('leaves the old folder whole and nothing else when fill fails', async () => {
    const path = join(dir, 'out')
    await writeOutputFolder(path, kind, fillWith('a', 'old'))
    const failing = async (temporaryDir: string) => {
      await fillWith('a', 'half')(temporaryDir)
      throw new TypeError('stop')
    }
    await expect(writeOutputFolder(path, { ...kind, force: true }, failing)).rejects.toThrow(new TypeError('stop'))
    expect(await readFile(join(path, 'a'), 'utf8')).toBe('old')
    expect(await readdir(dir)).toEqual(['out'])
  })

  it('does not replace a folder of other files, even with force', async () => {
    const path = join(dir, 'home')
    await mkdir(path)
    await writeFile(join(path, 'thesis.tex'), '')
    const refused = writeOutputFolder(path, { ...kind, force: true }, fillWith('graft.json', '{}'))
    await expect(refused).rejects.toMatchObject({ code: 'file-exists', message: expect.stringContaining('thesis.tex') })
    expect(await readdir(path)).toEqual(['thesis.tex'])
    expect(await readdir(dir)).toEqual(['home'])
  })

  it('does not replace a file, even with force', async () => {
    await writeFile(join(dir, 'file'), 'text')
    const refused = writeOutputFolder(join(dir, 'file'), { ...kind, force: true }, () => expect.unreachable())
    await expect(refused).rejects.toMatchObject({ code: 'file-exists', hint: expect.stringContaining('not a folder') })
  })
})

describe('on a disk that takes no more', () => {
  let disk: string
  let noDisk: string | undefined

  beforeAll(async () => {
    disk = await mkdtemp(join(tmpdir(), 'graft-disk-'))
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk], { stdio: 'pipe' })
    } catch (error) {
      noDisk = `a small disk could not be mounted here (${String(error).split('\n').at(-2)})`
    }
  })
  afterAll(async () => {
    if (noDisk === undefined) execFileSync('umount', [disk])
    await rm(disk, { recursive: true })
  })
  const skipWithoutDisk = ({ skip }: TestContext) => {
    if (noDisk !== undefined) skip(noDisk)
  }

  it('a full disk is an error, and the old file and folder stay whole', async (context) => {
    skipWithoutDisk(context)
    const [file, folder] = [join(disk, 'file'), join(disk, 'folder')]
    await writeFileAtomic(file, 'old')
    await writeOutputFolder(folder, kind, fillWith('a', 'old'))
    const tooMuch = 'x'.repeat(100_000)

    await expect(writeFileAtomic(file, tooMuch)).rejects.toMatchObject({
      code: 'file-write',
      message: expect.stringContaining(`cannot write ${file}: no space left`),
      hint: expect.stringContaining('space'),
    })
    await expect(writeOutputFolder(folder, { ...kind, force: true }, fillWith('a', tooMuch))).rejects.toMatchObject({
      code: 'file-write',
      message: expect.stringContaining(`cannot write ${folder}: no space left`),
    })
    expect(await readFile(file, 'utf8')).toBe('old')
    expect(await readFile(join(folder, 'a'), 'utf8')).toBe('old')
    expect(await readdir(disk)).toEqual(['file', 'folder'])
  })

  it('brings the old folder back when the new one cannot take its place', async (context) => {
    skipWithoutDisk(context)
    const path = join(dir, 'out')
    await writeOutputFolder(path, kind, fillWith('a', 'old'))
    let mounted = ''
    // A mounted folder can be written to, and cannot be renamed.
    const mount = async (temporaryDir: string) => {
      execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', temporaryDir])
      mounted = temporaryDir
      await fillWith('a', 'new')(temporaryDir)
    }
    await expect(writeOutputFolder(path, { ...kind, force: true }, mount)).rejects.toMatchObject({ code: 'file-write' })
    execFileSync('umount', [mounted])
    expect(await readFile(join(path, 'a'), 'utf8')).toBe('old')
  })

  it('a read-only disk is an error', async (context) => {
    skipWithoutDisk(context)
    execFileSync('mount', ['-o', 'remount,ro', disk])
    await expect(writeFileAtomic(join(disk, 'other'), '')).rejects.toMatchObject({
      code: 'file-write',
      message: expect.stringContaining('read-only'),
    })
  })
})
