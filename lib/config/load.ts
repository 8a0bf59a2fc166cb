import { dirname, resolve } from 'node:path'
import type { z } from 'zod'
import { parseYaml, type YamlDocument } from '../yaml/document.ts'
import { byPlace, ConfigError, type Fault, fileFault } from '../yaml/fault.ts'
import { readText } from '../yaml/read.ts'
import { shapeOfDocument } from '../yaml/shape.ts'
import { checkKeyring } from './assemble/keyring.ts'
import { assembleParts } from './assemble/parts.ts'
import { createReadField } from './assemble/vault.ts'
import { checkB2 } from './checks/b2.ts'
import { checkClients } from './checks/clients.ts'
import { checkKeyrings } from './checks/keyrings.ts'
import { checkListen } from './checks/listen.ts'
import { checkRules } from './checks/rules.ts'
import { checkUpstreams } from './checks/upstreams.ts'
import type { Config } from './config.ts'
import { createMissing } from './first-start.ts'
import { type Parts, partsOf, policyOf, type Remark } from './parts.ts'
import { createReport, type Report } from './report.ts'
import { type ConfigShape, configSchema, policySchema } from './schema.ts'

/** A configuration that may be used, and what else there is to say of it. */
export interface LoadedConfig {
  readonly config: Config
  readonly warnings: readonly Fault[]
  /** Files that were created because of `quickstart: true`. */
  readonly created: readonly string[]
  /** Every file that it was made of, by absolute path. */
  readonly files: readonly string[]
}

/** A document that was read as far as it could be. */
interface Read<T> {
  readonly document: YamlDocument
  readonly value: T | undefined
  readonly faults: readonly Fault[]
}

const readDocument = <S extends z.ZodType>(
  schema: S,
  file: string,
  text: string,
): Read<z.output<S>> => {
  const document = parseYaml(file, text)
  return { document, ...shapeOfDocument(schema, document) }
}

const openConfig = async (file: string): Promise<Read<ConfigShape>> => {
  const read = await readText(file)
  if (read.kind === 'unreadable') throw new ConfigError([fileFault(file, read.message)])
  return readDocument(configSchema, file, read.text)
}

/** The document that holds the rules: the configuration itself, or the file that `policy` names. */
const openPolicy = async ({ document }: Read<unknown>, report: Report): Promise<YamlDocument> => {
  const policy = policyOf(document.value)
  if (policy === undefined) return document
  const file = resolve(dirname(document.file), policy)
  const read = await readText(file)
  if (read.kind === 'unreadable') {
    report.about(document)({ path: ['policy'], message: `names a file that ${read.message}` })
    return parseYaml(file, '')
  }
  const opened = readDocument(policySchema, file, read.text)
  report.add(opened.faults)
  return opened.document
}

function* checkAll(parts: Parts): Generator<Remark> {
  yield* checkListen(parts)
  yield* checkUpstreams(parts)
  yield* checkClients(parts)
  yield* checkKeyrings(parts)
  yield* checkB2(parts)
}

export interface ReadOptions {
  /** The date that keys get which `quickstart: true` creates; none when left out. */
  readonly now?: Date
  /** A keyring that is about to be made, so that its file is not looked for. */
  readonly absent?: string | undefined
}

/**
 * Reads a configuration with all that it points to.
 *
 * @throws {ConfigError} with every fault of the file, and of the policy and keyring files that it names
 */
export const readConfig = async (
  file: string,
  env: NodeJS.ProcessEnv,
  { now, absent }: ReadOptions = {},
): Promise<LoadedConfig> => {
  const report = createReport()
  const main = await openConfig(file)
  report.add(main.faults)
  const policy = await openPolicy(main, report)
  const parts = partsOf(main.document.value, policy.value)
  report.take(main.document, checkAll(parts))
  report.take(policy, checkRules(parts))
  const folder = dirname(file)
  const isTrial = main.value?.quickstart === true && report.faults.length === 0
  const created = isTrial ? await createMissing(parts, folder, now) : []
  const files = new Set([main.document.file, policy.file].map(each => resolve(each)))
  const bare = {
    folder,
    env,
    report: report.about(main.document),
    onFile: (each: string) => void files.add(each),
  }
  const readField = await createReadField(bare, parts.vault)
  const sources = { ...bare, readField }
  const assembled = await assembleParts(sources, parts)
  for (const part of parts.keyrings.filter(({ name }) => name !== absent)) {
    report.add(await checkKeyring(sources, part, assembled.keyrings.get(part.name)))
  }
  if (main.value === undefined || report.faults.length > 0) {
    throw new ConfigError(report.faults.toSorted(byPlace))
  }
  const { quickstart, watch, domains, limits, log, admin, front, transport } = main.value
  const config = { quickstart, watch, domains, limits, log, admin, front, transport, ...assembled }
  return { config, warnings: report.warnings, created, files: [...files] }
}

/** The same, for who only wants the configuration. */
export const loadConfig = async (file: string, env: NodeJS.ProcessEnv): Promise<Config> =>
  (await readConfig(file, env)).config
