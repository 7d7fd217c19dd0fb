/**
 * Which names the server answers to. A page of another site can point its own name at this machine (DNS rebinding) and would then
 * be same-origin with the server; its requests carry that name.
 */
import { isIP } from 'node:net'
import type { MiddlewareHandler } from 'hono'
import type { ServeEnv } from './context.ts'
import { RequestError } from './problem.ts'

/**
 * Lets requests pass that name one of these hosts, this machine, an IP address, which no site can point elsewhere, or none, as HTTP/1.0
 * health checks do and browsers never.
 */
export function allowHosts(names: readonly string[]): MiddlewareHandler<ServeEnv> {
  const allowed = new Set(names.map(hostName))
  return async (c, next) => {
    const host = hostName(c.req.header('Host') ?? '')
    const isHere = host === '' || host === 'localhost' || host.endsWith('.localhost')
    if (!isHere && isIP(host) === 0 && !allowed.has(host)) throw wrongHost(host)
    await next()
  }
}

/** Without the port, and the brackets of an IPv6 address. */
const hostName = (header: string) =>
  header
    .trim()
    .toLowerCase()
    .replace(/:\d*$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')

/** Whether what listens on an address is reached from this machine alone. */
export const isLoopback = (address: string): boolean =>
  address === 'localhost' || address === '::1' || /^127\.\d+\.\d+\.\d+$/.test(address)

const wrongHost = (host: string) =>
  new RequestError(403, 'host-not-allowed', `the server does not answer to the name ${JSON.stringify(host)}`, {
    hint: 'Start it with `--allowed-host NAME` to have it answer.',
  })
