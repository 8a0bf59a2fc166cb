import { JOURNAL_FIELDS } from '../s3/journal.ts'

/** The page of the log's fields, `docs/log.md`. */
export const logPage = (): string => {
  const rows = Object.entries(JOURNAL_FIELDS).map(
    ([field, meaning]) => `| \`${field}\` | ${meaning} |`,
  )
  return `# The log

JSON lines on stdout, one per request, with \`level\` (30 information, 40 warning, 50 error), \`time\` and \`msg\`. A request's
line has \`msg: "request"\` and these fields, and never any other: no header, URL, object key, key or secret is logged.

| field | meaning |
| --- | --- |
${rows.join('\n')}

A line \`msg: "fault"\` with the same \`requestId\` carries the stack of what was not the client's fault.

What to look for: \`error: "UnconfirmedEncryption"\` means that a provider did not encrypt what it was told to;
\`attempts\` above 1 counts reads of objects under older key versions, or of plaintext where that is allowed.

This page is written by \`npm run schema\`.
`
}
