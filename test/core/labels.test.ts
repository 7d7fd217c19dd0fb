/** Label names and ids. */
import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../src/core/families.ts'
import { createLabels, labelFields, labelsOfConfig, sortLabels } from '../../src/core/labels.ts'
import { problemTypes } from '../../src/core/task.ts'
import { tinyConfig } from '../fixtures/adapter.ts'

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

describe('of a configuration', () => {
  it('says that each text has one label, and names them as they were given', () => {
    const fields = labelFields({ labels: ['spam', 'constructor', '__proto__'] })
    expect(fields.problem_type).toBe('single_label_classification')
    expect(labelsOfConfig(parseConfig({ ...tinyConfig, ...fields }), 'x')).toEqual(['spam', 'constructor', '__proto__'])
    expect(labelsOfConfig(tinyConfig, 'x')).toBeUndefined()
  })

  it('is not read for another problem', () => {
    const problem = 'ranking'
    expect(() => parseConfig({ ...tinyConfig, problem_type: problem }, 'dir/config.json')).toThrow(
      expect.objectContaining({
        code: 'config',
        message: `dir/config.json: problem_type "${problem}" is not supported`,
        value: problem,
      }),
    )
  })

  it.each([null, undefined, ...problemTypes])('is read for %s', (problem) => {
    expect(parseConfig({ ...tinyConfig, problem_type: problem }).n_embd).toBe(8)
  })

  it('names as many labels as its kind of task has', () => {
    const named = (...labels: string[]) => labelFields({ labels, problemType: 'regression' })
    const labelsOf = (fields: object) => labelsOfConfig(parseConfig({ ...tinyConfig, ...fields }), 'dir/config.json')
    expect(labelsOf(named('stars'))).toEqual(['stars'])
    expect(() => labelsOf(named('stars', 'price'))).toThrow('there are 2 labels, and a regression gives one number')
    expect(labelsOf(labelFields({ labels: ['a'], problemType: 'multi_label_classification' }))).toEqual(['a'])
    expect(() => labelsOf(labelFields({ labels: ['a'] }))).toThrow('there is one label')
  })
})
