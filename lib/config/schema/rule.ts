import { z } from 'zod'
import { OPERATIONS } from '../../s3/operation.ts'
import { meant } from '../../yaml/nearest.ts'
import { always, exactlyOne, name } from './values.ts'

/** What a rule may speak of instead of single operations. */
export const OPERATION_CLASSES = ['read', 'write', 'list', 'delete', 'admin'] as const

// The policy is asked about the PutObject that a form comes to, so a rule about PostObject would never decide.
const isAsked = (operation: string): boolean => operation !== 'PostObject'

const OPERATION_WORDS: ReadonlySet<string> = new Set([
  ...OPERATION_CLASSES,
  ...OPERATIONS.map(operation => operation.name).filter(isAsked),
])

const isOperationWord = (word: unknown): boolean =>
  typeof word === 'string' && OPERATION_WORDS.has(word)

const operationFault = (word: unknown): string => {
  const classes = `Write an S3 operation such as PutObject, or one of ${OPERATION_CLASSES.join(', ')}.`
  const guess = typeof word === 'string' ? meant(word, OPERATION_WORDS) : ''
  return `is no operation. ${guess.startsWith('Did you') ? guess : classes}`
}

const operation = z
  .string()
  .refine(isOperationWord, { error: ({ input }) => operationFault(input) })

const glob = z.string().regex(/^[A-Za-z0-9._:*?-]{1,255}$/, {
  error:
    'is no bucket glob. Use the letters of bucket names, * for any run of characters and ? for one; prefixes of object keys belong in `prefixes`.',
})

/** What an option of an encrypting rule says when it is left out. */
export const ENCRYPT_DEFAULTS = {
  plaintextReads: 'deny',
  clientKeys: 'reject',
  conflicts: 'remove',
  onUnconfirmed: 'delete',
  responseHeaders: 'show',
} as const

// Optional, and not defaulted by zod, so that a rule of another kind that has one can be told so.
const encryptOption = <Choice extends string>(
  option: keyof typeof ENCRYPT_DEFAULTS,
  choices: readonly [Choice, Choice],
  description: string,
) =>
  z
    .enum(choices)
    .meta({ description: `With \`encrypt\`: ${description}`, default: ENCRYPT_DEFAULTS[option] })
    .optional()

const encryptOptions = {
  plaintextReads: encryptOption(
    'plaintextReads',
    ['allow', 'deny'],
    'whether objects stored in plaintext may be read.',
  ),
  clientKeys: encryptOption(
    'clientKeys',
    ['accept', 'reject'],
    'whether a client may bring an SSE-C key of its own.',
  ),
  conflicts: encryptOption(
    'conflicts',
    ['remove', 'reject'],
    "what happens to a client's own `x-amz-server-side-encryption` headers.",
  ),
  onUnconfirmed: encryptOption(
    'onUnconfirmed',
    ['delete', 'keep'],
    'what happens to an object that the provider did not confirm as encrypted. The client gets an error either way.',
  ),
  responseHeaders: encryptOption(
    'responseHeaders',
    ['show', 'hide'],
    'whether clients see the SSE-C headers of answers.',
  ),
  etag: z
    .enum(['as-is', 'mark'])
    .describe("With `encrypt`: how clients see ETags. Left out: as the upstream's `etag` says.")
    .optional(),
}

type EncryptOption = keyof typeof encryptOptions

/** The options that speak of keys that a request carries. */
const OF_KEYRINGS = new Set(['clientKeys', 'responseHeaders', 'etag'])

const checkEncryptOptions = (
  value: Readonly<Partial<Record<EncryptOption, unknown>>> & {
    readonly encrypt?:
      | { readonly keyring?: string | undefined; readonly sse?: string | undefined }
      | undefined
  },
  report: z.RefinementCtx,
): void => {
  const { encrypt } = value
  if (encrypt?.keyring !== undefined) return
  for (const option of Object.keys(encryptOptions)) {
    if (value[option as EncryptOption] === undefined) continue
    if (encrypt?.sse !== undefined && !OF_KEYRINGS.has(option)) continue
    const what = encrypt === undefined ? 'encrypt' : 'a keyring'
    const message = `has a meaning only with ${what}. Remove it.`
    report.addIssue({ code: 'custom', path: [option], message })
  }
}

const list = <S extends z.ZodType>(item: S) => z.array(item).min(1)

const checkKeyId = (
  { sse, keyId }: { readonly sse?: string | undefined; readonly keyId?: string | undefined },
  report: z.RefinementCtx,
): void => {
  if (keyId === undefined || sse === 'kms') return
  const message = 'has a meaning only with sse: kms. Remove it.'
  report.addIssue({ code: 'custom', path: ['keyId'], message })
}

const encryption = exactlyOne(
  z.strictObject({
    keyring: name
      .describe(
        'SSE-C: name of the keyring. Its newest version encrypts, all decrypt. The provider keeps no key.',
      )
      .optional(),
    sse: z
      .enum(['kms', 's3'])
      .describe(
        "Instead, the provider's own method, with a key that it keeps: SSE-KMS (`kms`), or the plain one (`s3`: SSE-S3, SSE-OBS, SSE-B2). Every write demands it, and is a success only when the answer names it.",
      )
      .optional(),
    keyId: z
      .string()
      .regex(/^(?!alias\/)[\x21-\x7e]{1,2048}$/, {
        error:
          'must be the id or the whole name of a key, not an alias: the answer has to name the same.',
      })
      .describe(
        "With `sse: kms`: the key, as the provider names it. Left out: the provider's default.",
      )
      .optional(),
  }),
  ['keyring', 'sse'],
)
  .superRefine(checkKeyId, always)
  .meta({
    id: 'Encrypt',
    description:
      "Every object is encrypted: with a `keyring` by SSE-C, or by the provider's own `sse`.",
  })

/** First match wins, so an absent list means all. */
export const rule = exactlyOne(
  z.strictObject({
    name: name.describe('Name for logs and `explain`.'),
    clients: list(name).describe('Client names. Left out: all.').optional(),
    buckets: list(glob)
      .describe(
        'Bucket globs: `*` is any run of characters, `?` one. Left out: all. Only a rule about all buckets matches ListBuckets.',
      )
      .optional(),
    prefixes: list(z.string().min(1))
      .describe(
        'Prefixes of object keys, and of the `prefix` of listings. Left out: all. Such a rule matches no other request about a whole bucket.',
      )
      .optional(),
    operations: list(operation)
      .describe(
        `S3 operations such as \`PutObject\`, or classes of them: ${OPERATION_CLASSES.join(', ')}. Left out: all.`,
      )
      .optional(),
    encrypt: encryption.optional(),
    passthrough: z.literal(true).describe('Requests go on as they are.').optional(),
    deny: z.literal(true).describe('Requests are refused with AccessDenied.').optional(),
    ...encryptOptions,
  }),
  ['encrypt', 'passthrough', 'deny'],
)
  .superRefine(checkEncryptOptions, always)
  .meta({
    id: 'Rule',
    description:
      'What happens to requests that fit. The first rule that fits decides; where none does, the request is denied. A rule has exactly one of `encrypt`, `passthrough` and `deny`.',
  })

export type RuleShape = z.output<typeof rule>
