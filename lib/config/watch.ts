import { stat } from 'node:fs/promises'
import { isDeepStrictEqual } from 'node:util'

/** What tells one state of a file from another; the file's replacement by a link to another counts, too. */
const stateOf = async (file: string): Promise<string> => {
  try {
    const { ino, mtimeMs, size } = await stat(file)
    return `${ino} ${mtimeMs} ${size}`
  } catch {
    return 'none'
  }
}

const statesOf = async (files: readonly string[]): Promise<string> =>
  (await Promise.all(files.map(stateOf))).join('\n')

export interface FileWatch {
  /** Looks at these from now on. */
  follow(files: readonly string[]): Promise<void>
  stop(): void
}

/**
 * Tells when one of some files changes. It looks from time to time and waits for no event, since a folder that
 * Kubernetes mounts or a network file system sends none that can be trusted.
 *
 * @param interval milliseconds between two looks
 * @param onChange told once per change; the next look waits until it is done
 */
export const watchFiles = (interval: number, onChange: () => Promise<void>): FileWatch => {
  let files: readonly string[] = []
  let before = ''
  let isLooking = false
  const look = async (): Promise<void> => {
    if (isLooking) return
    isLooking = true
    try {
      const now = await statesOf(files)
      if (now === before) return
      before = now
      await onChange()
    } finally {
      isLooking = false
    }
  }
  const timer = setInterval(() => void look(), interval)
  timer.unref()
  return {
    follow: async next => {
      // What changes while a change is being taken shows at the next look.
      if (isDeepStrictEqual(next, files)) return
      files = next
      before = await statesOf(next)
    },
    stop: () => clearInterval(timer),
  }
}
