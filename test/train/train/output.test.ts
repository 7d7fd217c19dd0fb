/** What a run leaves where its folder is, or its loss is no number. */
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { interrupt, path, read, refusal, run, traces } from './runs.ts'

describe('the output folder', () => {
  it('that exists is refused before anything else, and with force replaced at the very end', async () => {
    await run('taken', { settings: { epochs: 1 } })
    const before = read('taken', 'adapter_model.safetensors')
    const inode = statSync(path('taken')).ino
    let started = false
    const error = await refusal('taken', { onStart: () => void (started = true) })
    expect(error).toMatchObject({ code: 'file-exists', file: path('taken'), hint: expect.stringContaining('--force') })
    expect(started).toBe(false)
    const during: boolean[] = []
    const onRecord = () => void during.push(read('taken', 'adapter_model.safetensors').equals(before))
    await run('taken', { force: true, onRecord })
    expect(during).toEqual(Array.from({ length: 18 }, () => true))
    expect(read('taken', 'adapter_model.safetensors').equals(before)).toBe(false)
    expect(statSync(path('taken')).ino).not.toBe(inode)
  })

  it('does not appear before all is done', async () => {
    const seen: boolean[] = []
    await run('late', { onRecord: () => void seen.push(existsSync(path('late'))) })
    expect(new Set(seen)).toEqual(new Set([false]))
  })

  it('of other files is not replaced, and the run is not lost', async () => {
    await mkdir(path('foreign'))
    await writeFile(path('foreign', 'notes.txt'), 'mine')
    const onStart = () => expect.unreachable()
    expect(await refusal('foreign', { force: true, onStart })).toMatchObject({ code: 'file-exists' })
    expect(readdirSync(path('foreign'))).toEqual(['notes.txt'])
    expect(traces('foreign')).toEqual(['foreign'])
  })

  it('to which a file is added during the run is not replaced, and the run is not lost', async () => {
    await run('added', { settings: { epochs: 1 } })
    const onStart = () => writeFileSync(path('added', 'notes.txt'), 'mine')
    expect(await refusal('added', { force: true, onStart })).toMatchObject({
      code: 'file-exists',
      message: expect.stringContaining('(notes.txt)'),
    })
    expect(readFileSync(path('added', 'notes.txt'), 'utf8')).toBe('mine')
    expect(traces('added')).toEqual(['added', 'added.checkpoint.safetensors'])
    await rm(path('added', 'notes.txt'))
    expect(await run('added', { resume: true, force: true })).toMatchObject({ steps: 15 })
    expect(traces('added')).toEqual(['added'])
  })

  it('named with a slash at its end is the same, and its checkpoint lies beside it', async () => {
    await run('slash/', { settings: { epochs: 1 } })
    expect(await refusal('slash/', {})).toMatchObject({ code: 'file-exists', file: path('slash') })
    expect(traces('slash')).toEqual(['slash'])
  })

  it('of a base or a data set that the run reads is not replaced', async () => {
    for (const name of ['base', 'data']) {
      expect(await refusal(name, { force: true })).toMatchObject({
        code: 'file-exists',
        message: expect.stringContaining('is what this command reads'),
      })
    }
  })

  it('that cannot be written leaves nothing', async () => {
    await writeFile(path('file'), '')
    expect(await refusal('file/adapter')).toMatchObject({ code: 'file-write' })
    expect(traces('file')).toEqual(['file'])
  })
})

describe('a loss that is no number', () => {
  it('stops the run at its step, and writes nothing', async () => {
    const settings = { learningRate: 1e30, warmup: 0 }
    expect(await refusal('diverged', { settings })).toMatchObject({
      code: 'loss-not-finite',
      message: expect.stringMatching(/^step 2: the loss is (NaN|Infinity)/),
    })
    expect(traces('diverged')).toEqual([])
  })

  it('says what is left of the run', async () => {
    const settings = { learningRate: 1e30, warmup: 0 }
    expect(await refusal('nothing-left', { settings })).toMatchObject({
      hint: 'Train again with a --learning-rate below 1e+30. Nothing was written.',
    })
    const left = 'something-left.checkpoint.safetensors'
    await interrupt('something-left', 1, { settings })
    expect(await refusal('something-left', { settings, resume: true })).toMatchObject({
      code: 'loss-not-finite',
      hint: expect.stringContaining(`--force, which replaces ${path(left)}`),
    })
    expect(traces('something-left')).toEqual([left])
  })
})
