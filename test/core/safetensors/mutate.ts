/** Makes damaged safetensors files out of valid ones, for the test that reads a hundred thousand of them. */
import { createRandom, type Random } from '../../../src/core/random.ts'
import { serializeSafetensors } from '../../../src/core/safetensors.ts'
import { sizeOf } from '../../../src/core/tensors.ts'

/** A header as JSON, whatever it holds. */
type Json = Record<string, Record<string, unknown>>

interface File {
  header: string
  data: Uint8Array
}

const shapes = [[], [0], [3], [2, 3], [0, 4], [1, 2, 2]]
const names = ['w', 'h.0.attn.c_attn.weight', '10', '__proto__', 'ü', '😀', 'a"b\\', ' ']

const pick = <T>(random: Random, items: readonly T[]): T => items[random.integer(items.length)]! // below the length

function validFile(random: Random): File {
  const chosen = random.shuffle(names).slice(0, random.integer(5))
  const tensors = chosen.map((name) => {
    const shape = pick(random, shapes)
    return [name, { shape, data: Float32Array.from({ length: sizeOf(shape) }, random.normal) }] as const
  })
  const bytes = serializeSafetensors(new Map(tensors), random.integer(2) ? { format: 'pt' } : undefined)
  const end = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true))
  return { header: new TextDecoder().decode(bytes.subarray(8, end)), data: bytes.subarray(end) }
}

function toBytes({ header, data }: File, length?: bigint): Uint8Array {
  const text = new TextEncoder().encode(header)
  const bytes = new Uint8Array(8 + text.length + data.length)
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(text.length), true)
  bytes.set(text, 8)
  bytes.set(data, 8 + text.length)
  return bytes
}

const wrongNumbers = ['-1', '-0', '1.0', '1e2', '0.5', '1e309', '4294967296', '9007199254740991', '9007199254740993']
const wrongValues = [
  ...wrongNumbers,
  '18446744073709551616',
  'null',
  'true',
  '"1"',
  '[]',
  '{}',
  '[[0]]',
  '',
  '00',
  'NaN',
]
const characters = [
  ...'{}[]",:\\ \n0123456789eE+-.truefalsn_',
  '\u0000',
  '\\u0061',
  '\\ud800',
  '\uFEFF',
  'é',
  '😀',
  '/*',
]

/** Puts a text in the place of a part of another. */
const splice = (text: string, start: number, removed: number, inserted: string) =>
  text.slice(0, start) + inserted + text.slice(start + removed)

function changeEntry(random: Random, { header, data }: File): Uint8Array {
  const json: Json = JSON.parse(header)
  const entry = pick(random, [...Object.values(json), {}])
  const near = () => Math.max(0, random.integer(40) - 2)
  const changes = [
    () => (entry.data_offsets = [near(), near()]),
    () =>
      (entry.shape = Array.from({ length: random.integer(4) }, () => pick(random, [0, 1, 2, 3, 6, 2 ** 31, 2 ** 53]))),
    () =>
      (entry.dtype = pick(random, ['F64', 'F16', 'BF16', 'U8', 'I64', 'BOOL', 'f32', '', 'F8_E4M3', 'constructor'])),
    () => delete entry[pick(random, ['dtype', 'shape', 'data_offsets'])],
    () => (json[pick(random, ['__metadata__', 'extra'])] = entry),
  ]
  pick(random, changes)()
  return toBytes({ header: JSON.stringify(json), data })
}

/** Each takes a valid file and returns a damaged one. Some of the damage is harmless. */
const mutations: ((random: Random, file: File) => Uint8Array)[] = [
  function flipBits(random, file) {
    const bytes = toBytes(file)
    for (let i = random.integer(4); i >= 0; i--) bytes[random.integer(bytes.length)]! ^= 1 << random.integer(8) // in range
    return bytes
  },
  function truncate(random, file) {
    const bytes = toBytes(file)
    return bytes.subarray(0, random.integer(bytes.length))
  },
  function append(random, file) {
    return toBytes({ ...file, data: new Uint8Array(file.data.length + 1 + random.integer(16)) })
  },
  function changeLength(random, file) {
    const exponent = BigInt(random.integer(65))
    return toBytes(file, (2n ** exponent - BigInt(random.integer(3)) + 2n ** 64n) % 2n ** 64n)
  },
  function editHeader(random, { header, data }) {
    for (let i = random.integer(3); i >= 0; i--) {
      header = splice(header, random.integer(header.length + 1), random.integer(3), pick(random, characters))
    }
    return toBytes({ header, data })
  },
  function changeNumber(random, { header, data }) {
    const numbers = [...header.matchAll(/\d+/g)]
    const number = pick(random, [...numbers, header.match(/$/)!]) // $ matches always
    return toBytes({ header: splice(header, number.index ?? 0, number[0].length, pick(random, wrongValues)), data })
  },
  function repeatMember(random, { header, data }) {
    const members = [...header.matchAll(/"\w+":("\w+"|\[[^\]]*\]|\{[^}]*\})/g)].map(([member]) => member)
    const member = pick(random, [...members, '"a":"b"'])
    return toBytes({ header: header.replace(pick(random, [member, '{']), (found) => `${found},${member}`), data })
  },
  function nest(random, { header, data }) {
    const depth = random.integer(200)
    const [open, close] = pick(random, [
      ['[', ']'],
      ['{"a":', '}'],
    ] as const)
    const value = open.repeat(depth) + pick(random, wrongValues) + close.repeat(depth)
    return toBytes({ header: header.replace(/"F32"|"pt"|\d+/, () => value), data })
  },
  changeEntry,
]

/** An endless sequence of damaged files, the same for the same seed. */
export function* damagedFiles(seed: number): Generator<Uint8Array, never> {
  const random = createRandom(seed)
  while (true) yield pick(random, mutations)(random, validFile(random))
}
