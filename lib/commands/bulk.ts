import type { Command } from 'commander'
import { audit } from './audit.ts'
import { doctor } from './doctor.ts'
import type { Io } from './io.ts'
import { rekey } from './rekey.ts'

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

const BULK = {
  concurrency: ['--concurrency <n>', 'requests at once', '32'],
  rate: ['--rate <n>', 'requests per second at most; left out: as many as there are'],
  shard: ['--shard <i/n>', 'the part of one of n processes, from 0/n on; with --job'],
  job: [
    '--job <name>',
    'a name that the shards of one run share; without --shard: what came of all of them',
  ],
} as const

/** The command `audit`. */
export const addAudit = (program: Command, io: Io, finish: Finish): void => {
  program
    .command('audit')
    .description(
      'find out how every object is stored; exit code 0: all as the rules say, 3: not all',
    )
    .argument('<url>', 's3://bucket[/prefix]')
    .option('--versions', 'every version, not the current ones alone')
    .option('--newest', 'only the newest version of a keyring is good enough')
    .option('--ledger <file>', 'where to write down how far it came, to go on from there')
    .option('--json', 'a line of JSON for each object, and one for all')
    .option('--report <file>', 'write an HTML page with the coverage by prefix and by version')
    .option(...BULK.concurrency)
    .option(...BULK.rate)
    .option(...BULK.shard)
    .option(...BULK.job)
    .option(...CLIENT)
    .option(...CONFIG)
    .action((url, options) => finish(audit(url, options, io)))
}

/** The command `rekey`. */
export const addRekey = (program: Command, io: Io, finish: Finish): void => {
  program
    .command('rekey')
    .description(
      'encrypt every object as its rule says, with the newest key; may be killed and run again',
    )
    .argument('<url>', 's3://bucket[/prefix]')
    .option('--to <method>', 'leave: to kms, kms:KEYID or sse-s3, by the provider itself')
    .option('--from-key-file <file>', 'a key that another tool encrypted with: 32 bytes or base64')
    .option('--dry-run', 'only tell what would be done, with bytes and requests')
    .option('--verify <how>', 'head: echo and length; full: read both and compare', 'head')
    .option('--acl', 'keep the ACL of each object')
    .option('--delete-previous', 'in a versioned bucket, delete the version that was rewritten')
    .option('--ledger <file>', 'where to write down how far it came, to go on from there')
    .option('--json', 'a line of JSON for each object that was not kept as it was')
    .option(...BULK.concurrency)
    .option(...BULK.rate)
    .option(...BULK.shard)
    .option(...BULK.job)
    .option(...CLIENT)
    .option(...CONFIG)
    .action((url, options) => finish(rekey(url, options, io)))
}
