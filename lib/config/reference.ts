import { z } from 'zod'
import { keyringDocument } from '../keys/providers/document.ts'
import { wrappedDocument } from '../keys/providers/wrapped-file.ts'
import { configSchema, policySchema } from './schema.ts'

/** As much of JSON Schema as the page needs. */
interface JsonSchema {
  readonly $ref?: string
  readonly $defs?: Readonly<Record<string, JsonSchema>>
  readonly type?: string
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly anyOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
  readonly items?: JsonSchema
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | JsonSchema
  readonly default?: unknown
  readonly description?: string
}

const toJsonSchema = (schema: z.ZodType): JsonSchema =>
  z.toJSONSchema(schema, { io: 'input' }) as JsonSchema

/** The JSON Schema of a configuration, for editors. */
export const configJsonSchema = (): JsonSchema => toJsonSchema(configSchema)

const refName = ($ref: string): string => $ref.replace(/^.*\//, '')

const code = (value: unknown): string =>
  `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``

const WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  integer: 'whole number',
  boolean: '`true` or `false`',
}

const typeText = (schema: JsonSchema): string => {
  if (schema.$ref !== undefined) {
    const name = refName(schema.$ref)
    return `[${name}](#${name.toLowerCase()})`
  }
  if (schema.const !== undefined) return code(schema.const)
  if (schema.enum !== undefined) return schema.enum.map(code).join(', ')
  if (schema.items !== undefined) return `list of ${typeText(schema.items)}`
  if (typeof schema.additionalProperties === 'object') {
    return `names, each with a ${typeText(schema.additionalProperties)}`
  }
  return WORDS[schema.type ?? ''] ?? ''
}

const isPlain = (value: unknown): boolean => JSON.stringify(value) !== '{}'

const defaultText = (name: string, option: JsonSchema, required: readonly string[]): string => {
  if (required.includes(name)) return '**required**'
  return option.default !== undefined && isPlain(option.default) ? code(option.default) : ''
}

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`

const table = ({ properties = {}, required = [] }: JsonSchema, defs: Definitions): string[] => [
  row(['option', 'type', 'default', 'meaning']),
  row(['---', '---', '---', '---']),
  ...Object.entries(properties).map(([name, option]) =>
    row([
      code(name),
      typeText(option),
      defaultText(name, option, required),
      option.description ?? defs.get(refName(option.$ref ?? ''))?.description ?? '',
    ]),
  ),
]

type Definitions = ReadonlyMap<string, JsonSchema>

const forms = ({ anyOf, oneOf }: JsonSchema): readonly JsonSchema[] =>
  (anyOf ?? oneOf ?? []).filter(({ properties }) => properties !== undefined)

const section = ([name, schema]: readonly [string, JsonSchema], defs: Definitions): string[] => [
  `## ${name}`,
  '',
  schema.description ?? '',
  '',
  ...(schema.properties === undefined ? [] : [...table(schema, defs), '']),
  ...forms(schema).flatMap((form, i) => [
    i === 0 ? 'Either:' : 'or:',
    '',
    ...table(form, defs),
    '',
  ]),
]

const definitionsOf = (schemas: readonly z.ZodType[]): Definitions =>
  new Map(schemas.flatMap(schema => Object.entries(toJsonSchema(schema).$defs ?? {})))

const HEAD = `\
<!-- Made by \`npm run schema\` out of lib/config/schema.ts. Change it there. -->

# Configuration reference

One YAML file says all: \`ssec-proxy serve --config ssec-proxy.yaml\`. \`ssec-proxy init\` writes a first one, \`ssec-proxy
check --config ssec-proxy.yaml\` tells every fault of it at once, with line and remedy.

- Paths are relative to the file that names them.
- An unknown option is a fault.
- No secret stands in the file: it says where each is found.
- Editors check and complete the file with \`config/schema.json\`.
`

/** The page `docs/configuration.md`: a table for each group of options. */
export const configurationPage = (): string => {
  const defs = definitionsOf([configSchema, policySchema, keyringDocument, wrappedDocument])
  return [HEAD, ...[...defs].flatMap(definition => section(definition, defs))]
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trimEnd()
    .concat('\n')
}
