import { z } from 'zod'
import { SCHEMES } from '../../authenticate/client.ts'
import { accessKeyId, credentials, secretRef } from './secrets.ts'
import { always, exactlyOne, name } from './values.ts'

const trusted = z
  .union(
    [
      z.enum(['loopback', 'unix']),
      z.strictObject({
        tlsSubject: z
          .string()
          .min(1)
          .describe(
            "Common name of a client certificate that the listener's `clientCa` vouches for.",
          ),
      }),
    ],
    { error: 'must be loopback, unix or {tlsSubject: NAME}.' },
  )
  .meta({
    id: 'Trusted',
    description:
      '`loopback` (a TCP connection from this machine), `unix` (a connection on a unix socket), or `{tlsSubject: NAME}`.',
  })

const upstreamCredentials = z
  .union([z.literal('same'), credentials], {
    error: 'must be same, chain, {env: PREFIX} or {accessKeyId: ..., secretAccessKey: ...}.',
  })
  .meta({
    id: 'UpstreamCredentials',
    description:
      "`same` (the client's own pair, so that the provider's policies still tell clients apart), or `Credentials`.",
  })

/** The options of a key pair, each useless without the other. */
const PAIR = ['accessKeyId', 'secretAccessKey'] as const

const checkPair = (
  value: Readonly<Partial<Record<(typeof PAIR)[number], unknown>>>,
  report: z.RefinementCtx,
): void => {
  if (PAIR.every(option => value[option] === undefined)) return
  for (const option of PAIR) {
    if (value[option] !== undefined) continue
    const message = 'is missing. The other half of the key pair needs it.'
    report.addIssue({ code: 'custom', path: [option], message })
  }
}

/** Somebody who may call: known by a key pair, by the way it comes, or not at all. */
export const client = exactlyOne(
  z.strictObject({
    name: name.describe('Name for rules and logs.'),
    accessKeyId: accessKeyId
      .describe('Access key id that the client signs with; with `secretAccessKey`.')
      .optional(),
    secretAccessKey: secretRef.describe('Secret access key that the client signs with.').optional(),
    signatures: z
      .array(z.enum(SCHEMES, { error: `must be one of ${SCHEMES.join(', ')}.` }))
      .min(1)
      .describe(
        "How the client may sign: `v4` (AWS's signature version 4), `v2` (AWS's version 2, and OBS SDKs in path style), `obs` (Huawei OBS's own), `goog4` (Cloud Storage's spelling of version 4, with an HMAC key). `v2` and `obs` rest on SHA-1 and cover less of a request: allow them to apps that know no better. Left out: `[v4]`.",
      )
      .optional(),
    trusted: trusted
      .describe('The client signs nothing and is known by the way it comes: for sidecars.')
      .optional(),
    anonymous: z
      .literal(true)
      .describe(
        "The client is anyone whose request carries no signature. It goes on unsigned, so that the provider's own policy decides.",
      )
      .optional(),
    upstream: name.describe('Name of the upstream that its requests go to.'),
    upstreamCredentials: upstreamCredentials
      .describe("With what its requests are signed for the provider. Left out: the upstream's.")
      .optional(),
  }),
  ['accessKeyId', 'trusted', 'anonymous'],
)
  .superRefine(checkPair, always)
  .meta({
    id: 'Client',
    description:
      'Somebody who may call the proxy. It has exactly one of `accessKeyId`, `trusted` and `anonymous`.',
    dependentRequired: { accessKeyId: ['secretAccessKey'], secretAccessKey: ['accessKeyId'] },
  })

export type ClientShape = z.output<typeof client>
