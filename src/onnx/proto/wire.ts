/** protobuf's wire format, as far as it takes to write large fields without copying them (https://protobuf.dev/programming-guides/encoding). */

/** What a message class of onnx-proto has. */
interface Message<T> {
  encode(properties: T): { finish(): Uint8Array }
}

/** The bytes of a message. */
export const encode = <T>(message: Message<T>, properties: T): Uint8Array => message.encode(properties).finish()

const bytesOf = (parts: readonly Uint8Array[]) => parts.reduce((sum, { length }) => sum + length, 0)

/** Seven bits a byte, the lowest first, the highest bit set on all but the last. */
const varint = (value: number): number[] =>
  value < 128 ? [value] : [(value % 128) | 128, ...varint(Math.floor(value / 128))]

/** A length-delimited field (wire type 2): its tag, its length, its content. */
export const field = (number: number, parts: Uint8Array[]): Uint8Array[] => [
  Uint8Array.from([(number << 3) | 2, ...varint(bytesOf(parts))]),
  ...parts,
]

/** Parts as one array. */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(bytesOf(parts))
  let position = 0
  for (const part of parts) {
    whole.set(part, position)
    position += part.length
  }
  return whole
}
