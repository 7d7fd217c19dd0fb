/** A case of the table suite: a file's content, and what comes of it. */
import { expect } from 'vitest'
import type { Input, Outcome } from './run.ts'

export interface Case extends Input {
  title: string
  expected: Outcome
}

export const bytes = (base64: string) => [...Buffer.from(base64, 'base64')]
export const utf16 = (text: string, swap = false) => {
  const encoded = Buffer.from(text, 'utf16le')
  return [...(swap ? encoded.swap16() : encoded)]
}
export const latin1 = (text: string) => [...Buffer.from(text, 'latin1')]

export const csv = (title: string, content: Input['content'], expected: Outcome, more: Partial<Input> = {}): Case => ({
  title,
  name: 'a.csv',
  content,
  expected,
  ...more,
})

export const fails = (code: string, message: string, hint = '', line?: number): Outcome => ({
  error: {
    code,
    message: expect.stringContaining(message),
    hint: expect.stringContaining(hint),
    ...(line === undefined ? {} : { line }),
  },
})
