import { url as debuggerUrl } from 'node:inspector'
import type { Logger } from '../observe/log.ts'

/**
 * Options of Node that let somebody look into the process, or have it write its memory or its environment to a file:
 * https://nodejs.org/docs/latest-v20.x/api/cli.html
 */
const REVEALING =
  /^--(inspect(?!-p)|heapsnapshot-|heap-prof|report-on-|report-uncaught-|abort-on-uncaught-)/

/** What was turned on that shows keys or secrets to whoever finds it: options of Node, or a debugger that listens. */
export const revealing = (
  execArgv: readonly string[],
  nodeOptions: string | undefined,
): readonly string[] => {
  const options = [...execArgv, ...(nodeOptions?.split(/[\s"]+/) ?? [])]
  const found = options.filter(option => REVEALING.test(option))
  const where = debuggerUrl()
  return where === undefined ? found : [...found, `a debugger on ${new URL(where).host}`]
}

/**
 * Says what makes the process show its keys, and says so of each SIGUSR1, too. The program itself has taken that signal
 * away from Node already, which would open a debugger on loopback for every user of the machine.
 */
export const watchDebugging = (log: Logger): void => {
  const options = revealing(process.execArgv, process.env['NODE_OPTIONS'])
  if (options.length > 0)
    log.warn({ options }, 'Node was told to show what is in memory: keys, too')
  process.on('SIGUSR1', () => log.warn('SIGUSR1 opens no debugger: it would show keys'))
}
