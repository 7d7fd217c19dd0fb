/** A stream that remembers what was written to it. */
import { Writable } from 'node:stream'

/** @param columns of the terminal that it pretends to be; none by default */
export function recorder(columns?: number) {
  let text = ''
  const stream = new Writable({
    write(chunk: Buffer, _, done) {
      text += String(chunk)
      done()
    },
  }) as unknown as NodeJS.WriteStream
  if (columns) Object.assign(stream, { isTTY: true, columns })
  return { stream, text: () => text }
}
