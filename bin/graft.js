#!/usr/bin/env node
// In a clone the sources are run as they are (tsx is a dev dependency); in an installed package, which has no src/, the build is.
import { existsSync } from 'node:fs'

if (existsSync(new URL('../src/cli/main.ts', import.meta.url))) {
  const { register } = await import('tsx/esm/api')
  register()
  await import('../src/cli/main.ts')
} else {
  await import('../dist/cli/main.js')
}
