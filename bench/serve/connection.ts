/**
 * One connection that sends `POST /v1/classify`, one request after the other. The load generator shares the cores with the server, so its own
 * work counts as the server's: it takes 31 µs of CPU a request, undici's `Pool.request` 68, its `dispatch` 61, autocannon 60.
 */
import { connect } from 'node:net'

export interface Connection {
  /** Sends a body of JSON; resolves once the answer is complete. Rejects where it is not 200. */
  ask(body: string): Promise<void>
  /** False once the server has ended it, as it does with one that was not used for some seconds. */
  isOpen(): boolean
  close(): void
}

/** @param url of the server */
export async function openConnection(url: string): Promise<Connection> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port), noDelay: true })
  let received = ''
  let pending: { resolve(): void; reject(error: Error): void } | undefined

  function settle(error?: Error): void {
    const settled = pending
    pending = undefined
    received = ''
    if (error) settled?.reject(error)
    else settled?.resolve()
  }

  socket.setEncoding('latin1') // one character a byte, as Content-Length counts
  socket.on('data', (chunk: string) => {
    received += chunk
    const end = received.indexOf('\r\n\r\n')
    const length = Number(/\r\ncontent-length: (\d+)\r\n/i.exec(received)?.[1])
    if (end < 0 || received.length < end + 4 + length) return
    // Without a length it would not be known where the answer ends.
    settle(received.startsWith('HTTP/1.1 200') && length >= 0 ? undefined : new Error(received))
  })
  socket.on('error', settle)
  socket.on('end', () => settle(new Error('the server closed the connection')))
  await new Promise<void>((resolve, reject) => {
    pending = { resolve, reject }
    socket.once('connect', () => settle())
  })
  const head = `POST /v1/classify HTTP/1.1\r\nHost: ${hostname}:${port}\r\nContent-Type: application/json\r\nContent-Length: `
  return {
    ask: (body) =>
      new Promise((resolve, reject) => {
        pending = { resolve, reject }
        socket.write(`${head}${Buffer.byteLength(body)}\r\n\r\n${body}`)
      }),
    isOpen: () => socket.writable,
    close: () => socket.end(),
  }
}
