/** A web stream as an iterable, which not every browser makes of it. */

/** The part of a `ReadableStream` that is needed. */
interface Readable {
  getReader(): {
    read(): Promise<{ done: boolean; value?: Uint8Array | undefined }>
    cancel(): Promise<void>
  }
}

/** The chunks of a web stream, such as `file.stream()`. */
export async function* readStream(stream: Readable): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done || !value) return
      yield value
    }
  } finally {
    await reader.cancel().catch(() => undefined)
  }
}
