/** What `JSON.parse` lets pass in silence, found in the text itself: keys that occur twice, and nesting without bound. */

/** A header holds entries, which hold arrays. Deeper text of 100 MB could parse to more objects than fit in memory. */
const maxDepth = 3

/** Index just past the string that begins at `start`. */
function endOfString(json: string, start: number): number {
  let index = start + 1
  while (index < json.length && json[index] !== '"') index += json[index] === '\\' ? 2 : 1
  return index + 1
}

const colon = /\s*:/y

/** The key that a string is, if a colon follows it. */
function keyAt(json: string, start: number, end: number): string | undefined {
  colon.lastIndex = end
  return colon.test(json) ? JSON.parse(json.slice(start, end)) : undefined
}

/**
 * What is wrong with a header's text, or undefined. Text that isn't JSON may pass: `JSON.parse` is to follow.
 * In JSON, quotes stand at the ends of strings only, and a string before a colon is a key, so the answer is exact.
 * @throws SyntaxError for a key that isn't a JSON string
 */
export function findFault(json: string): string | undefined {
  const open: Set<string>[] = []
  for (let index = 0; index < json.length; index++) {
    const character = json[index]
    if (character === '{' || character === '[') {
      if (open.push(new Set()) > maxDepth) return 'is nested too deeply'
    } else if (character === '}' || character === ']') open.pop()
    else if (character === '"') {
      const end = endOfString(json, index)
      const key = keyAt(json, index, end)
      if (key !== undefined && open.at(-1)?.has(key)) return `holds ${JSON.stringify(key)} twice`
      if (key !== undefined) open.at(-1)?.add(key)
      index = end - 1
    }
  }
  return undefined
}
