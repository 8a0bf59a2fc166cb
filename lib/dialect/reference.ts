import { FAMILIES, type Family } from './families.ts'
import { PROVIDERS, type Profile, type Quirk } from './profiles.ts'

const HEAD = `\
<!-- Made by \`npm run schema\` out of lib/dialect. Change it there. -->

# Dialects

A request is read into S3's vocabulary, and written in the words of its upstream before it is signed. What an upstream's
words cannot say, and may not be forgotten (a condition, an owner, a context), is refused with 501 and the header's name.
\`signature\` of an upstream chooses among its words: \`sigv4\` speaks \`x-amz-*\`.

## Nine ways

Any client before any upstream, by the same policy, keys and confirmation. A way that is partial says on the page which calls.

| client | S3 upstream | OBS upstream | B2 native upstream |
| --- | --- | --- | --- |
| S3 | whole | but for what OBS has no word for (below) | partial: [b2.md](b2.md), "S3 clients before B2's native API" |
| OBS | partial: [obs.md](obs.md) | partial: [obs.md](obs.md) | partial, as for S3 |
| B2 native | partial: [b2.md](b2.md), "In front of another provider" | partial, as for S3 | [b2.md](b2.md), "What each call does" |

Stock clients of B2's go before Ceph RGW and MinIO (\`test/real/b2-front.test.ts\`) and before B2's simulator; before OBS its calls
for buckets and whole files are tried at an OBS of the tests' own, its large files and listings are not.
`

const code = (text: string): string => `\`${text}\``
const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string[] => [
  row(head),
  row(head.map(() => '---')),
  ...rows.map(row),
]

const differences = ({ names, bucketNames, values, bucketValues }: Family): string => {
  const all = [
    ...[...names, ...bucketNames].map(([amz, own]) => `${code(amz)} is ${code(own)}`),
    ...Object.entries({ ...values, ...bucketValues }).flatMap(([header, pairs]) =>
      pairs
        .filter(([amz, own]) => amz !== own)
        .map(([amz, own]) => `${code(header)}: ${code(amz)} is ${code(own)}`),
    ),
  ]
  return all.join('; ')
}

/** What a family says in another form than by a name of its own. */
const idioms = ({ createOnly, hashes, query, sourceVersion, triples }: Family): string =>
  [
    ...query.map(([amz, own]) => `the parameter ${code(amz)} is ${code(own)}`),
    ...(createOnly === undefined
      ? []
      : [`${code('if-none-match: *')} is ${code(createOnly.join(': '))}`]),
    ...(hashes === undefined
      ? []
      : [
          `${code('content-md5')} and ${code('x-amz-checksum-crc32c')} are read from ${code(hashes)}`,
        ]),
    ...(sourceVersion === 'value' || triples.source === undefined
      ? []
      : ['the version of a copy’s source has a header of its own']),
  ].join('; ')

const familySection = (family: Family): string[] => {
  const { triples, digest, demands, lacks, otherDocuments, own, general, metadata, source } = family
  return [
    `### ${family.name}`,
    '',
    ...table(
      ['what', 'in its words'],
      [
        ['object', Object.values(triples.object).map(code).join(', ')],
        [
          'copy source',
          triples.source === undefined
            ? 'not in headers'
            : Object.values(triples.source).map(code).join(', '),
        ],
        ['answer', `${code(triples.object.algorithm)}, ${code(triples.object.digest)}`],
        ['digest of the key', digest === 'md5' ? 'MD5' : 'SHA-256'],
        [
          'metadata',
          `${code(`${metadata.prefix}*`)}${metadata.coding === 'percent' ? ', percent-encoded' : ''}`,
        ],
        [
          'other names',
          general ? `the same behind ${code(family.prefix)}` : 'only those named here',
        ],
        ['differences', differences(family)],
        ['said otherwise', idioms(family)],
        ['its own, kept for an upstream of the same words', own.map(code).join(', ')],
        ['refused before an upstream that has none', demands.map(code).join(', ')],
        ['without counterpart: refused', lacks.map(code).join(', ')],
        [
          'documents not translated: refused',
          otherDocuments.map(each => code(`?${each}`)).join(', '),
        ],
        ['source', source],
      ].filter(([, text]) => text !== ''),
    ),
    '',
  ]
}

const handled = (profile: Profile): string =>
  [
    `${profile.family}, ${profile.signature}`,
    profile.addressing === 'virtual' ? 'bucket in the host name' : 'bucket in the path',
    profile.payload === 'unsigned' ? 'UNSIGNED-PAYLOAD' : 'payload hash signed',
    profile.checksums ? 'checksums sent on' : 'checksums verified here and left out',
    `ETags ${profile.etag}`,
    `own copies with keys: ${profile.copy}`,
  ].join('; ')

const quirkRow = ({ what, source }: Quirk): string[] => [what.replaceAll('|', '\\|'), source]

const providerSection = (profile: Profile): string[] => [
  `### ${profile.name}`,
  '',
  `${handled(profile)}.`,
  '',
  ...(profile.quirks.length === 0
    ? []
    : [...table(['quirk', 'evidence'], profile.quirks.map(quirkRow)), '']),
]

/** Those that a client or an upstream is spoken to in; those of a provider's own API that nobody here speaks are not. */
const isSpoken = ({ name }: Family): boolean =>
  name === 'bz' || [...PROVIDERS.values()].some(({ family }) => family === name)

/** The page `docs/dialects.md`: every family of header names and every provider, out of their tables. */
export const dialectsPage = (): string =>
  [
    HEAD,
    '## Families',
    '',
    ...Object.values(FAMILIES).filter(isSpoken).flatMap(familySection),
    '## Providers',
    '',
    'What is measured says so. All else is told by the page or the report that is named, and was not tried here: run',
    '`ssec-proxy doctor` before you rely on it.',
    '',
    ...[...PROVIDERS.values()].flatMap(providerSection),
  ]
    .join('\n')
    .trimEnd()
    .concat('\n')
