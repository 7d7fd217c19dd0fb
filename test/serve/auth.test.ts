/** Key files: what is read as a key, and that a message never repeats one. */
import { describe, expect, it } from 'vitest'
import { parseKeys } from '../../src/serve/index.ts'

describe('parseKeys', () => {
  it('reads one key a line, and leaves out comments and empty lines', () => {
    expect(parseKeys('# clients\r\nfirst-key-0123456789\r\n\n  second.key~0123456/+==  \n', 'keys')).toEqual([
      'first-key-0123456789',
      'second.key~0123456/+==',
    ])
  })

  it.each([
    ['', 'keys holds no key'],
    ['# only a comment\n', 'keys holds no key'],
    ['first-key-0123456789\nshort-secret', 'keys, line 2: not a key'],
    ['a secret with spaces in it', 'keys, line 1: not a key'],
  ])('refuses %j', (text, message) => {
    expect(() => parseKeys(text, 'keys')).toThrow(expect.objectContaining({ code: 'config', message }))
  })
})
