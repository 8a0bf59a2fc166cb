import type { Command } from 'commander'
import { doctor } from './doctor.ts'
import type { Io } from './io.ts'

const CONFIG = ['--config <file>', 'the configuration', 'ssec-proxy.yaml'] as const
const CLIENT = [
  '--client <name>',
  'whose rules, upstream and credentials; may be left out when there is only one',
] as const

/** Makes of a command's exit code what becomes of the whole. */
export type Finish = (code: Promise<number>) => Promise<void>

/** The command `doctor`. */
export const addDoctor = (program: Command, io: Io, finish: Finish): void => {
  program
    .command('doctor')
    .description(
      'try out at the real provider all that the proxy relies on, with a remedy for each fault',
    )
    .argument(
      '[url]',
      's3://bucket[/prefix] to try it in; left out: a bucket made for it and removed',
    )
    .option('--fix', 'unblock SSE-C where the bucket blocks it (AWS)')
    .option('--json', 'a line of JSON for each finding')
    .option(...CLIENT)
    .option(...CONFIG)
    .action((url, options) => finish(doctor(url, options, io)))
}
