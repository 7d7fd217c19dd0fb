/** What the operating system says about a failed file operation, for error messages. */
import { constants } from 'node:os'
import { getSystemErrorMap } from 'node:util'

interface SystemError extends Error {
  /** `ENOSPC`, `EACCES`, … */
  code: string
  errno: number
  syscall?: string
  path?: string
}

/** Whether an error comes from the operating system, not from a program's own mistake. */
export const isSystemError = (error: unknown): error is SystemError =>
  error instanceof Error && 'errno' in error && typeof error.errno === 'number' && 'code' in error

/** Node knows no name for some numbers, such as that of a full quota. */
const nameOf = ({ code, errno }: SystemError): string =>
  Object.entries(constants.errno).find(([, number]) => number === -errno)?.[0] ?? code

const quota = 'disk quota exceeded'

/** The reason in the system's words: "no space left on device". */
export const reasonOf = (error: SystemError): string =>
  getSystemErrorMap().get(error.errno)?.[1] ?? (nameOf(error) === 'EDQUOT' ? quota : error.message)

const hints: Partial<Record<string, string>> = {
  ENOSPC: 'Free some space on the disk, or write to another one.',
  EDQUOT: 'Free some of your disk quota, or write to another disk.',
  EFBIG: 'Write to a disk that takes files of this size.',
  EROFS: 'Choose an output path on a disk that can be written to.',
  EMFILE: 'Allow this process more open files (`ulimit -n 4096`), and run the command again.',
  ENFILE: 'Close other programs: the system has no more open files to give.',
  ENAMETOOLONG: 'Choose a shorter name or path.',
  ELOOP: 'Mend the symbolic links on the path: they lead in a circle.',
  EIO: 'The disk may be failing: copy what is on it, and use another one.',
  ENOMEM: 'Close other programs, or use a machine with more memory.',
}

/** What to do about it; undefined where the code alone does not say. */
export const hintOf = (error: SystemError): string | undefined => hints[nameOf(error)]
