/** Builds the page from src/web, with ONNX Runtime's files and the vocabulary beside it. */
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
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
        // Not every host knows that .mjs is JavaScript, and browsers run no module of another type.
        const fileName = `assets/${name.replace(/\.mjs$/, '.js').replace(/(\.\w+)$/, `-${hash.slice(0, 8)}$1`)}`
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

/**
 * ONNX Runtime's own code built from its sources, without what the page has no use for: other backends by the flags that its
 * package declares in `lib/build-def.d.ts`, its own worker, and pictures as tensors.
 */
function slimRuntime(): Plugin {
  const flags = { IS_ESM: true, ESM_IMPORT_META_URL: 'import.meta.url', DISABLE_WASM_PROXY: true, DISABLE_WASM: false }
  const without = ['WEBGL', 'JSEP', 'WEBGPU', 'WEBNN'].map((backend) => [`BUILD_DEFS.DISABLE_${backend}`, 'true'])
  const others = ['ENABLE_JSPI', 'ENABLE_BUNDLE_WASM_JS'].map((feature) => [`BUILD_DEFS.${feature}`, 'false'])
  const given = Object.entries(flags).map(([name, value]) => [`BUILD_DEFS.${name}`, String(value)])
  const pictures = /onnxruntime-common\/dist\/esm\/tensor-(conversion|factory)-impl\.js$/
  return {
    name: 'slim-runtime',
    enforce: 'pre',
    config: () => ({ define: Object.fromEntries([...given, ...without, ...others]) }),
    resolveId: (source) => (source === 'onnxruntime-web/wasm' ? join(runtimeFolder, '../lib/index.ts') : undefined),
    load(id) {
      if (!pictures.test(id)) return undefined
      const names = readFileSync(id, 'utf8').matchAll(/^export const (\w+)/gm)
      return Array.from(names, ([, name]) => `export const ${name} = undefined`).join('\n')
    },
  }
}

/** The worker is a file of its own with a hashed name, which the library knows: page and worker are of one version. */
function hashedWorker(): Plugin {
  let reference = ''
  return {
    name: 'hashed-worker',
    buildStart() {
      reference = this.emitFile({ type: 'chunk', id: path('src/web/worker/worker.ts'), name: 'worker' })
    },
    load(id) {
      if (id !== path('src/web/worker-file.ts')) return undefined
      return `export const workerFile = 'assets/' + import.meta.ROLLUP_FILE_URL_${reference}.split('/').pop()`
    },
  }
}

/**
 * What is always loaded together is one file, which compresses better than its parts: each of these modules with all that it
 * imports and that is in none of those before.
 */
const chunks: [name: string, modules: RegExp][] = [
  ['web', /src\/(web\/index|core\/classifier\/scores)\.ts$|vite\/preload-helper/],
  ['engine', /src\/web\/worker\/worker\.ts$/],
  ['bytes', /src\/core\/tokenizer\/bytes\.ts$/],
  ['tokenizer', /src\/core\/tokenizer\/json\.ts$/],
  ['adapter', /src\/(web\/worker\/adapter|core\/bundle\/stack)\.ts$/],
]

/** What Vite calls at each `import()` waits for the style sheets of a chunk, which none of ours has. */
function plainImports(): Plugin {
  return {
    name: 'plain-imports',
    enforce: 'pre',
    load: (id) => (id.endsWith('vite/preload-helper.js') ? 'export const __vitePreload = (load) => load()' : undefined),
  }
}

/** Files that only some visitors need: the service worker keeps them when they are used. */
const isOptional = (fileName: string) => /jspi|\bre2-|\bparquet-/.test(fileName)

/** Files that the worker downloads and keeps itself. */
const isKeptByWorker = (fileName: string) => /\.wasm$|gpt2-ranks/.test(fileName)

/**
 * Names that others rely on stay, as a line that imports the hashed file. And index.html says which files it consists of:
 * the service worker shows a version once it has all of them.
 */
function siteFiles(): Plugin {
  return {
    name: 'site-files',
    // Of what is on the disk: Vite changes chunks till the end.
    writeBundle({ dir = '' }, bundle) {
      const read = (name: string) => readFileSync(join(dir, name))
      const fileOf = (name: string) =>
        Object.values(bundle).find((file) => file.type === 'chunk' && file.name === name)?.fileName
      writeFileSync(join(dir, 'graft.js'), `export * from './${fileOf('graft')}'\n`)
      writeFileSync(join(dir, 'worker.js'), `import './${fileOf('worker')}'\n`)

      const names = Object.keys(bundle).filter((name) => name !== 'index.html' && name !== 'service-worker.js')
      const hashes = (files: string[]) => Object.fromEntries(files.map((name) => [name, sha256(read(name))]))
      const own = [...names.filter((name) => !isKeptByWorker(name)), 'graft.js', 'worker.js']
      const large = names.filter((name) => isKeptByWorker(name) && !isOptional(name))
      const files = {
        page: hashes(own.filter((name) => !isOptional(name))),
        optional: hashes(own.filter(isOptional)),
        large: Object.fromEntries(large.map((name) => [name, read(name).length])),
      }
      const html = read('index.html')
        .toString()
        .replace('SITE_FILES', JSON.stringify(files))
        // Unlike modules, a style sheet loads from file:// too, but not with this attribute.
        .replace('<link rel="stylesheet" crossorigin', '<link rel="stylesheet"')
      writeFileSync(join(dir, 'index.html'), html)
    },
  }
}

export default defineConfig({
  root: path('src/web'),
  // Relative, so that the site works under any path.
  base: './',
  plugins: [runtimeFiles(), slimRuntime(), hashedWorker(), plainImports(), siteFiles()],
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
        'service-worker': path('src/web/service-worker.ts'),
      },
      // A library's exports are of use to nobody here but for graft.js.
      preserveEntrySignatures: 'exports-only',
      output: {
        codeSplitting: { groups: chunks.map(([name, test]) => ({ name, test })) },
        // A browser knows a service worker by its URL.
        entryFileNames: ({ name }) => (name === 'service-worker' ? '[name].js' : 'assets/[name]-[hash].js'),
        chunkFileNames: ({ name, moduleIds }) =>
          moduleIds.some((id) => id.includes('hyparquet-compressors'))
            ? 'assets/parquet-compressors-[hash].js'
            : `assets/${name}-[hash].js`,
        assetFileNames: 'assets/[name]-[hash][extname]',
      },
    },
  },
})
