import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { causeOf, run } from '../command.ts'
import { ensurePackages, packageVersion } from '../servers/debian.ts'
import type { Available, ClientName, ClientProgram } from '../stage.ts'
import { createVenv } from '../venv.ts'
import { createAwsCli } from './aws-cli.ts'
import { createAwsSdk } from './aws-sdk.ts'
import { createBoto3 } from './boto3.ts'
import type { Access, Client } from './client.ts'
import { createMinioJs } from './minio-js.ts'

const installedVersion = (python: string, name: string): Promise<string> =>
  run(python, ['-c', `from importlib.metadata import version; print(version('${name}'))`])

const debianAwsCli = async (): Promise<ClientProgram> => {
  await ensurePackages(['awscli'])
  return { label: `awscli ${await packageVersion('awscli')} of Debian`, path: '/usr/bin/aws' }
}

const newestAwsCli = async (): Promise<ClientProgram> => {
  const bin = join(await createVenv('awscli', ['awscli']), 'bin')
  const version = await installedVersion(join(bin, 'python'), 'awscli')
  return { label: `awscli ${version}`, path: join(bin, 'aws') }
}

const newestBoto3 = async (): Promise<ClientProgram> => {
  const python = join(await createVenv('boto3', ['boto3']), 'bin', 'python')
  return { label: `boto3 ${await installedVersion(python, 'boto3')}`, path: python }
}

/** A package that this project has for its tests. */
const ownPackage = async (name: string): Promise<ClientProgram> => {
  const url = new URL(`../../../node_modules/${name}/package.json`, import.meta.url)
  const { version } = JSON.parse(await readFile(url, 'utf8')) as { version: string }
  return { label: `${name} ${version}`, path: '' }
}

const INSTALL: Readonly<Record<ClientName, () => Promise<ClientProgram>>> = {
  'awscli-debian': debianAwsCli,
  awscli: newestAwsCli,
  boto3: newestBoto3,
  'aws-sdk-js': () => ownPackage('@aws-sdk/client-s3'),
  'minio-js': () => ownPackage('minio'),
}

/** Installs a client where it is missing. */
export const installClient = (name: ClientName): Promise<Available<ClientProgram>> =>
  INSTALL[name]().then(
    is => ({ is }),
    error => ({ lacks: causeOf(error) }),
  )

/** Starts a client against a server. */
export const startClient = async (
  name: ClientName,
  { path }: ClientProgram,
  access: Access,
): Promise<Client> => {
  switch (name) {
    case 'awscli-debian':
    case 'awscli':
      return createAwsCli(path, access)
    case 'boto3':
      return createBoto3(path, access)
    case 'aws-sdk-js':
      return createAwsSdk(access)
    case 'minio-js':
      return createMinioJs(access)
  }
}
