/** Builds the page from src/web, with ONNX Runtime's files and the vocabulary beside it. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ranks from 'js-tiktoken/ranks/gpt2'
import { type Plugin, defineConfig } from 'vite'

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))
const { resolve } = createRequire(import.meta.url)
const sha256 = (data: string | Uint8Array) => createHash('sha256').update(data).digest('hex')

/** ONNX Runtime's files, not all of which its package exports. */
const runtimeFolder = dirname(resolve('onnxruntime-web/ort-wasm-simd-threaded.wasm'))

/** The module `virtual:runtime-files`: where the files are that the worker downloads itself, with their hashes. */
function runtimeFiles(): Plugin {
  const id = 'virtual:runtime-files'
  return {
    name: 'runtime-files',
    resolveId: (source) => (source === id ? `\0${id}` : undefined),
    load(source) {
      if (source !== `\0${id}`) return undefined
      const emit = (name: string, source = readFileSync(join(runtimeFolder, name))) => {
        const hash = sha256(source)
        const fileName = `assets/${name.replace(/(\.\w+)$/, `-${hash.slice(0, 8)}$1`)}`
        this.emitFile({ type: 'asset', fileName, source })
        return { path: fileName, bytes: source.length, sha256: hash }
      }
      const build = (name: string) => ({ loader: emit(`${name}.mjs`), wasm: emit(`${name}.wasm`) })
      const webgpu = { module: emit('ort.jspi.min.mjs'), ...build('ort-wasm-simd-threaded.jspi') }
      return [
        `export const cpu = ${JSON.stringify(build('ort-wasm-simd-threaded'))}`,
        `export const webgpu = ${JSON.stringify(webgpu)}`,
        `export const ranks = ${JSON.stringify(emit('gpt2-ranks.json', Buffer.from(JSON.stringify(ranks))))}`,
      ].join('\n')
    },
  }
}

/** Files that the worker keeps itself, and that the service worker therefore leaves alone. */
const isKeptByWorker = (fileName: string) => /\.wasm$|gpt2-ranks/.test(fileName)

/** Files that only some visitors need: kept when they are used. */
const isOptional = (fileName: string) => /jspi|assets\/(table|parquet)-/.test(fileName)

/** Tells the service worker which files the page consists of. */
function pageFiles(): Plugin {
  return {
    name: 'page-files',
    enforce: 'post',
    generateBundle(_, bundle) {
      const serviceWorker = bundle['service-worker.js']
      if (serviceWorker?.type !== 'chunk') throw new Error('there is no service worker')
      const files = Object.values(bundle).filter((file) => file !== serviceWorker && !isKeptByWorker(file.fileName))
      const contents = files.map((file) => sha256(file.type === 'chunk' ? file.code : file.source))
      const names = files.map(({ fileName }) => fileName)
      serviceWorker.code = serviceWorker.code
        .replace('PAGE_FILES', JSON.stringify(names.filter((name) => !isOptional(name))))
        .replace('OPTIONAL_FILES', JSON.stringify(names.filter(isOptional)))
        .replace('PAGE_VERSION', JSON.stringify(sha256(contents.join()).slice(0, 16)))
    },
  }
}

/** Entries whose names others rely on: they are no part of the page, or load from a URL that code makes. */
const fixedNames = ['worker', 'service-worker', 'graft']

export default defineConfig({
  root: path('src/web'),
  // Relative, so that the site works under any path.
  base: './',
  plugins: [runtimeFiles(), pageFiles()],
  // Without it, ONNX Runtime's loader is in the bundle, where its threads would run the whole worker again.
  resolve: { conditions: ['onnxruntime-web-use-extern-wasm', 'module', 'browser', 'production'] },
  build: {
    outDir: path('dist/page'),
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: false,
    chunkSizeWarningLimit: 1000,
    rollupOptions: {
      input: {
        page: path('src/web/index.html'),
        graft: path('src/web/index.ts'),
        worker: path('src/web/worker/worker.ts'),
        'service-worker': path('src/web/service-worker.ts'),
      },
      // A library's exports are of use to nobody here but for graft.js.
      preserveEntrySignatures: 'exports-only',
      output: {
        entryFileNames: ({ name }) => (fixedNames.includes(name) ? '[name].js' : 'assets/[name]-[hash].js'),
        chunkFileNames: ({ name, moduleIds }) =>
          moduleIds.some((id) => id.includes('hyparquet-compressors'))
            ? 'assets/parquet-compressors-[hash].js'
            : `assets/${name}-[hash].js`,
        assetFileNames: 'assets/[name]-[hash][extname]',
      },
    },
  },
})
