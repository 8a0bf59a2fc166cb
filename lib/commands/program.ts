import { Command } from 'commander'
import { PROVIDERS } from '../dialect/profiles.ts'
import { VERSION } from '../version.ts'
import { isWorker } from '../workers/cluster.ts'
import { addAudit, addDoctor, addRekey, type Finish } from './bulk.ts'
import { check } from './check.ts'
import { explain } from './explain.ts'
import { init } from './init.ts'
import { type Io, toPath, UsageError } from './io.ts'
import { generateKey, listKeys } from './keys.ts'
import { restoreKey, retireKey } from './keys-retire.ts'
import { rotateKey } from './keys-rotate.ts'
import { showKey } from './keys-show.ts'
import { generateWrappedKey, importKeys } from './keys-wrap.ts'
import { presign } from './presign.ts'
import { EXIT, run } from './run.ts'
import { serve } from './serve.ts'
import { parseWorkers, serveWorkers } from './serve-workers.ts'

const CONFIG = ['--config <file>', 'the configuration', 'ssec-proxy.yaml'] as const

const startServe = async (
  io: Io,
  options: { readonly config: string; readonly workers: string },
): Promise<number> => {
  const config = toPath(io, options.config)
  const workers = parseWorkers(options.workers)
  if (workers > 1 && !isWorker()) await serveWorkers(config, workers)
  else await serve({ config })
  return EXIT.ok
}

const addServe = (program: Command, io: Io, finish: Finish): void => {
  program
    .command('serve')
    .description('serve a configuration until SIGTERM or SIGINT, then drain')
    .option(...CONFIG)
    .option('--workers <n>', 'processes that share the work; one for each core', '1')
    .action(options => finish(startServe(io, options)))
}

const addInit = (program: Command, io: Io, finish: Finish): void => {
  program
    .command('init')
    .description('write a first configuration, a key and a client secret; replaces no file')
    .option('--dir <folder>', 'where to write', '.')
    .option('--provider <name>', `one of ${[...PROVIDERS.keys()].join(', ')}`, 'aws')
    .option('--endpoint <url>', "the provider's endpoint; AWS's follows from the region")
    .option('--region <name>', "the provider's region", 'us-east-1')
    .action(options => finish(init(options, io)))
}

const addCheck = (program: Command, io: Io, finish: Finish): void => {
  program
    .command('check')
    .description('tell every fault of a configuration at once, with line and remedy')
    .option(...CONFIG)
    .action(options => finish(check(options, io)))
}

const collect = (value: string, before: readonly string[] = []): string[] => [...before, value]

const addExplain = (program: Command, io: Io, finish: Finish): void => {
  program
    .command('explain')
    .description('tell what would happen to a request: operation, rule, key version, headers')
    .argument('<method>', 'HTTP method, such as PUT')
    .argument('<url>', 's3://bucket/key, with ?subresource where there is one')
    .option('--client <name>', 'who asks; may be left out when there is only one')
    .option('--header <line>', "a header, such as 'x-amz-copy-source: bucket/key'", collect)
    .option(...CONFIG)
    .action((method, url, options) => finish(explain(method, url, options, io)))
}

const startGenerate = (
  options: {
    readonly config: string
    readonly keyring?: string
    readonly out?: string
    readonly bare?: true
  },
  io: Io,
): Promise<number> => {
  const { config, keyring, out, bare } = options
  if (keyring === undefined) return generateKey(options, io)
  if (out === undefined && !bare) return generateWrappedKey({ config, keyring }, io)
  throw new UsageError('--keyring says where the key goes, so --out and --bare say nothing.')
}

const addKeys = (program: Command, io: Io, finish: Finish): void => {
  const keys = program
    .command('keys')
    .description('make, import, list, rotate, retire and show keys')
  keys
    .command('generate')
    .description('make a keyring with one fresh key, and print it')
    .option('--out <file>', 'write it to a new file that its owner alone may read')
    .option('--bare', 'print the base64 of the key alone')
    .option('--keyring <name>', 'have it made and wrapped by the provider of this keyring instead')
    .option(...CONFIG)
    .action(options => finish(startGenerate(options, io)))
  keys
    .command('import')
    .description('have the keys of a keyring file wrapped by the provider of another keyring')
    .argument('<file>', 'the keyring file with the keys in plain')
    .requiredOption('--keyring <name>', 'whose provider wraps them, and whose file is made')
    .option(...CONFIG)
    .action((file, options) => finish(importKeys(file, options, io)))
  keys
    .command('list')
    .description('list the versions of the keyrings, without their keys')
    .option('--keyring <name>', 'only this one')
    .option(...CONFIG)
    .action(options => finish(listKeys(options, io)))
  keys
    .command('show')
    .description('print the customer key of an object, to read it without the proxy')
    .argument('<url>', 's3://bucket/key')
    .option('--client <name>', 'whose rules; needed only when they differ by client')
    .option('--version <id>', "the keyring's version; left out: the newest")
    .option(...CONFIG)
    .action((url, options) => finish(showKey(url, options, io)))
  keys
    .command('rotate')
    .description('put a fresh version on top of a keyring: a file, or a secret of a vault')
    .option('--keyring <name>', 'which one; needed only where there are several')
    .option('--derive <how>', 'none, bucket or object; left out: as the newest version says')
    .option(...CONFIG)
    .action(options => finish(rotateKey(options, io)))
  addRetire(keys, io, finish)
}

const addRetire = (keys: Command, io: Io, finish: Finish): void => {
  keys
    .command('retire')
    .description(
      'take a version out of use, unless an object of these buckets is encrypted with it',
    )
    .argument('<version>', 'its id, such as v1')
    .argument('<urls...>', 'every bucket that is encrypted with the keyring: s3://bucket')
    .option('--keyring <name>', 'which one; needed only where there are several')
    .option('--concurrency <n>', 'requests at once', '32')
    .option('--rate <n>', 'requests per second at most; left out: as many as there are')
    .option('--client <name>', 'whose upstream is asked; may be left out when there is only one')
    .option(...CONFIG)
    .action((version, urls, options) => finish(retireKey(version, urls, options, io)))
  keys
    .command('restore')
    .description('bring a retired version back, to read with it again')
    .argument('<version>', 'its id, such as v1')
    .option('--keyring <name>', 'which one; needed only where there are several')
    .option(...CONFIG)
    .action((version, options) => finish(restoreKey(version, options, io)))
}

const addPresign = (program: Command, io: Io, finish: Finish): void => {
  program
    .command('presign')
    .description('make a URL that reads or writes an object through the proxy, with no key in it')
    .argument('<method>', 'GET or PUT')
    .argument('<url>', 's3://bucket/key, with ?response-content-type=... and the like')
    .option('--client <name>', 'who signs; may be left out when there is only one')
    .option('--expires <seconds>', 'how long it counts', '3600')
    .option('--endpoint <url>', 'where the proxy is reached; left out: its first listener')
    .option('--header <line>', "a header to be sent, such as 'content-type: text/plain'", collect)
    .option(...CONFIG)
    .action((method, url, options) => finish(presign(method, url, options, io)))
}

const addDebug = (command: Command): void => {
  command.option('--debug', 'show stacks with errors')
  command.commands.forEach(addDebug)
}

const COMMANDS = [
  addServe,
  addInit,
  addCheck,
  addExplain,
  addKeys,
  addPresign,
  addDoctor,
  addAudit,
  addRekey,
]

const createProgram = (io: Io, finish: Finish): Command => {
  const program = new Command('ssec-proxy')
    .description(
      'A streaming reverse proxy that makes every object in your S3 buckets SSE-C encrypted.',
    )
    .version(VERSION)
    // `keys show --version` is not the program's own.
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: text => io.stdout.write(text),
      writeErr: text => io.stderr.write(text),
    })
    .showHelpAfterError('(add --help for what there is)')
  for (const add of COMMANDS) add(program, io, finish)
  addDebug(program)
  return program
}

/**
 * Runs the command line.
 *
 * @param words what follows the program's name
 * @returns the exit code: 0 ok, 1 a fault of the configuration or the command line, 2 a failure at work,
 *   3 what an examination found is not as it should be
 */
export const runCommand = (words: readonly string[], io: Io): Promise<number> =>
  run(io, words.includes('--debug'), async () => {
    let code: number = EXIT.ok
    const program = createProgram(io, async result => {
      code = await result
    })
    await program.parseAsync(words, { from: 'user' })
    return code
  })
