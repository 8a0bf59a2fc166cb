import { readFile, writeFile } from 'node:fs/promises'

/** The kernel counts CPU time for user space in hundredths of a second: proc(5), sysconf(_SC_CLK_TCK). */
const TICKS_PER_SECOND = 100

/** CPU seconds that a process has used so far, in user and kernel mode. */
export const cpuSeconds = async (pid: number): Promise<number> => {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1')
  // Fields are counted behind the program's name, the only one with spaces in it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [userTicks, systemTicks] = [Number(fields[11]), Number(fields[12])]
  return (userTicks + systemTicks) / TICKS_PER_SECOND
}

/** Resident memory of a process in MiB: now, and the most since `resetPeak`. The kernel keeps the peak, so none is missed. */
export const residentMiB = async (
  pid: number,
): Promise<{ readonly now: number; readonly peak: number }> => {
  const status = await readFile(`/proc/${pid}/status`, 'latin1')
  const field = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) / 1024
  return { now: field('VmRSS'), peak: field('VmHWM') }
}

/** Lets the peak of a process's resident memory begin anew: proc(5), clear_refs. */
export const resetPeak = (pid: number): Promise<void> => writeFile(`/proc/${pid}/clear_refs`, '5')
