import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { resolve } from 'node:path'
import { createChain } from '../credentials/chain.ts'
import type { Credentials, CredentialsSource } from '../s3/credentials.ts'
import { Secret } from '../s3/secret.ts'
import type { Path } from '../yaml/fault.ts'
import { isOpenToOthers, modeText, readText } from '../yaml/read.ts'
import type { Remark } from './parts.ts'
import type { CredentialsRef, SecretRef, VaultRef } from './schema/secrets.ts'

/** Reads a field of a secret from the vault of the configuration. */
export type ReadField = (path: Path, ref: VaultRef) => Promise<Secret<string> | undefined>

/** Where a configuration finds what it only points to. What cannot be had is reported, and read as undefined. */
export interface Sources {
  /** The folder that relative paths start from. */
  readonly folder: string
  readonly env: NodeJS.ProcessEnv
  readonly report: (remark: Remark) => void
  /** Told of every file that is looked for, by its absolute path. */
  readonly onFile: (file: string) => void
  readonly readField: ReadField
}

const readFile = async (sources: Sources, path: Path, file: string) => {
  const whole = resolve(sources.folder, file)
  sources.onFile(whole)
  const read = await readText(whole)
  if (read.kind === 'text') return read
  sources.report({ path, message: `names a file that ${read.message}` })
  return undefined
}

/** Reads a file that should be its owner's alone. */
const readPrivateFile = async (
  sources: Sources,
  path: Path,
  file: string,
): Promise<string | undefined> => {
  const read = await readFile(sources, path, file)
  if (read !== undefined && isOpenToOthers(read.mode)) {
    const message = `names a file that is open to others (mode ${modeText(read.mode)}). Run: chmod 600 ${file}`
    sources.report({ path, message, warning: true })
  }
  return read?.text
}

/** What follows a prefix in the names of the variables of a key pair; nothing in that of a single secret. */
type Suffix = '' | '_ACCESS_KEY_ID' | '_SECRET_ACCESS_KEY'

// The message does not quote the name: it may be the secret itself, written in the wrong place.
const readVariable = (
  { env, report }: Sources,
  path: Path,
  name: string,
  suffix: Suffix = '',
): string | undefined => {
  const value = env[name + suffix]
  if (value !== undefined && value !== '') return value
  const what = suffix === '' ? 'a variable that' : `a prefix whose PREFIX${suffix}`
  const message = `names ${what} the environment does not have. Set it, or correct the name.`
  report({ path, message })
  return undefined
}

const toSecret = (text: string | undefined): Secret<string> | undefined =>
  text === undefined || text === '' ? undefined : new Secret(text)

const readSecretFile = async (
  sources: Sources,
  path: Path,
  file: string,
): Promise<Secret<string> | undefined> => {
  const text = (await readPrivateFile(sources, path, file))?.replace(/\r?\n$/, '')
  if (text === '') {
    sources.report({ path, message: 'names an empty file. Write the secret into it.' })
  }
  return toSecret(text)
}

export const readSecret = async (
  sources: Sources,
  path: Path,
  ref: SecretRef,
): Promise<Secret<string> | undefined> => {
  if ('insecureLiteral' in ref) return ref.insecureLiteral
  if ('vault' in ref) return sources.readField([...path, 'vault'], ref.vault)
  return 'env' in ref
    ? toSecret(readVariable(sources, [...path, 'env'], ref.env))
    : readSecretFile(sources, [...path, 'file'], ref.file)
}

const readVariables = (sources: Sources, path: Path, prefix: string): Credentials | undefined => {
  const accessKeyId = readVariable(sources, path, prefix, '_ACCESS_KEY_ID')
  const secretAccessKey = toSecret(readVariable(sources, path, prefix, '_SECRET_ACCESS_KEY'))
  const sessionToken = toSecret(sources.env[`${prefix}_SESSION_TOKEN`])
  if (accessKeyId === undefined || secretAccessKey === undefined) return undefined
  return { accessKeyId, secretAccessKey, sessionToken }
}

/** @param region of the service that they are for */
export const readCredentials = async (
  sources: Sources,
  path: Path,
  ref: CredentialsRef,
  region: string,
): Promise<CredentialsSource | undefined> => {
  if (ref === 'chain') return createChain(region)
  if ('env' in ref) return readVariables(sources, [...path, 'env'], ref.env)
  const { accessKeyId } = ref
  const secretAccessKey = await readSecret(
    sources,
    [...path, 'secretAccessKey'],
    ref.secretAccessKey,
  )
  const sessionToken =
    ref.sessionToken && (await readSecret(sources, [...path, 'sessionToken'], ref.sessionToken))
  return secretAccessKey && { accessKeyId, secretAccessKey, sessionToken }
}

/** What `parse` makes of a text; undefined where it throws. */
const parsed = <T>(parse: (pem: string) => T, pem: string): T | undefined => {
  try {
    return parse(pem)
  } catch {
    return undefined
  }
}

const parseCertificate = (pem: string): X509Certificate => new X509Certificate(pem)
const parsePrivateKey = (pem: string): KeyObject => createPrivateKey(pem)

/** Reads the PEM text of certificates. */
export const readCertificates = async (
  sources: Sources,
  path: Path,
  file: string,
): Promise<string | undefined> => {
  const pem = (await readFile(sources, path, file))?.text
  if (pem === undefined || parsed(parseCertificate, pem) !== undefined) return pem
  sources.report({ path, message: 'names a file without a PEM certificate. Name one with it.' })
  return undefined
}

/** Reads the PEM text of a private key. */
export const readPrivateKey = async (
  sources: Sources,
  path: Path,
  file: string,
): Promise<string | undefined> => {
  const pem = await readPrivateFile(sources, path, file)
  if (pem === undefined || parsed(parsePrivateKey, pem) !== undefined) return pem
  const message =
    'names a file without a PEM private key that needs no passphrase. Name one with it.'
  sources.report({ path, message })
  return undefined
}

/** Whether a certificate was made for a private key. Both are PEM texts. */
export const belongTogether = (cert: string, key: string): boolean =>
  parseCertificate(cert).checkPrivateKey(parsePrivateKey(key))
