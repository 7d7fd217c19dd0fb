// In a clone the worker is run from its source: a thread does not inherit the main thread's TypeScript loader, and Node 20
// ignores `--import` for threads. A package has neither this file nor the sources.
import { register } from 'tsx/esm/api'

register()
await import('./worker.ts')
