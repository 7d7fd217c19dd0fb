/** Folders that others write to as well, and folders that grow. */
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { growFolder } from '../../../src/files/growing-folder.ts'
import { type OutputOptions, withOutput, writeOutputFolder } from '../../../src/files/output.ts'
import { RECORD } from '../../../src/files/record.ts'
import { failureOf, names, path, write } from './folder.ts'

describe('a folder that others write to as well', () => {
  const options = { kind: 'site', force: true, keepsOthers: true } as const
  const site = (files: Record<string, string>) =>
    writeOutputFolder(path('site'), options, async (folder) => {
      for (const [name, text] of Object.entries(files)) {
        await mkdir(dirname(join(folder, name)), { recursive: true })
        await writeFile(join(folder, name), text)
      }
    })

  it('keeps what is theirs, and loses what was written last time', async () => {
    await mkdir(path('site', '.git'), { recursive: true })
    await writeFile(path('site', 'CNAME'), 'example.org')
    await site({ 'index.html': 'one', 'assets/a.js': 'a', 'assets/c.js': 'c' })
    await writeFile(path('site', 'assets', 'mine.js'), 'mine')
    await site({ 'index.html': 'two', 'assets/b.js': 'b', 'assets/c.js': 'c' })
    expect(await names(path('site'))).toEqual(['.git', RECORD, 'CNAME', 'assets', 'index.html'].toSorted())
    expect(await names(path('site', 'assets'))).toEqual(['b.js', 'c.js', 'mine.js'])
    expect(await readFile(path('site', 'index.html'), 'utf8')).toBe('two')
    expect(await readFile(path('site', 'CNAME'), 'utf8')).toBe('example.org')
  })

  it.each<[string, () => Promise<unknown>]>([
    ['a changed page', () => writeFile(path('site', 'index.html'), 'mine')],
    [
      'a file in the place of a folder',
      async () => {
        await rm(path('site', 'assets'), { recursive: true })
        await writeFile(path('site', 'assets'), 'mine')
      },
    ],
    [
      'a folder that is a link',
      async () => {
        await rename(path('site', 'assets'), path('elsewhere'))
        await symlink(path('elsewhere'), path('site', 'assets'))
      },
    ],
  ])('is not touched where there is %s', async (_, change) => {
    await site({ 'index.html': 'one', 'assets/a.js': 'a' })
    await change()
    const failure = await failureOf(site({ 'index.html': 'two', 'assets/a.js': 'b' }))
    expect(failure).toMatchObject({ code: 'file-exists', message: expect.stringMatching(/index\.html|assets/) })
    expect(existsSync(path('elsewhere', 'a.js')) && (await readFile(path('elsewhere', 'a.js'), 'utf8'))).not.toBe('b')
    expect(await readFile(path('site', 'index.html'), 'utf8')).not.toBe('two')
  })

  it('is not taken over without force, nor over a stranger’s page', async () => {
    await mkdir(path('site'))
    await writeFile(path('site', 'index.html'), 'theirs')
    expect(await failureOf(site({ 'index.html': 'one' }))).toMatchObject({ code: 'file-exists' })
    const refused = writeOutputFolder(path('site'), { ...options, force: false }, async () => undefined)
    expect(await failureOf(refused)).toMatchObject({ code: 'file-exists', hint: expect.stringContaining('--force') })
    expect(await names(path('site'))).toEqual(['index.html'])
  })
})

describe('a folder that grows', () => {
  const grow = (text: string, options: Partial<OutputOptions> = {}, goesOn = false) =>
    withOutput(path('sweep'), { kind: 'sweep', goesOn, ...options }, async (output) => {
      const folder = await growFolder(output, { kind: 'sweep', outputs: ['runs/a'], goesOn })
      await folder.writeFile('results.jsonl', text)
    })

  it('is known as ours all the time, with the outputs in it, and what a run left there', async () => {
    await grow('one')
    await write(path('sweep', 'runs', 'a'))
    await writeFile(path('sweep', 'runs', 'a.checkpoint.safetensors'), '')
    await grow('two', {}, true)
    await grow('three', { force: true })
    expect(await names(path('sweep'))).toEqual([RECORD, 'results.jsonl'])
  })

  it.each<[string, () => Promise<unknown>]>([
    ['runs/notes.txt', () => writeFile(path('sweep', 'runs', 'notes.txt'), '')],
    ['runs/a/notes.txt', () => writeFile(path('sweep', 'runs', 'a', 'notes.txt'), '')],
    ['runs/mine/a.json', () => write(path('sweep', 'runs', 'mine'))],
    ['results.jsonl', () => writeFile(path('sweep', 'results.jsonl'), 'mine')],
    ['base/a.json', () => write(path('sweep', 'base'))],
  ])('is not replaced with %s in it', async (foreign, change) => {
    await grow('one')
    await write(path('sweep', 'runs', 'a'))
    await change()
    expect(await failureOf(grow('two', { force: true }))).toMatchObject({
      code: 'file-exists',
      message: expect.stringContaining(foreign),
    })
    expect(existsSync(path('sweep', foreign))).toBe(true)
  })
})
