/** Label names and ids. */
import { describe, expect, it } from 'vitest'
import { createLabels, sortLabels } from '../../src/core/labels.ts'

const place = { file: 'train.csv', line: 7 }

describe('labels', () => {
  it('number names in the order given', () => {
    const labels = createLabels(['spam', 'ham'])
    expect(labels.names).toEqual(['spam', 'ham'])
    expect([labels.idOf('spam', place), labels.idOf('ham', place)]).toEqual([0, 1])
  })

  it('sort by code units, each once', () => {
    expect(sortLabels(['b', 'ä', 'a', 'B', 'b', '10', '9'])).toEqual(['10', '9', 'B', 'a', 'b', 'ä'])
  })

  it('say where an unknown name stands', () => {
    expect(() => createLabels(['ham', 'spam']).idOf('eggs', place)).toThrow(
      expect.objectContaining({
        code: 'data-label',
        message: 'train.csv, line 7: unknown label "eggs"; the labels are "ham", "spam"',
        value: 'eggs',
        ...place,
      }),
    )
    const many = Array.from({ length: 77 }, (_, i) => `intent ${i}`)
    expect(() => createLabels(many).idOf('constructor', place)).toThrow('"intent 9" and 67 more')
  })

  it('refuse a name given twice', () => {
    expect(() => createLabels(['a', 'b', 'a'])).toThrow(
      expect.objectContaining({ code: 'data-label', message: 'label "a" is listed twice' }),
    )
  })
})
