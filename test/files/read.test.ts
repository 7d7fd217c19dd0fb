/** Reading and hashing: the values, and errors that name the file, the line and the command that helps. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { sha256, sha256File } from '../../src/files/hash.ts'
import { readBytes, readJson } from '../../src/files/read.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'graft-read-'))
})
afterEach(() => rm(dir, { recursive: true }))

async function fileOf(content: string | Uint8Array): Promise<string> {
  await writeFile(join(dir, 'file'), content)
  return join(dir, 'file')
}

it('reads bytes and JSON, with or without a byte order mark', async () => {
  expect([...(await readBytes(await fileOf(new Uint8Array([0, 255]))))]).toEqual([0, 255])
  expect(await readJson(await fileOf('\uFEFF{"a": [1]}'))).toEqual({ a: [1] })
})

it('a missing file names itself and carries the hint', async () => {
  const path = join(dir, 'none')
  const missing = { code: 'file-not-found', message: `${path} does not exist`, file: path }
  await expect(readBytes(path, 'Make it with `graft init`.')).rejects.toMatchObject({
    ...missing,
    hint: 'Make it with `graft init`.',
  })
  await expect(readJson(path)).rejects.toMatchObject(missing)
  await expect(sha256File(path)).rejects.toMatchObject(missing)
})

it('a folder cannot be read', async () => {
  await expect(readBytes(dir)).rejects.toMatchObject({
    code: 'file-read',
    message: expect.stringContaining('directory'),
  })
})

it('what is not JSON is named with its line where V8 knows it', async () => {
  const path = await fileOf('{\n"a": 1,\n}')
  await expect(readJson(path)).rejects.toMatchObject({ code: 'file-format', line: 3, file: path })
  await expect(readJson(await fileOf(''))).rejects.toMatchObject({ code: 'file-format' })
  await expect(readJson(await fileOf(new Uint8Array([0x22, 0xff, 0x22])))).rejects.toMatchObject({
    code: 'file-format',
    message: expect.stringContaining('not UTF-8'),
  })
})

it('hashes bytes, text and files alike (FIPS 180-2, appendix B.1)', async () => {
  const expected = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
  expect(sha256('abc')).toBe(expected)
  expect(sha256(new TextEncoder().encode('abc'))).toBe(expected)
  expect(await sha256File(await fileOf('abc'))).toBe(expected)
})
