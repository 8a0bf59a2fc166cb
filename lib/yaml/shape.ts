import { z } from 'zod'
import type { YamlDocument } from './document.ts'
import type { Fault, Finding, Path } from './fault.ts'
import { nearest } from './nearest.ts'

type Issue = z.core.$ZodIssue
type RawIssue = z.core.$ZodRawIssue

/** A value of the shape that a schema asks for, or what is wrong with it. */
export type Shape<T> =
  | { readonly value: T; readonly findings: readonly [] }
  | { readonly value: undefined; readonly findings: readonly Finding[] }

const NAMES: Readonly<Record<string, string>> = {
  array: 'a list',
  boolean: 'true or false',
  int: 'a whole number',
  number: 'a number',
  object: 'a group of options',
  record: 'a group of names',
  string: 'a text',
}

const typeFault = (expected: string, input: unknown): string => {
  if (input === undefined) return 'is missing.'
  if (input === null) return 'is empty.'
  const quotes = expected === 'string' && typeof input !== 'object' ? ' Put it in quotes.' : ''
  return `must be ${NAMES[expected] ?? expected}.${quotes}`
}

const unknownOption = (name: string, known: readonly string[]): string => {
  const near = nearest(name, known)
  if (near === undefined) return `has an option here that is unknown. Known: ${known.join(', ')}.`
  return `has an option '${name}' that is unknown. Did you mean ${near}?`
}

const optionsOf = (schema: unknown): string[] =>
  schema instanceof z.ZodObject ? Object.keys(schema.shape) : []

const faultOf = (issue: RawIssue): string | undefined => {
  switch (issue.code) {
    case 'invalid_type':
      return typeFault(issue.expected, issue.input)
    case 'invalid_value':
      return `must be ${issue.values.length === 1 ? '' : 'one of '}${issue.values.join(', ')}.`
    case 'too_small':
      return typeof issue.input === 'number'
        ? `must be at least ${issue.minimum}.`
        : 'must not be empty.'
    case 'too_big':
      return `must be at most ${issue.maximum}.`
    default:
      return undefined
  }
}

/** The words for an issue that the schema itself has none for. One line per unknown option. */
const wordsFor = (issue: RawIssue): string | undefined => {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map(name => unknownOption(name, optionsOf(issue.inst))).join('\n')
  }
  const fault = faultOf(issue)
  const description = issue.inst instanceof z.ZodType ? issue.inst.description : undefined
  return fault && description ? `${fault} ${description}` : fault
}

/** Whether an issue says that the value is nothing of the form at all. */
const isOfWholeValue = (issue: Issue): boolean => {
  if (issue.path.length > 0 || issue.code === 'unrecognized_keys') return false
  return issue.code !== 'invalid_union' || meantForm(issue.errors) === undefined
}

/** Of several forms, the one that was probably meant: that with the fewest faults, when one has. */
const meantForm = (forms: readonly (readonly Issue[])[]): readonly Issue[] | undefined => {
  const [best, second] = forms
    .filter(issues => !issues.some(isOfWholeValue))
    .sort((a, b) => a.length - b.length)
  return best !== undefined && best.length !== second?.length ? best : undefined
}

const steps = (path: readonly PropertyKey[]): Path =>
  path.map(step => (typeof step === 'number' ? step : String(step)))

const findingsOf = (issue: Issue, around: Path): Finding[] => {
  const path = [...around, ...steps(issue.path)]
  if (issue.code === 'invalid_union') {
    const meant = meantForm(issue.errors)
    if (meant !== undefined) return meant.flatMap(each => findingsOf(each, path))
  }
  if (issue.code === 'unrecognized_keys') {
    const messages = issue.message.split('\n')
    return issue.keys.map((name, i) => ({ path, message: messages[i] ?? '', at: [...path, name] }))
  }
  if (issue.code === 'invalid_key') {
    const message = issue.issues[0]?.message ?? issue.message
    return [{ path: path.slice(0, -1), message, at: path }]
  }
  return [{ path, message: issue.message }]
}

/** Gives `value` the shape of `schema`, or says everything that stands in the way. */
export const shapeOf = <S extends z.ZodType>(
  schema: S,
  value: unknown,
  around: Path = [],
): Shape<z.output<S>> => {
  const parsed = schema.safeParse(value, { error: wordsFor })
  return parsed.success
    ? { value: parsed.data, findings: [] }
    : {
        value: undefined,
        findings: parsed.error.issues.flatMap(issue => findingsOf(issue, around)),
      }
}

/** The same for a document, whose faults as YAML count, too. */
export const shapeOfDocument = <S extends z.ZodType>(
  schema: S,
  document: YamlDocument,
): { readonly value: z.output<S> | undefined; readonly faults: readonly Fault[] } => {
  if (document.value === undefined) return { value: undefined, faults: document.faults }
  const { value, findings } = shapeOf(schema, document.value)
  return { value, faults: [...document.faults, ...findings.map(document.locate)] }
}

/** The options of a group that are well-formed, whatever is wrong with others. */
export const wellFormedOptions = <S extends z.ZodObject>(
  schema: S,
  value: unknown,
): Partial<z.output<S>> => {
  const given = z.record(z.string(), z.unknown()).safeParse(value).data ?? {}
  const options = Object.entries(schema.shape).flatMap(([name, option]) => {
    const { success, data } = z.safeParse(option, given[name])
    return success && data !== undefined ? [[name, data] as const] : []
  })
  return Object.fromEntries(options) as Partial<z.output<S>>
}
