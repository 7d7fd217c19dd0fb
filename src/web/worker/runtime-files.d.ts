/** What vite.config.ts makes: ONNX Runtime's JavaScript, and beside the page its files and the tokenizer's vocabulary. */
declare module 'virtual:runtime-files' {
  interface RuntimeFile {
    /** Path in the site. */
    path: string
    bytes: number
    sha256: string
  }
  /** ONNX Runtime's loader, a module, and the WebAssembly that it loads. */
  interface RuntimeBuild {
    loader: RuntimeFile
    wasm: RuntimeFile
  }
  export const cpu: RuntimeBuild
  /** Its JavaScript is a file too, which only those load who ask for it. */
  export const webgpu: RuntimeBuild & { module: RuntimeFile }
  /** js-tiktoken's GPT-2 ranks as JSON. */
  export const ranks: RuntimeFile
}

/** ONNX Runtime for the CPU, of which only what the worker uses is in the page. */
declare module 'virtual:onnxruntime' {
  import type { Backend } from 'onnxruntime-web'

  export { Tensor, env } from 'onnxruntime-web'
  export const wasmBackend: Backend
}
