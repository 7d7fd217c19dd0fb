/** The machine as `graft doctor` sees it: system, processor, memory, disk, Node. */
import { readFile, statfs } from 'node:fs/promises'
import os from 'node:os'
import type { Check } from './check.ts'

const gigabyte = 1e9
const neededMemory = 2 * gigabyte
const neededDisk = 0.5 * gigabyte
/** package.json's `engines.node`; a test holds the two together. */
export const neededNode = '20.19'
/** Versions on which the suite passes: `npm run test:node` runs it on each. */
export const testedNodes = [neededNode, '22', '24', '26']

const inGigabytes = (bytes: number): string => `${(bytes / gigabyte).toFixed(1)} GB`

/** Numbers in files of the control group; none where a file is absent or says `max`. */
async function readControlGroup(...files: string[]): Promise<number[]> {
  const texts = await Promise.all(files.map((file) => readFile(`/sys/fs/cgroup/${file}`, 'utf8').catch(() => '')))
  const numbers = texts.join(' ').trim().split(/\s+/).map(Number)
  return numbers.every((number) => number > 0) ? numbers : []
}

/** Cores that a container's control group (version 2, else 1) allows; undefined where it sets no limit. */
async function allowedCores(): Promise<number | undefined> {
  const version2 = await readControlGroup('cpu.max')
  const version1 = () => readControlGroup('cpu/cpu.cfs_quota_us', 'cpu/cpu.cfs_period_us')
  const [quota, period] = version2.length > 0 ? version2 : await version1()
  return quota && period ? quota / period : undefined
}

async function checkProcessor(): Promise<Check> {
  const model = os.cpus()[0]?.model.trim() ?? 'unknown model'
  const allowed = await allowedCores()
  const limit = allowed === undefined ? '' : `, of which the container may use ${allowed.toFixed(1)}`
  const cores = os.availableParallelism()
  return { name: 'CPU', status: 'ok', found: `${model}, ${cores} ${cores === 1 ? 'core' : 'cores'}${limit}` }
}

function checkMemory(): Check {
  // A control group without a limit reports a number near 2^64.
  const total = Math.min(os.totalmem(), process.constrainedMemory() || Infinity)
  const found = `${inGigabytes(total)}, ${inGigabytes(Math.min(total, process.availableMemory()))} free`
  if (total >= neededMemory) return { name: 'memory', status: 'ok', found }
  const advice = `Give the machine or container ${inGigabytes(neededMemory)} or more.`
  return { name: 'memory', status: 'missing', found, advice }
}

async function checkDisk(): Promise<Check> {
  const { bavail, bsize } = await statfs('.')
  const found = `${inGigabytes(bavail * bsize)} free in this folder`
  if (bavail * bsize >= neededDisk) return { name: 'disk', status: 'ok', found }
  const advice = `Free ${inGigabytes(neededDisk)} or more, or work in a folder on another disk.`
  return { name: 'disk', status: 'missing', found, advice }
}

/** Compares versions by their numbers: `20.9` is before `20.19`. */
export function isAtLeast(version: string, needed: string): boolean {
  return version.localeCompare(needed, 'en', { numeric: true }) >= 0
}

/** A version of Node, and which ones were tested. */
export function describeNode(version: string): string {
  const major = (of: string) => of.split('.')[0]
  const isTested = testedNodes.some((tested) => major(tested) === major(version))
  const tested = new Intl.ListFormat('en-GB').format(testedNodes)
  return `${version}${isTested ? '' : ', which was not tested'}; tested are ${tested}`
}

function checkNode(): Check {
  const version = process.versions.node
  const found = describeNode(version)
  if (isAtLeast(version, neededNode)) return { name: 'Node', status: 'ok', found }
  const advice = `Install Node ${neededNode} or newer: https://nodejs.org/`
  return { name: 'Node', status: 'missing', found, advice }
}

/** Looks at everything that is there before any library of ours is loaded. */
export async function checkMachine(): Promise<Check[]> {
  const system: Check = { name: 'system', status: 'ok', found: `${os.type()} ${os.release()}, ${process.arch}` }
  return [system, await checkProcessor(), checkMemory(), await checkDisk(), checkNode()]
}
