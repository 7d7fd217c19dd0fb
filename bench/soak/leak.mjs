// A leak planted on purpose, loaded into `graft serve` with --import: 16 KB of each request are never let go.
import { subscribe } from 'node:diagnostics_channel'

const kept = []
subscribe('http.server.request.start', () => kept.push(Buffer.alloc(16_384, kept.length)))
