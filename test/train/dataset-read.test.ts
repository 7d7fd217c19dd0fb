/** Reading labelled texts: the formats, columns and line numbers, and an error with its place for each kind of bad input. */
import { existsSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readExamples, readLabelledExamples } from '../../src/train/dataset.ts'
import type { LabelledExample, ReadOptions } from '../../src/train/dataset.ts'
import { hasSharedData, sharedData } from '../shared-data.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'graft-read-'))
})
afterAll(() => rm(folder, { recursive: true }))

function write(name: string, content: string | Uint8Array): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

/** Rows as [label, text, line]. */
async function rowsOf(path: string, options?: ReadOptions) {
  const rows: [string | undefined, string, number][] = []
  for await (const { label, text, line } of readExamples(path, options)) rows.push([label, text, line])
  return rows
}

async function readAll(path: string): Promise<LabelledExample[]> {
  const examples: LabelledExample[] = []
  for await (const example of readLabelledExamples(path)) examples.push(example)
  return examples
}

describe('formats', () => {
  const plain = [
    ['ham', 'hi, you', 2],
    ['spam', 'say "yes"', 3],
  ]

  it.each([
    ['csv', 'a.csv', 'label,text\nham,"hi, you"\nspam,"say ""yes"""\n'],
    ['csv with CRLF and a byte order mark', 'b.csv', '\ufefflabel,text\r\nham,"hi, you"\r\nspam,"say ""yes"""\r\n'],
    ['csv without an end of line', 'c.csv', 'text,label\n"hi, you",ham\n"say ""yes""",spam'],
    ['csv by its header', 'd.txt', ' Label , Text \nham,"hi, you"\nspam,"say ""yes"""\n'],
    ['tsv', 'e.tsv', 'label\ttext\nham\thi, you\nspam\tsay "yes"\n'],
    ['tsv by its header', 'f', 'category\tsms\r\nham\thi, you\r\nspam\tsay "yes"\r\n'],
  ])('reads %s', async (_, name, content) => {
    expect(await rowsOf(write(name, content))).toEqual(plain)
  })

  it('reads JSON Lines, with numbers and booleans as labels', async () => {
    const path = write('a.jsonl', '{"text":"one\\r\\ntwo","label":1}\r\n\n{"label":true,"text":"b","more":[1]}\n')
    expect(await rowsOf(path)).toEqual([
      ['1', 'one\ntwo', 1],
      ['true', 'b', 3],
    ])
    expect(await rowsOf(write('b', '\ufeff{"text":"b"}'))).toEqual([[undefined, 'b', 1]])
  })

  it('reads the SMS form: no header, no quoting, tabs in texts', async () => {
    const path = write('sms', 'ham\t"Oh, no\nspam\tWin\t£1000"\n\nham\tok')
    expect(await rowsOf(path)).toEqual([
      ['ham', '"Oh, no', 1],
      ['spam', 'Win\t£1000"', 2],
      ['ham', 'ok', 4],
    ])
    expect(await rowsOf(write('sms.tsv', '\ufeffham\thello\nham\tok\n'))).toEqual([
      ['ham', 'hello', 1],
      ['ham', 'ok', 2],
    ])
  })

  it('numbers lines by the file, with line breaks inside of quotes', async () => {
    const content = 'text,label\r\n"a\r\nb",x\r\n\r\n"c\n\nd",y\r\ne,z\r\n'
    expect(await rowsOf(write('lines.csv', content))).toEqual([
      ['x', 'a\nb', 2],
      ['y', 'c\n\nd', 5],
      ['z', 'e', 8],
    ])
  })

  it('streams rows of any size over the borders of blocks', async () => {
    const texts = Array.from({ length: 300 }, (_, i) => `${i} é世👍 "x", `.repeat(i % 50 === 7 ? 20_000 : 40))
    const content = texts.map((text) => `"${text.replaceAll('"', '""')}",a\n`).join('')
    const rows = await rowsOf(write('large.csv', `text,label\n${content}`))
    expect(rows.map(([, text]) => text)).toEqual(texts)
    expect(rows.at(-1)?.[2]).toBe(301)
  })

  it.skipIf(!existsSync('/proc/self/fd')).each(['early.csv', 'early.jsonl'])(
    'closes %s when its reader stops early',
    async (name) => {
      const row = name.endsWith('csv') ? 'some text,a\n' : '{"text":"some text"}\n'
      const path = write(name, `${name.endsWith('csv') ? 'text,label\n' : ''}${row.repeat(100_000)}`)
      const isOpen = () => readdirSync('/proc/self/fd').some((fd) => linkOf(`/proc/self/fd/${fd}`) === path)
      for await (const { text } of readExamples(path)) {
        expect(text).toBe('some text')
        expect(isOpen()).toBe(true)
        break
      }
      await expect.poll(isOpen).toBe(false)
    },
  )
})

/** Where a symbolic link points to; nowhere if it has just gone. */
function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}

describe('columns', () => {
  const path = () => write('columns.csv', 'id,Sentence,Emotion,other\n1,hello,joy,x\n2,bye,,y\n')

  it('are found by known names in any case, or named', async () => {
    expect(await rowsOf(path())).toEqual([
      ['joy', 'hello', 2],
      [undefined, 'bye', 3],
    ])
    expect(await rowsOf(path(), { text: 'other', label: 'id' })).toEqual([
      ['1', 'x', 2],
      ['2', 'y', 3],
    ])
  })

  it('need no label where none is asked for', async () => {
    expect(await rowsOf(write('texts.csv', 'text\nhello\n'))).toEqual([[undefined, 'hello', 2]])
  })
})

describe('errors', () => {
  it.each([
    ['an empty file', 'a.csv', '', 'file-empty', 'holds no rows', undefined],
    ['blank lines only', 'a.jsonl', '\n\n', 'file-empty', 'holds no rows', undefined],
    ['a header only', 'a.csv', 'text,label\n', 'file-empty', 'holds no rows', undefined],
    ['a binary file', 'a.csv', 'text,label\na,b\nc\0d,e\n', 'file-binary', 'line 3: a zero byte', 3],
    ['UTF-16', 'a.csv', Buffer.from('text,label\n', 'utf16le'), 'file-encoding', 'line 1: it looks like utf-16le', 1],
    ['Latin-1', 'a.csv', Buffer.from('text,label\na,b\ncafé,c\n', 'latin1'), 'file-encoding', 'line 3: not UTF-8', 3],
    [
      'a cut character at the end',
      'a.csv',
      Buffer.from('text,label\na,é').subarray(0, -1),
      'file-encoding',
      'line 2',
      2,
    ],
    ['no text column', 'a.csv', 'a,label\n1,2\n', 'data-column', 'hold the text; the columns are a, label', undefined],
    ['no label column', 'a.csv', 'text,b\n1,2\n', 'data-column', 'hold the label; the columns are text, b', undefined],
    ['an unknown format', 'a.txt', 'some words\n', 'file-format', 'from the first line "some words"', undefined],
    ['an empty text', 'a.csv', 'text,label\na,b\n\n,c\n', 'text-empty', 'line 4: no text in column "text"', 4],
    ['a blank text', 'a.csv', 'text,label\na,b\n"  ",c\n', 'text-empty', 'line 3: no text in column "text"', 3],
    ['an empty label', 'a.csv', 'text,label\na,b\nc, \n', 'data-label', 'line 3: no label in column "label"', 3],
    [
      'too many fields',
      'a.csv',
      'text,label\na,b\nc,d,e\n',
      'data-row',
      'line 3: the row has 3 fields, the header 2',
      3,
    ],
    ['an open quote', 'a.csv', 'text,label\na,b\n"c,d\ne,f\n', 'data-row', 'line 3: a quoted field is not closed', 3],
    ['text after a quote', 'a.csv', 'text,label\na,b\n"c"d,e\n', 'data-row', 'line 3: ', 3],
    ['no tab', 'a', 'ham\tx\nham\ty\nspam y\n', 'data-row', 'line 3: no tab between label and text', 3],
    ['no JSON', 'a.jsonl', '{"text":"a","label":"b"}\n{"text":\n', 'data-row', 'line 2: not JSON', 2],
    ['a JSON array', 'a.jsonl', '[1]\n', 'data-row', 'line 1: not a JSON object', 1],
    ['a list as text', 'a.jsonl', '{"text":["a"],"label":"b"}\n', 'data-row', 'line 1: "text" is ["a"], not text', 1],
    ['a JSON row without text', 'a.jsonl', '{"text":"a","label":1}\n{"label":2}', 'text-empty', 'line 2: no text', 2],
  ])('%s', async (_, name, content, code, message, line) => {
    const path = write(name, content)
    await expect(readAll(path)).rejects.toMatchObject({
      name: 'GraftError',
      code,
      message: expect.stringContaining(message),
      file: path,
      line,
    })
    await expect(readAll(path)).rejects.toThrow(path)
  })

  it('a missing file, a folder, a column that is not there', async () => {
    await expect(readAll(join(folder, 'none.csv'))).rejects.toMatchObject({ code: 'file-not-found' })
    await expect(readAll(folder)).rejects.toMatchObject({ code: 'file-read' })
    const path = write('named.csv', 'text,label\na,b\n')
    await expect(rowsOf(path, { label: 'kind' })).rejects.toThrow(
      'there is no column "kind"; the columns are text, label',
    )
  })
})

describe.skipIf(!hasSharedData)('real files', () => {
  it.each([
    ['sms-spam/SMSSpamCollection', 5_574, 2],
    ['sms-spam-multilingual/data-en-hi-de-fr.csv', 5_572, 2],
    ['banking77/train.csv', 10_003, 77],
    ['banking77/test.csv', 3_080, 77],
    ['rt-polarity/rt_polarity.csv', 10_662, 2],
    ['tweeteval-emotion/train.csv', 3_257, 4],
    ['masc-email-spam/masc_email_spam.csv', 176, 2],
    ['ag-news/ag_news_test.label_text.csv', 7_600, 4],
  ])('%s: %i rows, %i labels', async (path, rows, labels) => {
    const examples = await readAll(sharedData(path))
    expect(examples.length).toBe(rows)
    expect(new Set(examples.map(({ label }) => label)).size).toBe(labels)
  })
})
