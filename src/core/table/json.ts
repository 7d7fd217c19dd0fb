/** The members of a JSON object with their values as they are written: parsed, 19-digit numbers would lose digits. */

/** A string, a bracket or a separator. What stands between them are numbers, `true`, `false` and `null`. */
const token = /"(?:[^"\\]|\\.)*"|[{}[\]:,]/g

/**
 * @param source an object that `JSON.parse` takes
 * @returns names, and the sources of their values
 */
export function membersOf(source: string): [name: string, value: string][] {
  const members: [string, string][] = []
  let depth = 0
  let name: string | undefined
  let start = 0
  for (const { 0: text, index } of source.matchAll(token)) {
    const isEnd = depth === 1 && (text === ',' || text === '}')
    if (isEnd && name !== undefined) {
      members.push([name, source.slice(start, index).trim()])
      name = undefined
    } else if (depth === 1 && name === undefined && text.startsWith('"')) name = String(JSON.parse(text))
    else if (depth === 1 && text === ':') start = index + 1
    if (text === '{' || text === '[') depth++
    if (text === '}' || text === ']') depth--
  }
  return members
}
