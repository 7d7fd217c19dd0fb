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

/** What ONNX Runtime is built for, by the flags that its package declares in `lib/build-def.d.ts`: WebAssembly in our worker. */
const runtimeFlags = {
  IS_ESM: true,
  DISABLE_WASM: false,
  DISABLE_WASM_PROXY: true,
  DISABLE_WEBGL: true,
  DISABLE_JSEP: true,
  DISABLE_WEBGPU: true,
  DISABLE_WEBNN: true,
  ENABLE_JSPI: false,
  ENABLE_BUNDLE_WASM_JS: false,
  ESM_IMPORT_META_URL: 'import.meta.url',
  BUNDLE_FILENAME: '""',
}

/** It also asks whether it is in Node. */
const browser = { 'typeof process': '"undefined"', 'typeof navigator': '"object"' }

/**
 * Of ONNX Runtime's sources those that the page has no use for: pictures and textures as tensors, models that it downloads
 * itself, and traces.
 */
const unused =
  /onnxruntime-common\/dist\/esm\/(tensor-(conversion|factory)-impl|trace)\.js$|onnxruntime-web\/lib\/wasm\/wasm-utils-load-file\.ts$/

/**
 * The module `virtual:onnxruntime`: ONNX Runtime's JavaScript for the CPU from its sources, without those. Not by their `index.ts`, whose
 * `require` keeps a bundler from leaving out what is not used.
 */
function slimRuntime(): Plugin {
  const id = 'virtual:onnxruntime'
  const backend = join(runtimeFolder, '../lib/backend-wasm.ts')
  const define = Object.entries(runtimeFlags).map(([name, value]) => [`BUILD_DEFS.${name}`, String(value)])
  return {
    name: 'slim-runtime',
    enforce: 'pre',
    config: () => ({ define: { ...Object.fromEntries(define), ...browser } }),
    resolveId: (source) => (source === id ? `\0${id}` : undefined),
    load(source) {
      if (source === `\0${id}`) {
        const common = `export { Tensor, env } from 'onnxruntime-common'`
        return `${common}\nexport { wasmBackend } from ${JSON.stringify(backend)}`
      }
      if (!unused.test(source)) return undefined
      const names = readFileSync(source, 'utf8').matchAll(/^export const (\w+)/gm)
      return Array.from(names, ([, name]) => `export const ${name} = () => undefined`).join('\n')
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

/** Of all packages that are in the page. */
const LICENSES = 'licenses.txt'

/** ONNX Runtime's licence is to be kept with all copies, and its packages come without the text. */
function runtimeLicense(): Plugin {
  return {
    name: 'runtime-license',
    writeBundle({ dir = '' }) {
      const file = join(dir, LICENSES)
      const [all, own] = [file, path('src/web/onnxruntime-license.txt')].map((name) => readFileSync(name, 'utf8'))
      writeFileSync(
        file,
        `${all}`.replace(/^## onnxruntime-web .*$/m, (name) => `${name}\n\n${own}`),
      )
    },
  }
}

/** Files that only some visitors need: the service worker keeps them when they are used. */
const isOptional = (fileName: string) => /jspi|\bre2-|\bparquet-/.test(fileName) || fileName === LICENSES

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
  plugins: [runtimeFiles(), slimRuntime(), hashedWorker(), plainImports(), runtimeLicense(), siteFiles()],
  // Without it, ONNX Runtime's loader is in the bundle, where its threads would run the whole worker again.
  resolve: { conditions: ['onnxruntime-web-use-extern-wasm', 'module', 'browser', 'production'] },
  build: {
    outDir: path('dist/page'),
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: false,
    license: { fileName: LICENSES },
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
