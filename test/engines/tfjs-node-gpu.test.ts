/** Device tfjs-node-gpu: in a file, and so in a process, of its own. */
import { describeDevice } from './device.suite.ts'

await describeDevice('tfjs-node-gpu')
