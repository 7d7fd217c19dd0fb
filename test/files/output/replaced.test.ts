/** What an output replaces, and what is refused before any work is done. */
import { execFileSync } from 'node:child_process'
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { checkOutputFile } from '../../../src/files/atomic.ts'
import { type OutputOptions, withOutput } from '../../../src/files/output.ts'
import { RECORD } from '../../../src/files/record.ts'
import { content, dir, failureOf, names, path, replace, write } from './folder.ts'

describe('a folder is replaced', () => {
  it('where all of it was written by Graft, or nothing is in it', async () => {
    await write(path('out'))
    await replace(path('out'))
    expect(await content('out')).toBe('"two"')
    await mkdir(path('empty'))
    await write(path('empty'))
    expect(await names()).toEqual(['empty', 'out'])
  })

  it.each<[string, () => Promise<unknown>, string]>([
    ['a file was added', () => writeFile(path('out', 'notes.txt'), ''), 'notes.txt'],
    ['a file was added below', () => writeFile(path('out', 'sub', 'notes.txt'), ''), 'sub/notes.txt'],
    ['a hidden file was added', () => writeFile(path('out', '.env'), ''), '.env'],
    ['a file was changed', () => writeFile(path('out', 'sub', 'b.txt'), 'One'), 'sub/b.txt'],
    [
      'a file became a link',
      async () => {
        await rename(path('out', 'a.json'), path('mine.json'))
        await symlink(path('mine.json'), path('out', 'a.json'))
      },
      'a.json',
    ],
    ['a folder was linked in', () => symlink(dir, path('out', 'link')), 'link'],
    ['the record is gone', () => rm(path('out', RECORD)), 'a.json'],
    ['the record is no record', () => writeFile(path('out', RECORD), '{}'), 'a.json'],
    ['another output was put into it', () => write(path('out', 'other')), 'other/a.json'],
  ])('but not after %s, which is named', async (_, change, foreign) => {
    await write(path('out'))
    await change()
    const before = execFileSync('ls', ['-laR', '--time-style=full-iso', path('out')], { encoding: 'utf8' })
    const failure = await failureOf(replace(path('out')))
    expect(failure).toMatchObject({ code: 'file-exists', message: expect.stringContaining(foreign) })
    expect(execFileSync('ls', ['-laR', '--time-style=full-iso', path('out')], { encoding: 'utf8' })).toBe(before)
  })

  it('but not one of another kind', async () => {
    await write(path('out'))
    expect(await failureOf(replace(path('out'), { kind: 'bundle' }))).toMatchObject({
      code: 'file-exists',
      message: expect.stringContaining('holds a model, not a bundle'),
    })
  })

  it('but not one that is, holds or is part of an input, whatever the path looks like', async () => {
    await write(path('out'))
    await writeFile(path('corpus.txt'), '')
    await symlink(path('out'), path('link'))
    const inputs = [
      path('out'),
      path('link'),
      `${path('out')}/`,
      relative('.', path('out')),
      path('out', 'sub'),
      path('link', 'a.json'),
    ]
    for (const input of inputs) {
      const failure = await failureOf(replace(path('out'), { inputs: [undefined, path('corpus.txt'), input] }))
      expect([input, failure.code]).toEqual([input, 'file-exists'])
      expect(failure.message).toContain('reads')
    }
    await write(path('out2', 'inner'))
    expect(await failureOf(replace(path('out2', 'inner'), { inputs: [path('out2')] }))).toMatchObject({
      code: 'file-exists',
      message: expect.stringContaining('is part of'),
    })
    await replace(path('out'), { inputs: [path('corpus.txt'), path('nothing')] })
  })

  it('but not a repository, the folder one is in or one above it, a home, or the root', async () => {
    await mkdir(path('repository', '.git'), { recursive: true })
    for (const place of [path('repository'), '.', './', resolve(), dirname(resolve()), homedir(), '/']) {
      const failure = await failureOf(replace(place))
      expect([place, failure.code]).toEqual([place, 'file-exists'])
    }
    expect(await names(path('repository'))).toEqual(['.git'])
  })

  it('by a name with slashes at its end, dots in it or links on its way', async () => {
    await write(`${path('out')}//`)
    await replace(path('x', '..', 'out'))
    await mkdir(path('far', 'away'), { recursive: true })
    await symlink(path('far', 'away'), path('near'))
    await write(`${path('near')}/../beside`)
    expect(await names(path('far'))).toEqual(['away', 'beside'])
    await symlink(path('out'), path('link'))
    await write(path('link'), 'three', { force: true })
    expect(await content('out')).toBe('"three"')
  })
})

describe('before the work', () => {
  const unreachable = () => expect.unreachable()
  const open = (out: string, options: Partial<OutputOptions> = {}) =>
    failureOf(withOutput(out, { kind: 'model', ...options }, unreachable))

  it('is refused: a file, a link to nothing, a path through a file, an empty name, a name that is too long', async () => {
    await writeFile(path('file'), 'mine')
    await symlink(path('nothing'), path('dangling'))
    expect(await open(path('file'), { force: true })).toMatchObject({ code: 'file-exists' })
    expect(await open(path('dangling'), { force: true })).toMatchObject({
      code: 'file-write',
      message: expect.stringContaining('link'),
    })
    expect(await open(path('dangling', 'below'))).toMatchObject({ code: 'file-write' })
    expect(await open(path('file', 'below'))).toMatchObject({ code: 'file-write' })
    expect(await open('')).toMatchObject({ code: 'usage' })
    expect(await open(path('x'.repeat(300)))).toMatchObject({
      code: 'file-write',
      message: expect.stringContaining('name too long'),
      hint: expect.stringContaining('shorter'),
    })
    expect(await names()).toEqual(['dangling', 'file'])
  })

  it('takes names as long as the disk does', async () => {
    await write(path('n'.repeat(255)))
    await replace(path('n'.repeat(255)))
    expect(await names()).toEqual(['n'.repeat(255)])
  })

  it('is refused what will not fit, and what was made for it goes', async () => {
    const failure = await failureOf(
      withOutput(path('a', 'b', 'out'), { kind: 'model' }, (output) => output.requireSpace(1e18)),
    )
    expect(failure).toMatchObject({ code: 'file-write', hint: expect.stringContaining('space') })
    expect(await names()).toEqual([])
  })

  it('is refused for a file: an input, by any of its names', async () => {
    await writeFile(path('in.csv'), 'text')
    await symlink(path('in.csv'), path('link.csv'))
    for (const output of [path('in.csv'), path('link.csv')]) {
      expect(await failureOf(checkOutputFile(output, [path('in.csv')]))).toMatchObject({ code: 'file-exists' })
    }
    await checkOutputFile(path('out.csv'), [path('in.csv')])
    expect(await failureOf(checkOutputFile(dir))).toMatchObject({ code: 'file-write' })
    expect(await names()).toEqual(['in.csv', 'link.csv'])
  })
})
