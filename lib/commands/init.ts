import { access, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { checkUpstreams } from '../config/checks/upstreams.ts'
import { partsOf } from '../config/parts.ts'
import { configSchema } from '../config/schema.ts'
import { generateSecretAccessKey, generateVersion } from '../keys/generate.ts'
import { writeKeyringFile } from '../keys/providers/file.ts'
import { createSecretFile } from '../keys/providers/secret-file.ts'
import { parseYaml } from '../yaml/document.ts'
import { shapeOf } from '../yaml/shape.ts'
import { fromPath, type Io, toPath, UsageError } from './io.ts'
import { EXIT } from './run.ts'
import { shellQuote } from './text.ts'

export interface InitOptions {
  readonly dir: string
  readonly provider: string
  readonly endpoint?: string
  readonly region: string
}

const FILES = {
  config: 'ssec-proxy.yaml',
  keyring: 'keys/main.yaml',
  secret: 'secrets/app',
} as const

const endpointOf = ({ provider, endpoint, region }: InitOptions): string => {
  if (endpoint !== undefined) return endpoint
  if (provider === 'aws') return `https://s3.${region}.amazonaws.com`
  throw new UsageError(`Provider ${provider} needs --endpoint, such as https://s3.example.com.`)
}

const upstreamText = (options: InitOptions): string => {
  const { provider, region } = options
  if (provider === 'embedded') {
    return `main: { provider: embedded, path: data } # for trial and tests`
  }
  return `main:
    provider: ${JSON.stringify(provider)}
    endpoint: ${JSON.stringify(endpointOf(options))}
    region: ${JSON.stringify(region)}
    credentials: { env: UPSTREAM } # UPSTREAM_ACCESS_KEY_ID, UPSTREAM_SECRET_ACCESS_KEY, UPSTREAM_SESSION_TOKEN`
}

const configText = (options: InitOptions): string => `\
# Configuration of ssec-proxy. After a change: ssec-proxy check --config ${FILES.config}

listen:
  - { host: 127.0.0.1, port: 9000 }

upstreams:
  ${upstreamText(options)}

clients:
  - { name: app, accessKeyId: app, secretAccessKey: { file: ${FILES.secret} }, upstream: main }

keyrings:
  main: { provider: file, path: ${FILES.keyring} }

# The first rule that fits decides; where none does, the request is denied.
rules:
  - { name: default, buckets: ['*'], encrypt: { keyring: main } }
`

/** What is wrong with what the options say, found before anything is written. */
const checkText = (text: string): void => {
  const { value } = parseYaml(FILES.config, text)
  const findings = [
    ...shapeOf(configSchema, value).findings,
    ...checkUpstreams(partsOf(value, value)),
  ]
  const sentences = findings.map(({ path, message }) => `--${path.at(-1)} ${message}`)
  if (sentences.length > 0) throw new UsageError(sentences.join('\n'))
}

const isThere = async (file: string): Promise<boolean> => {
  try {
    await access(file)
    return true
  } catch {
    return false
  }
}

const checkFree = async (files: readonly string[], io: Io): Promise<void> => {
  const taken: string[] = []
  for (const file of files) if (await isThere(file)) taken.push(fromPath(io, file))
  if (taken.length === 0) return
  throw new UsageError(
    `There already: ${taken.join(', ')}. Nothing was written. Choose another --dir.`,
  )
}

const nextSteps = (io: Io, options: InitOptions, folder: string): string => {
  const [config, keyring, secret] = [FILES.config, FILES.keyring, FILES.secret].map(file =>
    shellQuote(fromPath(io, join(folder, file))),
  )
  const upstream =
    options.provider === 'embedded'
      ? ''
      : `
Give the proxy the provider's credentials:
  export UPSTREAM_ACCESS_KEY_ID=... UPSTREAM_SECRET_ACCESS_KEY=...
`
  return `\
created: ${config}, ${keyring} (a fresh key), ${secret} (the secret access key of client app)

Copy ${keyring} to a safe place, now: without it, nothing that is encrypted can ever be read.
${upstream}
Check and serve:
  ssec-proxy check --config ${config}
  ssec-proxy serve --config ${config}

Point the application at it:
  export AWS_ENDPOINT_URL=http://127.0.0.1:9000 AWS_DEFAULT_REGION=${shellQuote(options.region)}
  export AWS_ACCESS_KEY_ID=app AWS_SECRET_ACCESS_KEY="$(cat ${secret})"
`
}

/** The command `init`: a first configuration, a key and a client's secret. It never replaces a file. */
export const init = async (options: InitOptions, io: Io): Promise<number> => {
  const folder = toPath(io, options.dir)
  const text = configText(options)
  checkText(text)
  const at = (file: string): string => join(folder, file)
  await checkFree(Object.values(FILES).map(at), io)
  await mkdir(dirname(at(FILES.config)), { recursive: true })
  await writeKeyringFile(at(FILES.keyring), [generateVersion('v1', io.now())])
  await createSecretFile(at(FILES.secret), `${generateSecretAccessKey()}\n`)
  await writeFile(at(FILES.config), text, { flag: 'wx' })
  io.stdout.write(nextSteps(io, options, folder))
  return EXIT.ok
}
