/** Device tfjs-node: in a file, and so in a process, of its own. */
import { describeDevice } from './device.suite.ts'

await describeDevice('tfjs-node')
